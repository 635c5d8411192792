// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/host_end.hpp"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

class VsockHostEndTest : public testing::Test {
protected:
    VsockConfig at(const std::string& name) const { return {"vsock0", 3, dir / name}; }
    static std::string refusal(const VsockConfig& config) {
        inventory::Inventory inventory;
        const Status s = open_vsock(config, inventory);
        if (s)
            return "";
        EXPECT_FALSE(s.error().way_out().empty());
        EXPECT_EQ(s.error().detail("device"), "vsock0");
        EXPECT_THAT(s.error().what(), HasSubstr("vsock0"));
        return s.error().what();
    }
    static bool is_there(const VsockConfig& config) {
        struct stat st = {};
        return ::lstat(config.path.c_str(), &st) == 0;
    }
    TempDir dir;
};

TEST_F(VsockHostEndTest, ListensForItsUserAlone) {
    inventory::Inventory inventory;
    ASSERT_TRUE(open_vsock(at("a"), inventory).ok());
    EXPECT_GE(adopt_vsock(at("a"), inventory)->listener, 0);
    EXPECT_TRUE(connect_unix(at("a").path, Deadline::in(std::chrono::seconds(1))).ok());
    struct stat st = {};
    ASSERT_EQ(::stat(at("a").path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    remove_vsock(at("a"));
    EXPECT_FALSE(is_there(at("a")));
}

TEST_F(VsockHostEndTest, ReplacesASocketThatWasLeftBehind) {
    { const UniqueFd dead = listen_unix(at("a").path, 0600).value(); }
    EXPECT_TRUE(is_there(at("a")));
    EXPECT_EQ(refusal(at("a")), "");
}

TEST_F(VsockHostEndTest, LeavesAloneWhatIsInUse) {
    const UniqueFd live = listen_unix(at("a").path, 0600).value();
    EXPECT_THAT(refusal(at("a")), HasSubstr("another process listens there"));
    EXPECT_TRUE(connect_unix(at("a").path, Deadline::in(std::chrono::seconds(1))).ok());
    const UniqueFd file = sys::open(dir / "file", O_RDWR | O_CREAT).value();
    EXPECT_THAT(refusal(at("file")), HasSubstr("no socket"));
    EXPECT_TRUE(is_there(at("file")));
}

TEST_F(VsockHostEndTest, APathHasRoomForThePorts) {
    const std::size_t most = 107 - std::string("_4294967295").size();
    EXPECT_EQ(refusal(at(std::string(most - dir.path().size() - 1, 'x'))), "");
    EXPECT_THAT(refusal(at(std::string(most - dir.path().size(), 'x'))), HasSubstr("longer"));
}

} // namespace
} // namespace segue::vmm
