// SPDX-License-Identifier: Apache-2.0
#include "core/config/guest_config.hpp"

#include <algorithm>
#include <bit>

#include "core/base/number_list.hpp"
#include "core/base/trusted.hpp"
#include "core/config/override.hpp"
#include "core/config/print.hpp"

namespace segue::config {

namespace {

using std::chrono::microseconds;

constexpr std::size_t kMaxBytes = 1 << 20; // of a configuration file
constexpr std::uint64_t kPage = 4096;
constexpr unsigned kMaxNode = 1023; // CONFIG_NODES_SHIFT of x86-64 is 10 at most

microseconds time_of(const Settings& s, std::string_view path) {
    return microseconds(static_cast<std::int64_t>(s.number(path)));
}

std::string whole_pages(std::uint64_t bytes) {
    const std::uint64_t below = bytes / kPage * kPage;
    return "write \"" + std::to_string(below) + "\" or \"" + std::to_string(below + kPage) + "\"";
}

bool flag(const Settings& s, const std::string& path) {
    return std::get<bool>(s.find(path)->value);
}

Status read_numa(const Settings& s, const std::string& at, NumaConfig& out) {
    const Setting *nodes = s.find(at + ".nodes"), *policy = s.find(at + ".policy");
    const std::string word = s.text(at + ".policy");
    out.policy = word == "preferred"    ? NumaPolicy::Preferred
                 : word == "interleave" ? NumaPolicy::Interleave
                                        : NumaPolicy::Bind;
    if (nodes == nullptr && policy != nullptr)
        return s.wrong(*policy, "absent where " + at + ".nodes is")
            .way_out("name the nodes, or leave the policy out");
    if (nodes == nullptr)
        return {};
    const auto list = parse_number_list(s.text(nodes->path));
    if (!list || list->back() > kMaxNode)
        return s.wrong(*nodes, "a list of NUMA nodes, 0 to 1023, such as \"0-1,3\"")
            .way_out("write them as /sys/devices/system/node/has_memory does");
    if (out.policy == NumaPolicy::Preferred && list->size() != 1)
        return s.wrong(*nodes, "one node where " + at + ".policy is \"preferred\"")
            .way_out("name one, or use policy \"bind\" or \"interleave\"");
    out.nodes = *list;
    return {};
}

Status read_memory(const Settings& s, std::vector<MemoryConfig>& out) {
    for (std::string at = "memory[0]"; s.find(at + ".id") != nullptr;
         at = "memory[" + std::to_string(out.size()) + "]") {
        MemoryConfig m;
        m.id = s.text(at + ".id");
        m.size = s.number(at + ".size");
        m.backend = s.text(at + ".backend");
        m.options = at + ".options";
        m.prealloc = flag(s, at + ".prealloc");
        m.lock = flag(s, at + ".lock");
        SEGUE_TRY(read_numa(s, at + ".numa", m.numa));
        if (m.size % kPage != 0)
            return s.wrong(*s.find(at + ".size"), "a multiple of 4096 bytes")
                .way_out(whole_pages(m.size));
        for (std::size_t i = 0; i < out.size(); ++i)
            if (out[i].id == m.id)
                return s.wrong(*s.find(at + ".id"), "another name than that of a block before it")
                    .way_out("name it otherwise: memory[" + std::to_string(i) + "] has that name");
        out.push_back(std::move(m));
    }
    if (out.empty())
        return key_error(s.document(), {1, 1}, "memory", "is missing", "an array of tables")
            .way_out("add a [[memory]] table with id, size and backend");
    return {};
}

Status read_devices(const Settings& s, std::vector<DeviceConfig>& out) {
    for (std::string at = "device[0]"; s.find(at + ".id") != nullptr;
         at = "device[" + std::to_string(out.size()) + "]") {
        DeviceConfig d = {s.text(at + ".id"), s.text(at + ".model"), at + ".options", {}};
        for (std::size_t i = 0; i < out.size(); ++i)
            if (out[i].id == d.id)
                return s.wrong(*s.find(at + ".id"), "another name than that of a device before it")
                    .way_out("name it otherwise: device[" + std::to_string(i) + "] has that name");
        out.push_back(std::move(d));
    }
    return {};
}

Status read_cpu(const Settings& s, GuestConfig& out) {
    out.cpu = s.text("guest.cpu");
    out.nested = flag(s, "guest.nested");
    if (out.nested && out.cpu != "host")
        return s.wrong(*s.find("guest.nested"), "false where guest.cpu is \"" + out.cpu + "\"")
            .way_out("no baseline has virtualization: use guest.cpu = \"host\"");
    return {};
}

Status read_console(const Settings& s, ConsoleConfig& out) {
    const Setting& backend = *s.find("console.backend");
    const Setting* path = s.find("console.path");
    const std::string kind = s.text("console.backend");
    out.kind = kind == "stdio"  ? ConsoleKind::Stdio
               : kind == "file" ? ConsoleKind::File
               : kind == "pty"  ? ConsoleKind::Pty
                                : ConsoleKind::None;
    out.path = s.text("console.path");
    if (out.kind == ConsoleKind::File && path == nullptr)
        return key_error(s.document(), backend.place, "console.path", "is missing",
                         "an absolute path where console.backend is \"file\"")
            .way_out("add console.path");
    if (out.kind != ConsoleKind::File && path != nullptr)
        return s
            .wrong(*path, "absent where console.backend is " + print(backend.value, Type::String))
            .way_out("remove it, or set console.backend = \"file\"");
    return {};
}

void read_channels(const Settings& s, std::vector<ChannelConfig>& out) {
    constexpr std::string_view prefix = "update.channels.", suffix = ".transport";
    for (const Setting& setting : s.all()) {
        const std::string_view path = setting.path;
        if (path.substr(0, prefix.size()) != prefix ||
            path.size() < prefix.size() + suffix.size() ||
            path.substr(path.size() - suffix.size()) != suffix)
            continue;
        const std::string at(path.substr(0, path.size() - suffix.size()));
        out.push_back({at.substr(prefix.size()), s.text(path), at + ".options"});
    }
}

Status read_update(const Settings& s, UpdateConfig& out) {
    out.mode = s.text("update.mode");
    out.allow = s.list("update.allow");
    const Setting* allow = s.find("update.allow");
    if (allow == nullptr && !out.mode.empty())
        out.allow = {out.mode};
    if (!out.mode.empty() &&
        std::find(out.allow.begin(), out.allow.end(), out.mode) == out.allow.end())
        return s.wrong(*allow, "an array that holds update.mode, \"" + out.mode + "\"")
            .way_out("add \"" + out.mode + "\" to update.allow");
    for (auto mode = out.allow.begin(); mode != out.allow.end(); ++mode)
        if (std::find(out.allow.begin(), mode, *mode) != mode)
            return s.wrong(*allow, "an array that holds each mode once")
                .way_out("remove the second \"" + *mode + "\"");
    out.binary = s.text("update.binary");
    out.keeper = s.text("update.keeper");
    if (s.find("update.blackout_budget") != nullptr)
        out.blackout_budget = time_of(s, "update.blackout_budget");
    out.dirty_ring_size = static_cast<std::uint32_t>(s.number("update.dirty_ring_size"));
    if (out.dirty_ring_size != 0 &&
        (out.dirty_ring_size < 1024 || !std::has_single_bit(out.dirty_ring_size)))
        return s.wrong(*s.find("update.dirty_ring_size"), "0 or a power of two from 1024 to 65536")
            .way_out("4096 is what most guests need; 0 leaves it to KVM's bitmaps");
    out.deadline = {time_of(s, "update.deadline.prepare"), time_of(s, "update.deadline.copy"),
                    time_of(s, "update.deadline.pause"), time_of(s, "update.deadline.drain"),
                    time_of(s, "update.deadline.handover")};
    read_channels(s, out.channels);
    return {};
}

Status read_control(const Settings& s, ControlConfig& out) {
    const std::string mode = s.text("control.socket.mode");
    if (mode.size() != 4 || mode[0] != '0' || mode.find_first_not_of("01234567") != mode.npos)
        return s.wrong(*s.find("control.socket.mode"), "four octal digits such as \"0660\"")
            .way_out("write for example \"0600\" for the owner, \"0660\" for a group, too");
    out.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8));
    out.group = s.text("control.socket.group");
    return {};
}

} // namespace

