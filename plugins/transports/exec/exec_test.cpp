// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "tests/support/leak.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Channel;
using plugin::Direction;
using plugin::Transport;

constexpr int patience_ms = 20'000;

// Polls as the host does, as long as `f` answers Again.
template <class F>
auto until_done(Channel& ch, Direction way, F f) -> decltype(f()) {
    for (;;) {
        auto r = f();
        if (r.code() != Code::Again)
            return r;
        const auto on = ch.ready(way);
        pollfd p = {on.fd, on.events, 0};
        if (::poll(&p, 1, patience_ms) != 1)
            return Error(Code::Deadline, "nothing happens");
    }
}

Status put(Channel& ch, std::string bytes) {
    segue_iov piece = {bytes.data(), bytes.size()};
    while (piece.len != 0) {
        SEGUE_ASSIGN(const std::uint64_t n, until_done(ch, Direction::Write, [&] {
                         return ch.write({&piece, 1});
                     }));
        piece = {static_cast<char*>(piece.base) + n, piece.len - n};
    }
    return {};
}

Status seal(Channel& ch) {
    return until_done(ch, Direction::Write, [&] { return ch.finish(SEGUE_FINISH_SEAL); });
}

// All that comes; `end`: what it ended with.
std::string get(Channel& ch, Error* end) {
    std::string all, room(1 << 16, '.');
    const segue_iov piece = {room.data(), room.size()};
    std::vector<UniqueFd> fds;
    for (;;) {
        auto n = until_done(ch, Direction::Read, [&] { return ch.read({&piece, 1}, fds); });
        if (!n) {
            *end = n.error();
            return all;
        }
        all.append(room, 0, *n);
    }
}

std::string numbers(std::size_t bytes) {
    std::string all;
    for (int i = 0; all.size() < bytes; ++i)
        all += std::to_string(i) + " ";
    return all;
}

