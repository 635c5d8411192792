// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/undertaker.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <gtest/gtest.h>
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

// What a process leaves behind is gone with it, but for what the undertaker keeps, and that goes
// once the process has ended.
TEST(Undertaker, KeepsOneDescriptorPastTheEndAndNoOther) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Pipe kept, other;
    const pid_t child = ::fork();
    if (child == 0) {
        kept.read.reset();
        const auto undertaker = Undertaker::start(kept.write.get());
        ::pause(); // until it is killed
    }
    kept.write.reset();
    other.write.reset();
    const UniqueFd pidfd = sys::pidfd(child).value();
    pid_t undertaker = 0;
    const std::string children =
        "/proc/" + std::to_string(child) + "/task/" + std::to_string(child) + "/children";
    for (int i = 0; i < 2000 && undertaker == 0; ++i, ::usleep(5000)) {
        char text[32] = {};
        const UniqueFd list = sys::open(children, O_RDONLY).value();
        if (::read(list.get(), text, sizeof text - 1) > 0)
            undertaker = std::atoi(text);
    }
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
    EXPECT_FALSE(at_end(kept)) << "what was to be kept is gone already";
    ASSERT_TRUE(sys::pidfd_signal(its_pidfd.get(), SIGCONT));
    ASSERT_TRUE(wait.until(kept.read.get(), POLLIN)) << "it stays for ever";
    EXPECT_TRUE(at_end(kept));
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
}

} // namespace
} // namespace segue::vmm
