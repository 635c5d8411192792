// SPDX-License-Identifier: Apache-2.0
#include "core/base/spawn.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

namespace segue {
namespace {

struct Pipe {
    UniqueFd read, write;
    Pipe() {
        int fds[2];
        if (::pipe(fds) == 0) { // not CLOEXEC, on purpose: spawn() must not rely on it
            read = UniqueFd(fds[0]);
            write = UniqueFd(fds[1]);
        }
    }
    std::string drain() {
        write.reset();
        std::string all;
        char buffer[512];
        for (ssize_t n; (n = ::read(read.get(), buffer, sizeof buffer)) > 0;)
            all.append(buffer, static_cast<std::size_t>(n));
        return all;
    }
};

Exit finish(const Child& child) {
    auto exit = wait_exit(child, Deadline::in(std::chrono::seconds(30)));
    EXPECT_TRUE(exit) << exit.error().what();
    return exit ? *exit : Exit{-1, 0};
}

TEST(Spawn, NoOtherDescriptorLeaksIntoTheChild) {
    Pipe out;
    const UniqueFd leak(::fcntl(out.read.get(), F_DUPFD, 40)); // open in the parent, no CLOEXEC
    ASSERT_TRUE(leak);
    auto child = spawn(
        {{"/bin/ls", "/proc/self/fd"}, "", {{out.write.get(), 1}, {out.write.get(), 7}}, false});
    ASSERT_TRUE(child) << child.error().what();
    EXPECT_TRUE(finish(*child).clean());
    EXPECT_EQ(out.drain(), "0\n1\n2\n3\n7\n"); // 3: the folder that ls reads
}

TEST(Spawn, NumbersMayCross) {
    Pipe a, b;
    auto child = spawn({{"/bin/sh", "-c", "echo to-a >&5; echo to-b >&6"},
                        "",
                        {{a.write.get(), 5}, {b.write.get(), 6}},
                        false});
    ASSERT_TRUE(child);
    EXPECT_TRUE(finish(*child).clean());
    EXPECT_EQ(a.drain(), "to-a\n");
    EXPECT_EQ(b.drain(), "to-b\n");

    // Each takes the other's number.
    Pipe c, d;
    const int x = c.write.get(), y = d.write.get();
    const std::string script = "echo x >&" + std::to_string(x) + "; echo y >&" + std::to_string(y);
    auto crossed = spawn({{"/bin/bash", "-c", script}, "", {{x, y}, {y, x}}, false});
    ASSERT_TRUE(crossed);
    EXPECT_TRUE(finish(*crossed).clean());
    EXPECT_EQ(c.drain(), "y\n");
    EXPECT_EQ(d.drain(), "x\n");
}

TEST(Spawn, MissingProgramIsNamed) {
    auto child = spawn({{"/nowhere/segue-vmm"}, "", {}, false});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.code(), Code::NotFound);
    EXPECT_NE(child.error().what().find("/nowhere/segue-vmm"), std::string::npos);
}

TEST(Spawn, NewSession) {
    auto child = spawn({{"/bin/sh", "-c", "exec sleep 30"}, "", {}, true});
    ASSERT_TRUE(child);
    EXPECT_EQ(::getsid(child->pid), child->pid);
    EXPECT_EQ(wait_exit(*child, Deadline::in(std::chrono::milliseconds(1))).code(), Code::Deadline);
    ASSERT_TRUE(sys::pidfd_signal(child->pidfd.get(), SIGKILL));
    EXPECT_EQ(finish(*child).signal, SIGKILL);
}

TEST(Spawn, SignalsStartAtTheirDefaults) {
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    auto child = spawn({{"/bin/sh", "-c", "kill -TERM $$; exit 0"}, "", {}, false});
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ASSERT_TRUE(child);
    EXPECT_EQ(to_string(finish(*child)), "was killed by SIGTERM");
}

} // namespace
} // namespace segue
