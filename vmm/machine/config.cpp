// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/config.hpp"

namespace segue::vmm {

// The values travel.
static_assert(static_cast<int>(ConsoleKind::None) == 0 &&
              static_cast<int>(ConsoleKind::Stdio) == 1 &&
              static_cast<int>(ConsoleKind::File) == 2 && static_cast<int>(ConsoleKind::Pty) == 3);

void MachineConfig::write(state::Writer& manifest) const {
    manifest.begin("machine", "", 1);
    manifest.put_text("version", kMachineVersion);
    manifest.put("vcpus", vcpus);
    manifest.put_text("kernel", boot.kernel);
    manifest.put_text("initrd", boot.initrd);
    manifest.put_text("command_line", boot.command_line);
    manifest.put("console_kind", static_cast<std::uint64_t>(console.kind));
    manifest.put_text("console_path", console.path);
    manifest.end();
    vmm::write(devices, manifest);
}

Result<MachineConfig> MachineConfig::read(const state::Reader& manifest) {
    SEGUE_ASSIGN(const state::Section* s, manifest.take("machine"));
    SEGUE_ASSIGN(const std::string_view version, s->text("version"));
    if (version != kMachineVersion)
        return Error(Code::Unsupported, "machine version \"" + std::string(version) +
                                            "\": this VMM makes " + kMachineVersion)
            .way_out("update to a VMM that makes it")
            .with("machine", std::string(version));
    MachineConfig c;
    SEGUE_ASSIGN(const std::uint64_t vcpus, s->number("vcpus"));
    if (vcpus < 1 || vcpus > kMaxVcpus)
        return Error(Code::Corrupt, "machine: " + std::to_string(vcpus) + " vCPUs");
    c.vcpus = static_cast<unsigned>(vcpus);
    SEGUE_ASSIGN(c.boot.kernel, s->text("kernel"));
    SEGUE_ASSIGN(c.boot.initrd, s->text("initrd"));
    SEGUE_ASSIGN(c.boot.command_line, s->text("command_line"));
    SEGUE_ASSIGN(const std::uint64_t kind, s->number("console_kind"));
    if (kind > static_cast<std::uint64_t>(ConsoleKind::Pty))
        return Error(Code::Unsupported, "machine: console kind " + std::to_string(kind));
    c.console.kind = static_cast<ConsoleKind>(kind);
    SEGUE_ASSIGN(c.console.path, s->text("console_path"));
    SEGUE_ASSIGN(c.devices, read_devices(manifest));
    return c;
}

} // namespace segue::vmm
