// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/host_end.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/unix_socket.hpp"

namespace segue::vmm {

namespace {

constexpr mode_t kMode = 0600;
constexpr std::size_t kSuffix = sizeof "_4294967295"; // with the 0 that ends a path

std::string item_of(const VsockConfig& config) {
    return "vsock." + config.id;
}

Error at(const VsockConfig& config, const std::string& what) {
    return Error(Code::Refused, "device '" + config.id + "': " + config.path + ": " + what)
        .with("device", config.id);
}

Status check_place(const VsockConfig& config) {
    if (config.path.size() + kSuffix > sizeof sockaddr_un().sun_path)
        return at(config, "the paths of the guest's ports, " + path_of_port(config, 4294967295) +
                              " for one, are longer than a socket's may be")
            .way_out("choose a path of at most " +
                     std::to_string(sizeof sockaddr_un().sun_path - kSuffix) + " bytes");
    struct stat st = {};
    if (::lstat(config.path.c_str(), &st) != 0)
        return errno == ENOENT ? Status() : Error::from_errno(errno, config.path);
    if (!S_ISSOCK(st.st_mode))
        return at(config, "something stands there that is no socket")
            .way_out("choose another path, or remove it");
    const auto listens = connect_unix(config.path, Deadline::in(std::chrono::seconds(1)));
    if (listens || listens.code() == Code::Deadline)
        return at(config, "another process listens there")
            .way_out("choose another path, or end that process");
    return {};
}

} // namespace

std::string path_of_port(const VsockConfig& config, std::uint32_t port) {
    return config.path + "_" + std::to_string(port);
}

Status open_vsock(const VsockConfig& config, inventory::Inventory& inventory) {
    SEGUE_TRY(check_place(config));
    auto listener = listen_unix(config.path, kMode);
    if (!listener)
        return std::move(listener)
            .error()
            .while_doing("device '" + config.id + "'")
            .with("device", config.id);
    SEGUE_TRY(inventory.add({item_of(config), std::move(*listener)}));
    return StreamPouch::open(item_of(config), inventory);
}

Result<VsockHostEnd> adopt_vsock(const VsockConfig& config, const inventory::Inventory& inventory) {
    VsockHostEnd end;
    end.listener = inventory.find(item_of(config));
    if (end.listener < 0)
        return Error(Code::NotFound, "the inventory has no \"" + item_of(config) + '"')
            .with("item", item_of(config));
    SEGUE_ASSIGN(end.pouch, StreamPouch::adopt(item_of(config), inventory));
    return end;
}

void remove_vsock(const VsockConfig& config) noexcept {
    ::unlink(config.path.c_str());
}

} // namespace segue::vmm
