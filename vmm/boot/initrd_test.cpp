// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/initrd.hpp"

#include "vmm/boot/boot_test.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1 << 20;

struct Kernel final : KernelImage {
    std::size_t max_command_line() const override { return 0; }
    std::uint64_t end() const override { return end_at; }
    std::uint64_t initrd_limit() const override { return limit; }
    Status load(const GuestRam&, const BootInfo&) const override { return {}; }
    BootVcpu vcpu(const kvm_sregs2&) const override { return {}; }
    std::uint64_t end_at = 4 * MiB;
    std::uint64_t limit = 2048 * MiB;
};

// Only the addresses matter: nothing is written.
GuestRam ram_of(std::vector<std::uint64_t> blocks) {
    std::vector<HostRegion> regions;
    const auto layout = lay_out(blocks).value();
    for (const RamRegion& r : layout)
        regions.push_back({r, nullptr});
    return GuestRam(std::move(regions));
}

class InitrdTest : public testing::Test {
protected:
    InitrdTest()
        : file_(sys::memfd("initrd", 0).value()) {}
    Result<Initrd> open(std::uint64_t bytes, const GuestRam& ram) {
        EXPECT_TRUE(sys::truncate(file_.get(), bytes).ok());
        return Initrd::open("/proc/self/fd/" + std::to_string(file_.get()), kernel, ram);
    }
    std::uint64_t place(std::uint64_t bytes, const GuestRam& ram) {
        const auto initrd = open(bytes, ram);
        EXPECT_TRUE(initrd.ok());
        return initrd ? initrd->range().guest : 0;
    }
    Kernel kernel;

private:
    UniqueFd file_;
};

TEST_F(InitrdTest, LiesInTheLastWholePages) {
    EXPECT_EQ(place(1, ram_of({64 * MiB})), 64 * MiB - 4096);
    EXPECT_EQ(place(4097, ram_of({64 * MiB})), 64 * MiB - 8192);
}

TEST_F(InitrdTest, LiesBelowTheKernelsLimitAndTheDeviceHole) {
    EXPECT_EQ(place(4096, ram_of({8192 * MiB})), 2048 * MiB - 4096);
    kernel.limit = 1ull << 32;
    EXPECT_EQ(place(4096, ram_of({8192 * MiB})), 3072 * MiB - 4096);
}

TEST_F(InitrdTest, LiesInOneRegion) {
    EXPECT_EQ(place(16 * MiB, ram_of({64 * MiB, 8 * MiB})), 48 * MiB);
    EXPECT_EQ(place(8 * MiB, ram_of({64 * MiB, 8 * MiB})), 64 * MiB);
}

TEST_F(InitrdTest, FillsAllThatTheKernelLeaves) {
    EXPECT_EQ(place(60 * MiB, ram_of({64 * MiB})), 4 * MiB);
    const auto initrd = open(60 * MiB + 1, ram_of({64 * MiB}));
    ASSERT_EQ(initrd.code(), Code::Invalid);
    EXPECT_THAT(initrd.error().what(), HasSubstr("initrd /proc/self/fd/"));
    EXPECT_THAT(initrd.error().what(), HasSubstr("62914561 bytes"));
    EXPECT_THAT(initrd.error().what(), HasSubstr("kernel at 4 MiB"));
    EXPECT_THAT(initrd.error().way_out(), HasSubstr("more memory"));
}

TEST_F(InitrdTest, LargerThanAnyMemoryIsRefused) {
    EXPECT_EQ(open(1ull << 40, ram_of({64 * MiB})).code(), Code::Invalid);
}

TEST_F(InitrdTest, AnEmptyFileAndAFolderAreRefused) {
    const auto empty = open(0, ram_of({64 * MiB}));
    ASSERT_EQ(empty.code(), Code::Invalid);
    EXPECT_THAT(empty.error().what(), HasSubstr("is empty"));
    const auto folder = Initrd::open("/proc", kernel, ram_of({64 * MiB}));
    ASSERT_EQ(folder.code(), Code::Invalid);
    EXPECT_THAT(folder.error().what(), HasSubstr("not a regular file"));
    EXPECT_FALSE(folder.error().way_out().empty());
}

TEST_F(InitrdTest, AFileThatIsNotThereIsNamed) {
    const auto initrd = Initrd::open("/nonexistent/initrd", kernel, ram_of({64 * MiB}));
    ASSERT_EQ(initrd.code(), Code::NotFound);
    EXPECT_THAT(initrd.error().what(), HasSubstr("/nonexistent/initrd"));
}

TEST_F(InitrdTest, NoneIsNone) {
    EXPECT_EQ(Initrd::open("", kernel, ram_of({64 * MiB}))->range().bytes, 0u);
}

class KernelFile : public BootTest {
protected:
    KernelFile()
        : BootTest(4 * MiB) {}
};

TEST_F(KernelFile, IsNamedWhereItIsNotThereOrNoFile) {
    const auto none = load_kernel({"/nonexistent/vmlinux", "", ""}, ram, {});
    ASSERT_EQ(none.code(), Code::NotFound);
    EXPECT_THAT(none.error().what(), HasSubstr("/nonexistent/vmlinux"));
    const auto folder = load_kernel({"/proc", "", ""}, ram, {});
    ASSERT_EQ(folder.code(), Code::Invalid);
    EXPECT_THAT(folder.error().what(), HasSubstr("kernel /proc: is not a regular file"));
}

TEST_F(KernelFile, ThatIsNoKernelIsRefusedWithTheWayOut) {
    const std::string text = "#!/bin/sh\necho kernel\n";
    const auto script = load(std::as_bytes(std::span(text)));
    ASSERT_EQ(script.code(), Code::Invalid);
    EXPECT_THAT(script.error().what(), HasSubstr("neither an ELF file nor a bzImage"));
    EXPECT_THAT(script.error().way_out(), HasSubstr("/boot/vmlinuz"));
    const std::string packed = "\x1f\x8b and so on";
    const auto gzip = load(std::as_bytes(std::span(packed)));
    ASSERT_EQ(gzip.code(), Code::Invalid);
    EXPECT_THAT(gzip.error().what(), HasSubstr("compressed with gzip"));
    EXPECT_THAT(gzip.error().way_out(), HasSubstr("gzip -d"));
    EXPECT_TRUE(untouched());
}

} // namespace
} // namespace segue::vmm
