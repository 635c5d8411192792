// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "core/base/log.hpp"
#include "vmm/devices/virtio_console/pty_port.hpp"
#include "vmm/devices/virtio_console/socket_port.hpp"
#include "vmm/devices/virtio_console/virtio_console.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

std::string port_item(const DeviceConfig& d) {
    return "port." + d.id;
}

Status open_console_port(const DeviceConfig& d, inventory::Inventory& inventory) {
    if (const std::string path = d.text("socket"); !path.empty()) {
        auto socket = open_port_socket(port_item(d), path, inventory);
        return socket ? Status() : std::move(socket).error().while_doing("device '" + d.id + "'");
    }
    SEGUE_ASSIGN(const Pty pty, open_pty(port_item(d), inventory));
    log::info("device '" + d.id + "': its other end is " + pty.path);
    return {};
}

Result<std::unique_ptr<HostPort>> host_port(const DeviceConfig& d, const HostSide& host) {
    if (!d.text("socket").empty()) {
        SEGUE_ASSIGN(const PortSocket socket, adopted(adopt_port_socket, port_item(d), host));
        return SocketPort::create(socket);
    }
    SEGUE_ASSIGN(Pty pty, adopted(adopt_pty, port_item(d), host));
    return PtyPort::create(std::move(pty));
}

Result<ModelPtr> make_console(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(auto end, host_port(d, host));
    return ModelPtr(new VirtioConsole(d.id, d.text("port"), std::move(end)));
}

void remove_console_port(const DeviceConfig& d) noexcept {
    if (const std::string path = d.text("socket"); !path.empty())
        ::unlink(path.c_str());
}

} // namespace

constexpr Factory kConsoleFactory = {VirtioConsole::kName, open_console_port, make_console,
                                     remove_console_port};

} // namespace segue::vmm
