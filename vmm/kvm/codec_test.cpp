// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/codec.hpp"

#include "core/state/reader.hpp"
#include "vmm/kvm/planted_test.hpp"

namespace segue::vmm {
namespace {

// Copies `from` with a change to the field `key`: left out, or one byte shorter.
enum class Harm { LeaveOut, Shorten };

std::vector<std::byte> harmed(const state::Section& from, std::string_view key, Harm harm) {
    state::Writer w(state::Header{});
    w.begin(from.name(), from.instance(), from.revision());
    for (const state::Field& f : from.fields()) {
        const bool hit = f.key == key;
        if (hit && harm == Harm::LeaveOut)
            continue;
        const auto bytes = hit && !f.bytes.empty() ? f.bytes.first(f.bytes.size() - 1) : f.bytes;
        if (f.type == state::Type::Bytes)
            w.put_bytes(f.key, bytes);
        else if (f.type == state::Type::Text)
            w.put_text(f.key, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        else if (f.type == state::Type::Signed)
            w.put_signed(f.key, static_cast<std::int64_t>(f.number));
        else
            w.put(f.key, f.number);
    }
    w.end();
    const auto out = w.finish();
    return {out.begin(), out.end()};
}

class KvmCodecTest : public PlantedTest {
protected:
    BareMachine machine_ = machine();
    KvmState state_ = state_of(machine_);

    template <class Decode>
    void each_field(const state::Section& section, Decode decode_again) {
        for (const state::Field& f : section.fields()) {
            const std::string key(f.key);
            const auto missing = harmed(section, key, Harm::LeaveOut);
            const Status s = decode_again(missing);
            ASSERT_FALSE(s) << key;
            EXPECT_NE(s.error().what().find(key), std::string::npos) << s.error().what();
            if (f.type != state::Type::Bytes || f.bytes.empty())
                continue;
            const auto shortened = harmed(section, key, Harm::Shorten);
            const Status t = decode_again(shortened);
            ASSERT_FALSE(t) << key;
            EXPECT_EQ(t.code(), Code::Corrupt);
            EXPECT_NE(t.error().what().find(key), std::string::npos) << t.error().what();
        }
    }
};

TEST_F(KvmCodecTest, AMissingOrShortFieldIsNamed) {
    state::Writer w(state::Header{});
    encode(w, 0, state_.vcpus[0]);
    encode(w, state_.vm);
    const auto reader = must(state::Reader::parse(w.finish()));
    each_field(*must(reader.take("vcpu", "0")), [&](const auto& bytes) {
        const auto again = must(state::Reader::parse(bytes));
        VcpuState into = machine_.io[0].blank();
        return decode(again.sections()[0], into);
    });
    each_field(*must(reader.take("vm")), [&](const auto& bytes) {
        const auto again = must(state::Reader::parse(bytes));
        VmState into;
        return decode(again.sections()[0], into);
    });
}

TEST_F(KvmCodecTest, MsrsOutOfOrderAreCorrupt) {
    VcpuState bad = state_.vcpus[0];
    std::swap(bad.msrs.front(), bad.msrs.back());
    state::Writer w(state::Header{});
    encode(w, 0, bad);
    const auto reader = must(state::Reader::parse(w.finish()));
    VcpuState into = machine_.io[0].blank();
    EXPECT_EQ(decode(*must(reader.take("vcpu", "0")), into).code(), Code::Corrupt);
}

// An older VMM carries it for each guest, where KVM can.
TEST_F(KvmCodecTest, NestedStateOfAGuestThatSeesNoneIsLeftOut) {
    VcpuState theirs = state_.vcpus[0], into = machine_.io[0].blank();
    theirs.nested.resize(4224);
    state::Writer w(state::Header{});
    encode(w, 0, theirs);
    const auto reader = must(state::Reader::parse(w.finish()));
    into.nested.clear();
    must(decode(*must(reader.take("vcpu", "0")), into));
    EXPECT_TRUE(into.nested.empty());
    into.nested.resize(4000);
    EXPECT_EQ(decode(*must(reader.take("vcpu", "0")), into).code(), Code::Corrupt);
}

TEST_F(KvmCodecTest, TheShapeTravelsInTheManifest) {
    VcpuShape shape;
    shape.cpuid = must(kvm_.supported_cpuid());
    shape.tsc_khz = 2'000'000;
    state::Writer w(state::Header{});
    encode(w, 3, shape);
    encode_capabilities(w, machine_.vm.enabled());
    const auto reader = must(state::Reader::parse(w.finish()));
    const VcpuShape back = must(decode_shape(*must(reader.take("cpu", "3"))));
    ASSERT_EQ(back.cpuid.size(), shape.cpuid.size());
    EXPECT_EQ(std::memcmp(back.cpuid.data(), shape.cpuid.data(),
                          shape.cpuid.size() * sizeof(kvm_cpuid_entry2)),
              0);
    EXPECT_EQ(back.tsc_khz, 2'000'000u);
    EXPECT_EQ(must(decode_capabilities(*must(reader.take("kvm")))), machine_.vm.enabled());
}

} // namespace
} // namespace segue::vmm
