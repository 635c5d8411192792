// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

#include "plugins/transports/file/whole_file.hpp"
#include "tests/support/open_plugins.hpp"
#include "tests/support/small_disk.hpp"

namespace segue {
namespace {

using file_transport::WholeFile;
using plugin::Channel;
using plugin::Transport;
using Until = WholeFile::Until;
namespace fs = std::filesystem;

constexpr std::size_t page = 4096;

// "": all of `bytes` were written, or why not.
std::string write_all(Channel& ch, const std::string& bytes, std::int64_t at = -1) {
    const segue_iov piece = {const_cast<char*>(bytes.data()), bytes.size()};
    const auto n =
        at < 0 ? ch.write({&piece, 1}) : ch.write_at(static_cast<std::uint64_t>(at), {&piece, 1});
    if (!n)
        return n.error().what();
    return *n == bytes.size() ? "" : "short";
}

std::string read_all(Channel& ch) {
    std::string all, room(1 << 16, '.');
    const segue_iov piece = {room.data(), room.size()};
    std::vector<UniqueFd> fds;
    for (;;) {
        auto n = ch.read({&piece, 1}, fds);
        if (!n)
            return n.code() == Code::Closed ? all : n.error().what();
        all.append(room, 0, *n);
    }
}

// Another process, which kills itself in `act`: nothing of C++ ends there.
void killed_in(const std::function<void()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
        act();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
}

// With files of a disk, or whatever /tmp lies on, and of tmpfs.
class FileTransport : public testing::TestWithParam<const char*> {
protected:
    Transport transport(const std::string& reserve = "0") {
        auto t =
            plugins_.make<Transport>("transport/file", {{"path", path_}, {"reserve", reserve}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }
    Channel writer(const std::string& reserve = "0") {
        Channel ch;
        const Status s = transport(reserve).connect(ch);
        EXPECT_TRUE(s) << s.error().what();
        return ch;
    }
    Result<Channel> reader() { return transport().listen()->accept(); }
    Code connect() {
        Channel ch;
        return transport().connect(ch).code();
    }
    void save(const std::string& bytes) {
        Channel ch = writer();
        EXPECT_EQ(write_all(ch, bytes), "");
        EXPECT_TRUE(ch.finish(SEGUE_FINISH_SEAL));
    }
    std::string content() {
        auto in = reader();
        return in ? read_all(*in) : in.error().what();
    }
    std::vector<std::string> files() const {
        std::vector<std::string> all;
        for (const auto& f : fs::directory_iterator(dir_.path()))
            all.push_back(f.path().filename());
        return all;
    }
    std::uint64_t blocks() const {
        struct stat s = {};
        EXPECT_EQ(::stat(path_.c_str(), &s), 0);
        return static_cast<std::uint64_t>(s.st_blocks) * 512;
    }

    test::TempDir dir_{GetParam()};
    test::OpenPlugins plugins_;
    std::string path_ = dir_ / "state";
    const std::vector<std::string> none_{}, only_it_{"state"};
};
INSTANTIATE_TEST_SUITE_P(On, FileTransport, testing::Values("/tmp", "/dev/shm"),
                         [](const auto& on) {
                             return std::string(on.index == 0 ? "disk" : "shm");
                         });

TEST_P(FileTransport, IsThereWholeOrNotAtAll) {
    Channel out = writer();
    const std::string big(3 << 20, 'b');
    EXPECT_EQ(write_all(out, "begin"), "");
    EXPECT_EQ(write_all(out, big), "");
    EXPECT_EQ(files(), none_) << "before it is sealed";
    EXPECT_EQ(reader().code(), Code::NotFound);
    ASSERT_TRUE(out.finish(SEGUE_FINISH_SEAL));
    EXPECT_EQ(files(), only_it_);
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
    EXPECT_EQ(content(), "begin" + big);
    EXPECT_FALSE(write_all(out, "more").empty()) << "it is sealed";
    EXPECT_TRUE(out.finish(SEGUE_FINISH_SEAL)) << "again, and nothing happens";
    out.release();
    EXPECT_EQ(files(), only_it_);
}

TEST_P(FileTransport, IsTakenAwayByTheReaderThatHasNoUseForItAnyMore) {
    save("state");
    auto in = reader();
    ASSERT_TRUE(in);
    EXPECT_EQ(read_all(*in), "state");
    save("newer");
    EXPECT_TRUE(in->finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(content(), "newer") << "that is another file";
    EXPECT_TRUE(reader()->finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(files(), none_);
}

TEST_P(FileTransport, AnUnsealedOneLeavesWhatWasThereBefore) {
    save("older");
    {
        Channel out = writer();
        EXPECT_EQ(write_all(out, "newer"), "");
        EXPECT_TRUE(out.finish(SEGUE_FINISH_ABORT));
        EXPECT_FALSE(out.finish(SEGUE_FINISH_SEAL)) << "it was taken away";
        Channel left = writer();
        EXPECT_EQ(write_all(left, "newer"), "");
    }
    EXPECT_EQ(files(), only_it_);
    EXPECT_EQ(content(), "older");
    save("newest");
    EXPECT_EQ(content(), "newest");
}

TEST_P(FileTransport, AbortTakesASealedOneAwayButNotAnothers) {
    Channel out = writer();
    EXPECT_EQ(write_all(out, "x"), "");
    ASSERT_TRUE(out.finish(SEGUE_FINISH_SEAL));
    ASSERT_TRUE(out.finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(files(), none_);
    Channel again = writer();
    ASSERT_TRUE(again.finish(SEGUE_FINISH_SEAL));
    save("another's");
    ASSERT_TRUE(again.finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(content(), "another's");
}

TEST_P(FileTransport, WhoHasReadItMayTakeItAway) {
    save("served");
    auto in = reader();
    ASSERT_TRUE(in);
    save("newer");
    EXPECT_TRUE(in->finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(content(), "newer") << "another has the name";
    auto newer = reader();
    EXPECT_TRUE(newer->finish(SEGUE_FINISH_END));
    EXPECT_EQ(files(), only_it_);
    EXPECT_TRUE(newer->finish(SEGUE_FINISH_ABORT));
    EXPECT_EQ(files(), none_);
}

TEST_P(FileTransport, ZeroPagesAreHolesWhateverWasReserved) {
    for (const char* reserve : {"0", "8M"}) {
        Channel out = writer(reserve);
        const std::string data(page, 'd'), zeros(256 * page, '\0');
        EXPECT_EQ(write_all(out, "head"), "");
        EXPECT_EQ(write_all(out, data + zeros + data, 16 * page), "");
        EXPECT_EQ(write_all(out, data + data + data, 600 * page), "");
        EXPECT_EQ(write_all(out, std::string(page, '\0'), 601 * page), "") << "over data";
        EXPECT_EQ(write_all(out, zeros, 700 * page), "") << "a hole at the end";
        ASSERT_TRUE(out.finish(SEGUE_FINISH_SEAL));
        EXPECT_EQ(fs::file_size(path_), 956 * page);
        EXPECT_LE(blocks(), 6 * page) << reserve;
        auto in = reader();
        ASSERT_TRUE(in);
        const int fd = in->backing().value();
        EXPECT_EQ(::lseek(fd, 17 * page, SEEK_DATA), static_cast<off_t>(273 * page)) << reserve;
        EXPECT_EQ(::lseek(fd, 600 * page, SEEK_HOLE), static_cast<off_t>(601 * page)) << reserve;
        const std::string all = content();
        EXPECT_EQ(all.substr(0, 5), std::string("head\0", 5));
        EXPECT_EQ(all.substr(16 * page, 258 * page), data + zeros + data);
        EXPECT_EQ(all.substr(600 * page, 3 * page), data + std::string(page, '\0') + data);
    }
}

TEST_P(FileTransport, RamIsMappedFromWhatWasSealed) {
    Channel out = writer();
    EXPECT_EQ(write_all(out, std::string(2 * page, 'r'), 4 * page), "");
    ASSERT_TRUE(out.finish(SEGUE_FINISH_SEAL));
    auto in = reader();
    void* map = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, in->backing().value(), 5 * page);
    ASSERT_NE(map, MAP_FAILED);
    EXPECT_EQ(static_cast<char*>(map)[7], 'r');
    ::munmap(map, page);
    char seen = 0;
    const segue_iov to = {&seen, 1};
    EXPECT_EQ(in->read_at(4 * page, {&to, 1}).value(), 1u);
    EXPECT_EQ(seen, 'r');
    EXPECT_EQ(in->read_at(6 * page, {&to, 1}).code(), Code::Closed);
    EXPECT_FALSE(write_all(*in, "w").empty()) << "one way";
}

TEST_P(FileTransport, ATruncatedOneEndsByName) {
    save("0123456789");
    fs::resize_file(path_, 4);
    auto in = reader();
    ASSERT_TRUE(in);
    char room[16];
    const segue_iov to = {room, sizeof room};
    std::vector<UniqueFd> fds;
    EXPECT_EQ(in->read({&to, 1}, fds).value(), 4u);
    const auto end = in->read({&to, 1}, fds);
    ASSERT_EQ(end.code(), Code::Closed);
    EXPECT_NE(end.error().what().find(path_ + " ends at byte 4"), std::string::npos);
}

TEST_P(FileTransport, AKilledWriterLeavesNothingUnderTheName) {
    killed_in([&] {
        Channel out = writer();
        write_all(out, std::string(1 << 20, 'x'));
        ::raise(SIGKILL);
    });
    EXPECT_EQ(files(), none_) << "it had no name at all";
    killed_in([&] {
        auto file = WholeFile::make(path_, 0, Until::Named);
        (void)(*file)->store(0, std::as_bytes(std::span("half"))).ok();
        ::raise(SIGKILL);
    });
    EXPECT_EQ(files(), std::vector<std::string>{".state.partial"}) << "no nameless files there";
    save("whole");
    EXPECT_EQ(files(), only_it_);
}

TEST_P(FileTransport, WhereNoFileIsNamelessItIsWholeTheSame) {
    auto file = WholeFile::make(path_, 0, Until::Named);
    ASSERT_TRUE(file) << file.error().what();
    ASSERT_TRUE((*file)->store(0, std::as_bytes(std::span("abc", 3))));
    EXPECT_EQ(connect(), Code::Exists) << "somebody writes";
    ASSERT_TRUE((*file)->seal());
    EXPECT_EQ(files(), only_it_);
    EXPECT_EQ(content(), "abc");
    {
        auto undone = WholeFile::make(path_, 0, Until::Named);
        EXPECT_EQ(files().size(), 2u);
    }
    EXPECT_EQ(files(), only_it_);
}

TEST_P(FileTransport, WhatIsNotOursIsRefused) {
    const std::string other = dir_ / "other";
    std::fclose(std::fopen(other.c_str(), "w"));
    fs::create_symlink(other, path_);
    EXPECT_EQ(reader().code(), Code::Refused) << "a link";
    EXPECT_EQ(connect(), Code::Refused);
    fs::remove(path_);
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(reader().code(), Code::Refused) << "a fifo";
    fs::remove(path_);
    fs::create_directory(path_);
    EXPECT_EQ(transport().check().code(), Code::Refused) << "a folder";
    fs::remove(path_);
    save("mine");
    fs::permissions(path_, fs::perms(0620));
    const auto open_to_all = reader();
    ASSERT_EQ(open_to_all.code(), Code::Refused);
    EXPECT_NE(open_to_all.error().way_out().find("chmod"), std::string::npos);
    fs::permissions(path_, fs::perms(0600));
    fs::permissions(dir_.path(), fs::perms(0777));
    EXPECT_EQ(reader().code(), Code::Refused) << "anybody may swap it";
    EXPECT_EQ(connect(), Code::Refused);
    fs::permissions(dir_.path(), fs::perms(0700));
    EXPECT_EQ(content(), "mine");
}

TEST_P(FileTransport, OneThatIsBeingStartedIsLeftAlone) {
    save("on offer");
    {
        auto in = reader();
        struct flock lock = {};
        lock.l_type = F_WRLCK;
        ASSERT_EQ(::fcntl(in->backing().value(), F_OFD_SETLK, &lock), 0);
        EXPECT_EQ(connect(), Code::Exists);
        EXPECT_EQ(transport().check().code(), Code::Exists);
    }
    EXPECT_TRUE(transport().check());
}

TEST_P(FileTransport, ALimitOnFilesIsAnErrorAndNoSignal) {
    struct rlimit before = {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const struct rlimit low = {1 << 16, before.rlim_max};
    Channel out = writer();
    ::setrlimit(RLIMIT_FSIZE, &low);
    EXPECT_NE(write_all(out, std::string(1 << 17, 'x')).find("File too large"), std::string::npos);
    ::setrlimit(RLIMIT_FSIZE, &before);
    out.release();
    EXPECT_EQ(files(), none_);
}

// On a tmpfs of 1 MiB, seen by the child alone; "": all as it should be.
std::string on_a_full_disk(const std::string& folder, test::OpenPlugins& plugins) {
    const auto make = [&](const char* reserve) {
        return plugins.make<Transport>("transport/file",
                                       {{"path", folder + "/state"}, {"reserve", reserve}});
    };
    Channel old, fresh, greedy;
    if (!make("0")->connect(old) || !write_all(old, "older").empty() ||
        !old.finish(SEGUE_FINISH_SEAL))
        return "the older one could not be written";
    if (make("2M")->check().code() != Code::Refused || !make("512K")->check())
        return "check() does not look at the room";
    const Status reserved = make("2M")->connect(greedy);
    if (reserved.ok() || reserved.error().sys_errno() != ENOSPC)
        return "the room is not reserved";
    if (!make("512K")->connect(fresh))
        return "room for 512K there is";
    const std::string full = write_all(fresh, std::string(2 << 20, 'x'));
    if (full.find("No space left") == full.npos || full.find(folder + "/state") == full.npos)
        return "it says: " + full;
    if (fresh.finish(SEGUE_FINISH_SEAL))
        return "half a file was sealed";
    fresh.release();
    if (std::distance(fs::directory_iterator(folder), {}) != 1)
        return "something was left behind";
    auto in = make("0")->listen()->accept();
    return in && read_all(*in) == "older" ? "" : "the older one is gone";
}

TEST(FileTransportFull, AFullDiskIsFoundBeforeAnythingIsHarmed) {
    test::OpenPlugins plugins;
    EXPECT_EQ(test::on_small_disk(
                  "1m", [&](const std::string& folder) { return on_a_full_disk(folder, plugins); }),
              "");
}

} // namespace
} // namespace segue
