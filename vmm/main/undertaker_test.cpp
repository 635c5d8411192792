// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/undertaker.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"

namespace segue::vmm {
namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    UniqueFd read, write;
};

bool at_end(const Pipe& p) {
    char c = 0;
    return ::read(p.read.get(), &c, 1) == 0;
}

// An orphan is ours: we are the subreaper. 0: none came.
pid_t other_child_than(pid_t known) {
    const std::string self = std::to_string(::getpid());
    for (int i = 0; i < 2000; ++i, ::usleep(5000)) {
        std::ifstream list("/proc/self/task/" + self + "/children");
        for (pid_t pid = 0; list >> pid;)
            if (pid != known)
                return pid;
    }
    return 0;
}

// What a process leaves behind is gone with it, but for what the undertaker keeps, and that goes
// once the process has ended.
TEST(Undertaker, KeepsDescriptorsPastTheEndAndNoOthers) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Pipe kept, other, also; // numbers with one between them
    const pid_t child = ::fork();
    if (child == 0) {
        kept.read.reset();
        also.read.reset();
        const auto undertaker = Undertaker::start({also.write.get(), kept.write.get()});
        ::pause(); // until it is killed
    }
    kept.write.reset();
    other.write.reset();
    also.write.reset();
    const UniqueFd pidfd = sys::pidfd(child).value();
    const pid_t undertaker = other_child_than(child);
    if (undertaker == 0)
        ::kill(child, SIGKILL);
    ASSERT_GT(undertaker, 0);
    // Held back, so that what it keeps is seen to be kept.
    const UniqueFd its_pidfd = sys::pidfd(undertaker).value();
    for (int i = 0; i < 2000; ++i, ::usleep(5000)) {
        const UniqueFd fd =
            sys::open("/proc/" + std::to_string(undertaker) + "/fd", O_RDONLY).value();
        struct stat s = {};
        if (::fstatat(fd.get(), std::to_string(other.read.get()).c_str(), &s, 0) != 0)
            break;
    }
    ASSERT_TRUE(sys::pidfd_signal(its_pidfd.get(), SIGSTOP));
    ::kill(child, SIGKILL);
    const Waiter wait{Deadline::in(std::chrono::seconds(60))};
    ASSERT_TRUE(wait.until(pidfd.get(), POLLIN));
    EXPECT_TRUE(at_end(other)) << "a descriptor outlived the process";
    EXPECT_FALSE(at_end(kept) || at_end(also)) << "what was to be kept is gone already";
    ASSERT_TRUE(sys::pidfd_signal(its_pidfd.get(), SIGCONT));
    ASSERT_TRUE(wait.until(kept.read.get(), POLLIN)) << "it stays for ever";
    EXPECT_TRUE(at_end(kept) && at_end(also));
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
}

// The same for a process that becomes another program: what it had open CLOEXEC ends after it.
TEST(Undertaker, KeepsItsDescriptorPastAnExecve) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Pipe kept;
    const pid_t child = ::fork();
    if (child == 0) {
        const auto undertaker = Undertaker::start({kept.write.get()});
        ::execl("/bin/sleep", "sleep", "60", nullptr);
        ::_exit(undertaker ? 1 : 2);
    }
    kept.write.reset();
    const Waiter wait{Deadline::in(std::chrono::seconds(60))};
    EXPECT_TRUE(wait.until(kept.read.get(), POLLIN)) << "it stays while the new program runs";
    EXPECT_TRUE(at_end(kept));
    ::kill(child, SIGKILL);
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
}

// A failed update: nothing of it is left, however the two of them are scheduled.
TEST(Undertaker, IsGoneOnceItIsNotNeeded) {
    for (int i = 0; i < 200; ++i) {
        Pipe kept;
        {
            const auto undertaker = Undertaker::start({kept.write.get()});
            ASSERT_TRUE(undertaker) << undertaker.error().what();
            kept.write.reset();
            EXPECT_FALSE(at_end(kept)) << "it keeps nothing";
        }
        ASSERT_TRUE(at_end(kept)) << "it stays for ever";
    }
    EXPECT_TRUE(Undertaker::start(std::vector<int>()).ok()) << "with nothing to keep";
}

} // namespace
} // namespace segue::vmm
