// SPDX-License-Identifier: Apache-2.0
// planted_test.hpp - what the tests over all KVM state share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "vmm/kvm/plant.hpp"

namespace segue::vmm {

// The value, or an exception that fails the test with the error's own words.
template <class T>
T must(Result<T> r) {
    if (!r)
        throw std::runtime_error(r.error().what());
    return std::move(r).value();
}
inline void must(const Status& s) {
    if (!s)
        throw std::runtime_error(s.error().what());
}

inline bool same(const Part& a, const Part& b) {
    return std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

// Names of the parts that differ and do not go on by themselves.
inline std::vector<std::string> differing(KvmState& a, KvmState& b) {
    const auto pa = parts_of(a), pb = parts_of(b);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < pa.size(); ++i)
        if (!same(pa[i], pb[i]) && !goes_on(pa[i].name))
            out.push_back(pa[i].name);
    return out;
}

// VMs over one small RAM, and states planted by asking them.
class PlantedTest : public testing::Test {
protected:
    BareMachine machine(unsigned vcpus = 1) {
        return must(BareMachine::make(kvm_, ram_.span(), vcpus));
    }
    static KvmState state_of(BareMachine& m) {
        KvmState s = must(blank_state(m.vm, m.io));
        must(save(m.vm, m.io, s));
        return s;
    }
    KvmState planted(Way way) {
        BareMachine scratch = machine();
        const KvmState fresh = state_of(scratch);
        KvmState s = must(plant(scratch, fresh, xcr0(), way));
        s.vm.clock = {}; // goes on by itself, so not planted by trying
        s.vm.clock.clock = 1'000'000'000'000'000;
        return s;
    }
    // vCPUs planted in turn forward and backward.
    KvmState planted(unsigned vcpus) {
        const KvmState ways[] = {planted(Way::Forward), planted(Way::Backward)};
        KvmState s = ways[0];
        for (unsigned i = 1; i < vcpus; ++i)
            s.vcpus.push_back(ways[i % 2].vcpus[0]);
        return s;
    }

    const Kvm kvm_ = must(Kvm::open());
    const Mapping ram_ = must(Mapping::make(2 << 20, PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0, "guest RAM"));

private:
    std::uint64_t xcr0() const {
        for (const kvm_cpuid_entry2& e : must(kvm_.supported_cpuid()))
            if (e.function == 0xd && e.index == 0)
                return e.eax | std::uint64_t{e.edx} << 32;
        return 3;
    }
};

} // namespace segue::vmm
