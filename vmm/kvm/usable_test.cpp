// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/usable.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {
namespace {

struct Case {
    const char* cause;
    KvmFacts facts; // errno, module, virtualization, intel, inside
    const char* way_out;
};

TEST(KvmUsable, EachCauseIsToldApartWithItsWayOut) {
    const Case cases[] = {
        {"node-missing", {ENOENT, true, true, true, false}, "mknod /dev/kvm c 10 232"},
        {"node-missing", {ENOENT, true, false, false, true}, "--device /dev/kvm"},
        {"module-not-loaded", {ENOENT, false, true, true, false}, "modprobe kvm_intel"},
        {"module-not-loaded", {ENODEV, false, true, false, true}, "modprobe kvm_amd"},
        {"no-permission", {EACCES, true, true, true, false}, "usermod -aG kvm"},
        {"no-virtualization", {ENOENT, false, false, true, false}, "firmware"},
        {"nesting-off", {ENODEV, false, false, false, true}, "nested=1"},
        {"other", {EIO, true, true, true, false}, "10:232"},
    };
    for (const Case& c : cases) {
        const Error e = kvm_unusable("/dev/kvm", c.facts);
        EXPECT_EQ(e.detail("cause"), c.cause);
        EXPECT_NE(e.what().find("open /dev/kvm: "), std::string::npos) << e.what();
        EXPECT_NE(e.way_out().find(c.way_out), std::string::npos) << e.way_out();
    }
}

TEST(KvmUsable, OpenDiagnosesWhatIsNotKvm) {
    const auto kvm = Kvm::open("/dev/null");
    ASSERT_FALSE(kvm);
    EXPECT_NE(kvm.error().what().find("/dev/null"), std::string::npos) << kvm.error().what();
}

} // namespace
} // namespace segue::vmm
