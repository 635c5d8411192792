// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/codec.hpp"

#include <cstring>
#include <string>

#include "vmm/kvm/msrs.hpp"

namespace segue::vmm {

namespace {

// More than any kernel has; bounds what a hostile length can ask for.
constexpr std::size_t kMaxEntries = 4096;

template <class T>
std::span<const std::byte> raw(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

template <class T>
std::span<std::byte> room(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

Error corrupt(const state::Section& section, std::string_view key, const std::string& why) {
    return state::section_error(
        section.name(), section.instance(),
        Error(Code::Corrupt, std::string(key) + " " + why).with("key", std::string(key)));
}

Status check_revision(const state::Section& section) {
    if (section.revision() != kKvmRevision)
        return corrupt(section, "revision", std::to_string(section.revision()) + " is not known");
    return {};
}

// An array of kernel structures.
template <class T>
Status copy_list(const state::Section& section, std::string_view key, std::vector<T>& out) {
    SEGUE_ASSIGN(const auto bytes, section.bytes(key));
    if (bytes.size() % sizeof(T) != 0 || bytes.size() / sizeof(T) > kMaxEntries)
        return corrupt(section, key, "has no whole number of entries");
    out.resize(bytes.size() / sizeof(T));
    if (!bytes.empty())
        std::memcpy(out.data(), bytes.data(), bytes.size());
    return {};
}

Status check_msr_order(const state::Section& section, const VcpuState& state) {
    for (std::size_t i = 0; i < state.msrs.size(); ++i) {
        const MsrStep step = msr_step(state.msrs[i].index);
        if (step == MsrStep::Never || (i > 0 && step < msr_step(state.msrs[i - 1].index)))
            return corrupt(section, "msrs", "are out of order");
    }
    return {};
}

} // namespace

void encode(state::Writer& writer, unsigned id, const VcpuState& state) {
    char instance[12];
    std::snprintf(instance, sizeof instance, "%u", id);
    writer.begin("vcpu", instance, kKvmRevision);
    writer.put_bytes("mp_state", raw(state.mp));
    writer.put_bytes("regs", raw(state.regs));
    writer.put_bytes("sregs2", raw(state.sregs));
    writer.put_bytes("xsave", state.xsave);
    writer.put_bytes("nested", state.nested);
    writer.put_bytes("xcrs", raw(state.xcrs));
    writer.put_bytes("debugregs", raw(state.debug));
    writer.put_bytes("msrs", std::as_bytes(std::span(state.msrs)));
    writer.put_bytes("lapic", raw(state.lapic));
    writer.put_bytes("events", raw(state.events));
    writer.put("tsc_offset", state.tsc_offset);
    writer.put("tsc_khz", state.tsc_khz);
    writer.end();
}

Status decode(const state::Section& section, VcpuState& state) {
    SEGUE_TRY(check_revision(section));
    SEGUE_TRY(section.copy("mp_state", room(state.mp)));
    SEGUE_TRY(section.copy("regs", room(state.regs)));
    SEGUE_TRY(section.copy("sregs2", room(state.sregs)));
    SEGUE_TRY(section.copy("xsave", state.xsave));
    SEGUE_ASSIGN(const auto nested, section.bytes("nested"));
    if (nested.empty() || !state.nested.empty()) // else an older VMM's, of a guest without nesting
        SEGUE_TRY(section.copy("nested", state.nested));
    SEGUE_TRY(section.copy("xcrs", room(state.xcrs)));
    SEGUE_TRY(section.copy("debugregs", room(state.debug)));
    SEGUE_TRY(copy_list(section, "msrs", state.msrs));
    SEGUE_TRY(check_msr_order(section, state));
    SEGUE_TRY(section.copy("lapic", room(state.lapic)));
    SEGUE_TRY(section.copy("events", room(state.events)));
    SEGUE_ASSIGN(state.tsc_offset, section.number("tsc_offset"));
    SEGUE_ASSIGN(const std::uint64_t khz, section.number("tsc_khz"));
    state.tsc_khz = static_cast<std::uint32_t>(khz);
    return {};
}

void encode(state::Writer& writer, const VmState& state) {
    writer.begin("vm", "", kKvmRevision);
    writer.put_bytes("pit", raw(state.pit));
    writer.put_bytes("ioapic", raw(state.ioapic));
    writer.put_bytes("pic_master", raw(state.pic_master));
    writer.put_bytes("pic_slave", raw(state.pic_slave));
    writer.put_bytes("clock", raw(state.clock));
    writer.put_signed("boottime_ns", state.boottime_ns);
    writer.put_signed("realtime_ns", state.realtime_ns);
    writer.put_text("boot_id", state.boot_id);
    writer.put_bytes("capabilities", std::as_bytes(std::span(state.capabilities)));
    writer.end();
}

Status decode(const state::Section& section, VmState& state) {
    SEGUE_TRY(check_revision(section));
    SEGUE_TRY(section.copy("pit", room(state.pit)));
    SEGUE_TRY(section.copy("ioapic", room(state.ioapic)));
    SEGUE_TRY(section.copy("pic_master", room(state.pic_master)));
    SEGUE_TRY(section.copy("pic_slave", room(state.pic_slave)));
    SEGUE_TRY(section.copy("clock", room(state.clock)));
    SEGUE_ASSIGN(state.boottime_ns, section.signed_number("boottime_ns"));
    SEGUE_ASSIGN(state.realtime_ns, section.signed_number("realtime_ns"));
    SEGUE_ASSIGN(const std::string_view boot, section.text("boot_id"));
    state.boot_id = boot;
    return copy_list(section, "capabilities", state.capabilities);
}

void encode(state::Writer& writer, unsigned id, const VcpuShape& shape) {
    writer.begin("cpu", std::to_string(id), kKvmRevision);
    writer.put_bytes("cpuid", std::as_bytes(std::span(shape.cpuid)));
    writer.put("tsc_khz", shape.tsc_khz);
    writer.end();
}

Result<VcpuShape> decode_shape(const state::Section& section) {
    SEGUE_TRY(check_revision(section));
    VcpuShape shape;
    SEGUE_TRY(copy_list(section, "cpuid", shape.cpuid));
    SEGUE_ASSIGN(const std::uint64_t khz, section.number("tsc_khz"));
    shape.tsc_khz = static_cast<std::uint32_t>(khz);
    return shape;
}

void encode_capabilities(state::Writer& writer, const std::vector<Capability>& capabilities) {
    writer.begin("kvm", "", kKvmRevision);
    writer.put_bytes("capabilities", std::as_bytes(std::span(capabilities)));
    writer.end();
}

Result<std::vector<Capability>> decode_capabilities(const state::Section& section) {
    SEGUE_TRY(check_revision(section));
    std::vector<Capability> out;
    SEGUE_TRY(copy_list(section, "capabilities", out));
    return out;
}

} // namespace segue::vmm