class Exec : public testing::Test {
protected:
    ~Exec() override {
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not reaped";
        EXPECT_TRUE(gone()) << "a process was left behind";
    }
    // A process that was killed and is no child of ours takes its time.
    bool gone() const {
        for (int i = 0; i < patience_ms; ++i) {
            if (test::processes_with(dir_.path()).empty())
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return false;
    }
    // FILE in a command stands for the file that it uses.
    std::string with_file(std::string command) const {
        for (std::size_t at; (at = command.find("FILE")) != command.npos;)
            command.replace(at, 4, file_);
        return command;
    }
    Transport transport(const std::string& out, const std::string& in) {
        auto t = plugins_.make<Transport>("transport/exec",
                                          {{"out", with_file(out)}, {"in", with_file(in)}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }
    Channel writer(const std::string& out) {
        Channel ch;
        const Status s = transport(out, "true").connect(ch);
        EXPECT_TRUE(s) << s.error().what();
        return ch;
    }
    Channel reader(const std::string& in) {
        auto ch = transport("true", in).listen()->accept();
        EXPECT_TRUE(ch) << ch.error().what();
        return std::move(*ch);
    }
    // What sealing it says, after all was taken.
    Error refused(const std::string& out, const std::string& bytes) {
        Channel ch = writer(out);
        if (Status s = put(ch, bytes); !s)
            return s.error();
        const Status sealed = seal(ch);
        EXPECT_FALSE(sealed) << out;
        return sealed ? Error(Code::Ok, "sealed") : sealed.error();
    }
    std::string content() const {
        std::ostringstream all;
        all << std::ifstream(file_).rdbuf();
        return all.str();
    }

    test::TempDir dir_;
    test::OpenPlugins plugins_;
    std::string file_ = dir_ / "kept";
    Error end_{Code::Ok, ""};
};

TEST_F(Exec, WhatOneCommandTookAnotherGivesBack) {
    const std::string state = numbers(3 << 20);
    Channel out = writer("gzip > FILE");
    ASSERT_TRUE(put(out, state));
    const Status sealed = seal(out);
    ASSERT_TRUE(sealed) << sealed.error().what();
    EXPECT_TRUE(seal(out)) << "again, and nothing happens";
    EXPECT_EQ(put(out, "more").code(), Code::Phase);
    EXPECT_LT(std::filesystem::file_size(file_), state.size());
    Channel in = reader("gzip -dc FILE");
    EXPECT_EQ(get(in, &end_), state);
    EXPECT_EQ(end_.code(), Code::Closed);
}

TEST_F(Exec, ADroppedTailIsNoSuccess) {
    const Error few = refused("head -c 100 > FILE", numbers(5000));
    EXPECT_NE(few.what().find("bytes unread"), std::string::npos) << few.what();
    const Error many = refused("head -c 100 > FILE", numbers(4 << 20));
    EXPECT_NE(many.what().find("bytes unread"), std::string::npos) << many.what();
    EXPECT_EQ(std::filesystem::file_size(file_), 100u) << "and SIGPIPE ended nobody";
    Channel early = writer("head -c 100 > FILE");
    ASSERT_TRUE(put(early, numbers(100).substr(0, 100)));
    siginfo_t who = {};
    ASSERT_EQ(::waitid(P_ALL, 0, &who, WEXITED | WNOWAIT), 0);
    const Status more = put(early, "x");
    ASSERT_EQ(more.code(), Code::Io);
    EXPECT_NE(more.error().what().find("ended before"), std::string::npos);
}

TEST_F(Exec, AFailureHasItsExitCodeAndItsLastWords) {
    const Error e = refused("seq 30000 >&2; cat > FILE; echo no room on tape >&2; exit 3", "state");
    EXPECT_EQ(e.code(), Code::Io);
    EXPECT_NE(e.what().find("exited with 3"), std::string::npos) << e.what();
    EXPECT_NE(e.what().find("30000;no room on tape"), std::string::npos) << e.what();
    EXPECT_EQ(e.what().find("10000"), std::string::npos) << "its last words alone";
    EXPECT_NE(e.way_out().find("'out'"), std::string::npos);
    EXPECT_EQ(content(), "state") << "it had read all";
    const Error killed = refused("cat > FILE; kill -9 $$", "state");
    EXPECT_NE(killed.what().find("was killed by SIGKILL"), std::string::npos) << killed.what();
    const Error none = refused("/no/such/program", numbers(4 << 20));
    EXPECT_NE(none.what().find("exited with 127"), std::string::npos) << none.what();
    EXPECT_NE(none.what().find("not found"), std::string::npos) << none.what();
}

TEST_F(Exec, AnEndOfWhatComesBackIsOneOnlyIfTheCommandSaysSo) {
    Channel out = writer("gzip > FILE");
    ASSERT_TRUE(put(out, numbers(1 << 20)));
    ASSERT_TRUE(seal(out));
    std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
    Channel in = reader("gzip -dc FILE");
    EXPECT_FALSE(get(in, &end_).empty());
    EXPECT_EQ(end_.code(), Code::Io);
    EXPECT_NE(end_.what().find("exited with 1"), std::string::npos) << end_.what();
    EXPECT_NE(end_.what().find("unexpected end of file"), std::string::npos) << end_.what();
    Channel nothing = reader("exit 4");
    EXPECT_EQ(get(nothing, &end_), "");
    EXPECT_NE(end_.what().find("exited with 4"), std::string::npos) << end_.what();
}

TEST_F(Exec, WhatHangsEndsWithTheChannel) {
    std::ofstream(file_) << "x";
    {
        Channel sleeper = writer("tail -f FILE & tail -f FILE");
        Channel aborted = writer("tail -f FILE");
        EXPECT_TRUE(aborted.finish(SEGUE_FINISH_ABORT));
        EXPECT_FALSE(put(aborted, "x")) << "it is gone";
        EXPECT_EQ(sleeper.finish(SEGUE_FINISH_SEAL).code(), Code::Again);
        Channel deaf = writer("exec 0<&-; tail -f FILE");
        std::string block(1 << 16, 'b');
        const segue_iov piece = {block.data(), block.size()};
        Result<std::uint64_t> n(1);
        while ((n = deaf.write({&piece, 1})))
            continue;
        EXPECT_EQ(n.code(), Code::Again) << n.error().what();
        Channel in = reader("tail -f FILE");
        EXPECT_NE(test::processes_with(dir_.path()).size(), 0u);
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Exec, WhatItLeftInTheBackgroundDoesNotOutliveIt) {
    std::ofstream(file_) << "x";
    Channel out = writer("tail -f FILE & cat > /dev/null");
    ASSERT_TRUE(put(out, "state"));
    EXPECT_TRUE(seal(out));
    EXPECT_TRUE(gone());
    Channel in = reader("tail -f FILE & printf state");
    EXPECT_NE(get(in, &end_).find("state"), std::string::npos);
    EXPECT_EQ(end_.code(), Code::Closed);
}

TEST_F(Exec, ACommandHasThreeDescriptorsAndAGroupOfItsOwn) {
    Channel out =
        writer("cat; ls /proc/$$/fd | tr '\\n' ' ' > FILE; cut -d ' ' -f 5 /proc/$$/stat >> FILE");
    ASSERT_TRUE(put(out, "state"));
    ASSERT_TRUE(seal(out));
    const std::string said = content();
    EXPECT_EQ(said.substr(0, 6), "0 1 2 ");
    EXPECT_NE(std::stoi(said.substr(6)), ::getpgrp());
}

TEST_F(Exec, BothCommandsMustBeNamed) {
    EXPECT_EQ(plugins_.make<Transport>("transport/exec", {{"out", "cat"}}).code(), Code::Invalid);
    EXPECT_EQ(plugins_.make<Transport>("transport/exec", {{"in", "cat"}}).code(), Code::Invalid);
}

} // namespace
} // namespace segue
