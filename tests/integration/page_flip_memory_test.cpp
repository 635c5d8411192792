// SPDX-License-Identifier: Apache-2.0
// page_flip_memory_test.cpp - a guest in private RAM goes to a new VMM without twice the memory,
// and with every page as it was.
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>

#include <segue/cpp/sys.hpp>

#include "tests/integration/page_flip_test.hpp"

namespace segue::integration {
namespace {

using report::UpdateStatus;

constexpr std::uint64_t kMiB = 1u << 20;

// 4 GiB, or what takes seconds with sanitizers and on a host without that much memory.
unsigned full_mib() {
#ifdef __SANITIZE_ADDRESS__
    return 512;
#else
    const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_AVPHYS_PAGES));
    return pages * 4096 > 6144 * kMiB ? 4096 : 256;
#endif
}

// Guest RAM as `pid` has it: what is private of it, and the file that it moves to.
struct RamOf {
    std::uintptr_t begin = 0;
    std::uint64_t bytes = 0;
    int pid = 0;

    // The anonymous mapping of that size.
    static RamOf find(int pid, std::uint64_t bytes) {
        std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
        for (std::string line; std::getline(maps, line);) {
            std::uintptr_t from = 0, to = 0;
            if (std::sscanf(line.c_str(), "%lx-%lx rw-p 00000000 00:00 0", &from, &to) == 2 &&
                to - from == bytes)
                return {from, bytes, pid};
        }
        return {};
    }
    std::vector<std::byte> content() const {
        std::vector<std::byte> all(bytes);
        const auto mem = sys::open("/proc/" + std::to_string(pid) + "/mem", O_RDONLY);
        EXPECT_TRUE(mem && sys::pread_all(mem->get(), all, begin));
        return all;
    }
    std::uint64_t private_bytes() const {
        std::ifstream smaps("/proc/" + std::to_string(pid) + "/smaps");
        std::uintptr_t from = 0, to = 0;
        std::uint64_t kib = 0, all = 0;
        for (std::string line; std::getline(smaps, line);)
            if (std::sscanf(line.c_str(), "Anonymous: %lu", &kib) == 1)
                all += from >= begin && to <= begin + bytes ? kib * 1024 : 0;
            else
                (void)std::sscanf(line.c_str(), "%lx-%lx ", &from, &to);
        return all;
    }
    // Of the memfds that the process has open.
    std::uint64_t shared_bytes() const {
        std::uint64_t all = 0;
        std::error_code gone;
        for (const auto& fd :
             std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
            struct stat st = {};
            if (std::filesystem::read_symlink(fd, gone).string().find("/memfd:segue:ram") == 0 &&
                ::stat(fd.path().c_str(), &st) == 0)
                all += static_cast<std::uint64_t>(st.st_blocks) * 512;
        }
        return all;
    }
};

TEST_F(PageFlip, EveryPageIsTheSameAfterwards) {
    boot(spec());
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    const RamOf ram = RamOf::find(vm_.pid, 64 * kMiB);
    ASSERT_NE(ram.begin, 0u);
    const auto before = ram.content();
    ASSERT_NO_FATAL_FAILURE(move());
    std::vector<std::byte> after(before.size());
    const auto file = sys::open(vm_.ram.at(0).path, O_RDONLY);
    ASSERT_TRUE(file && sys::pread_all(file->get(), after, vm_.ram.at(0).offset));
    EXPECT_TRUE(before == after);
    ASSERT_TRUE(guest_->client().resume());
    ASSERT_TRUE(guest_->follow());
    expect_unharmed();
}

TEST_F(PageFlip, WhatTheGuestHasNotTouchedTakesNoMemory) {
    test::GuestSpec s = spec();
    s.mib = 2048;
    boot(s);
    ASSERT_NO_FATAL_FAILURE(flip());
    struct stat st = {};
    ASSERT_EQ(::stat(vm_.ram.at(0).path.c_str(), &st), 0);
    EXPECT_LT(st.st_blocks / 2048, 64) << "MiB";
}

// Over both processes: a page is private or in the file, which both have.
TEST_F(PageFlip, AFullGuestTakesItsRamOnceThroughout) {
    test::GuestSpec s = full(spec());
    s.mib = full_mib();
    boot(s);
    const RamOf ram = RamOf::find(vm_.pid, s.mib * kMiB);
    ASSERT_NE(ram.begin, 0u);
    ASSERT_TRUE(comes_true([&] { return ram.private_bytes() > (s.mib - 22) * kMiB; }))
        << "it is not full";
    std::atomic<bool> ended = false;
    std::uint64_t most = 0, samples = 0;
    std::thread sampler([&] {
        for (; !ended; ++samples) // the private part first: what moves meanwhile counts twice
            most = std::max(most, ram.private_bytes() + ram.shared_bytes());
    });
    const report::UpdateRecord r = over(begin());
    ended = true;
    sampler.join();
    EXPECT_EQ(r.status, UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_GT(samples, 5u);
    EXPECT_GT(most, (s.mib - 22) * kMiB);
    EXPECT_LE(most, (s.mib + 64) * kMiB);
    ::waitpid(vm_.pid, nullptr, 0);
    vm_ = vm();
    ASSERT_TRUE(guest_->follow());
    expect_unharmed();
}

} // namespace
} // namespace segue::integration