Result<GuestConfig> check_guest_config(Document document) {
    SEGUE_ASSIGN(Settings settings, check_document(std::move(document), guest_keys()));
    GuestConfig c{{}, 0, {}, false, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::move(settings)};
    const Settings& s = c.settings;
    c.name = s.text("guest.name");
    c.vcpus = static_cast<std::uint32_t>(s.number("guest.vcpus"));
    SEGUE_TRY(read_cpu(s, c));
    c.kernel = s.text("guest.kernel");
    c.initrd = s.text("guest.initrd");
    c.cmdline = s.text("guest.cmdline");
    c.plugin_dirs = s.list("plugins.dirs");
    SEGUE_TRY(read_memory(s, c.memory));
    SEGUE_TRY(read_devices(s, c.devices));
    SEGUE_TRY(read_console(s, c.console));
    SEGUE_TRY(read_update(s, c.update));
    SEGUE_TRY(read_control(s, c.control));
    return c;
}

Result<GuestConfig> load_guest_config(const std::filesystem::path& path,
                                      const std::vector<std::string>& overrides) {
    SEGUE_ASSIGN(const std::filesystem::path real, trusted_file(path));
    SEGUE_ASSIGN(Document document, load_toml(real, kMaxBytes));
    document.file = path.string();
    for (const std::string& text : overrides)
        SEGUE_TRY(apply_override(document, text));
    return check_guest_config(std::move(document));
}

} // namespace segue::config
