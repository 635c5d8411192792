// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/config.hpp"

namespace segue::vmm {

void MachineConfig::write(state::Writer& manifest) const {
    manifest.begin("machine", "", 1);
    manifest.put_text("version", kMachineVersion);
    manifest.put("vcpus", vcpus);
    manifest.put_text("kernel", kernel);
    manifest.put_text("command_line", command_line);
    manifest.put_text("console_kind", console.kind);
    manifest.put_text("console_path", console.path);
    manifest.end();
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
    SEGUE_ASSIGN(c.kernel, s->text("kernel"));
    SEGUE_ASSIGN(c.command_line, s->text("command_line"));
    SEGUE_ASSIGN(c.console.kind, s->text("console_kind"));
    SEGUE_ASSIGN(c.console.path, s->text("console_path"));
    return c;
}

} // namespace segue::vmm
