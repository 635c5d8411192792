// SPDX-License-Identifier: Apache-2.0
#include "core/base/places.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"

namespace segue {
namespace {

struct PlacesTest : testing::Test {
    TempDir dir;
    Places places = Places::find(dir / "run", dir / "state").value();
    GuestPlaces web1 = places.guest("web1").value();
};

TEST_F(PlacesTest, AGuestHasItsFolders) {
    ASSERT_TRUE(create(web1));
    struct stat s = {};
    ASSERT_EQ(::stat(web1.run.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0700u);
    EXPECT_EQ(::stat(web1.state.c_str(), &s), 0);
    EXPECT_EQ(web1.api_socket(), dir / "run/web1/api.sock");
    EXPECT_EQ(web1.journal(), dir / "state/web1/journal.jsonl");
    EXPECT_EQ(places.guests(), std::vector<std::string>{"web1"});
}

TEST_F(PlacesTest, AFolderThatOthersMayWriteIsRefused) {
    ASSERT_TRUE(create(web1));
    ASSERT_EQ(::chmod(web1.run.c_str(), 0777), 0);
    EXPECT_EQ(create(web1).code(), Code::Refused);
}

TEST_F(PlacesTest, NamesAreFileNames) {
    for (const char* bad : {"", ".", "..", "a/b", ".hidden", "a\nb"})
        EXPECT_EQ(places.guest(bad).code(), Code::Invalid) << bad;
    EXPECT_EQ(places.guest(std::string(64, 'x')).code(), Code::Invalid);
}

TEST_F(PlacesTest, TheLockLivesAsLongAsAnyCopyOfIt) {
    ASSERT_TRUE(create(web1));
    EXPECT_FALSE(is_locked(web1));
    auto lock = take_lock(web1);
    ASSERT_TRUE(lock);
    const auto second = take_lock(web1);
    ASSERT_EQ(second.code(), Code::Exists);
    EXPECT_NE(second.error().what().find(web1.run), std::string::npos);
    EXPECT_FALSE(second.error().way_out().empty());

    UniqueFd next_generation(::dup(lock->get()));
    lock->reset();
    EXPECT_TRUE(is_locked(web1));
    next_generation.reset();
    EXPECT_FALSE(is_locked(web1));
    EXPECT_TRUE(take_lock(web1));
}

TEST_F(PlacesTest, TheDefaultRunDirectoryIsOnTmpfs) {
    const auto found = Places::find("", dir / "state");
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_EQ(found->run_dir.find("segue") == std::string::npos, false);
}

TEST(UnixSocket, ConnectsAndSaysWhoCame) {
    TempDir dir;
    const auto path = dir / "s";
    EXPECT_EQ(connect_unix(path, Deadline::in(std::chrono::seconds(1))).code(), Code::NotFound);
    auto listening = listen_unix(path, 0600);
    ASSERT_TRUE(listening) << listening.error().what();
    struct stat s = {};
    ASSERT_EQ(::stat(path.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777, 0600u);
    auto fd = connect_unix(path, Deadline::in(std::chrono::seconds(10)));
    ASSERT_TRUE(fd);
    const auto peer = peer_of(fd->get());
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->pid, ::getpid());
    EXPECT_EQ(peer->uid, ::getuid());

    listening->reset();
    EXPECT_EQ(connect_unix(path, Deadline::in(std::chrono::seconds(1))).code(), Code::Closed);
    EXPECT_TRUE(listen_unix(path, 0600)); // the stale path is replaced
}

TEST(UnixSocket, ALongPathSaysWhatToDo) {
    const auto r = listen_unix("/tmp/" + std::string(200, 'x'), 0600);
    ASSERT_EQ(r.code(), Code::Invalid);
    EXPECT_NE(r.error().way_out().find("--run-dir"), std::string::npos);
}

TEST(UnixSocket, AFullBacklogEndsAtTheDeadline) {
    TempDir dir;
    auto listening = listen_unix(dir / "s", 0600);
    ASSERT_TRUE(listening);
    std::vector<UniqueFd> waiting;
    Code code = Code::Ok;
    for (int i = 0; i < 1000 && code == Code::Ok; ++i) {
        auto fd = connect_unix(dir / "s", Deadline::in(std::chrono::milliseconds(20)));
        code = fd.code();
        if (fd)
            waiting.push_back(std::move(*fd));
    }
    EXPECT_EQ(code, Code::Deadline);
}

} // namespace
} // namespace segue
