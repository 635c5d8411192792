// SPDX-License-Identifier: Apache-2.0
// hosts_devices_test.cpp - what a guest has on its host goes to another host with it.
#include <segue/cpp/sys.hpp>

#include "tests/fault/hosts_test.hpp"
#include "vmm/devices/virtio_net/test_net.hpp"

namespace segue::fault {
namespace {

struct SharedStorage {
    SharedStorage() {
        const auto fd = sys::open(disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        EXPECT_TRUE(fd && sys::truncate(fd->get(), 1 << 20));
    }
    TempDir storage;
    std::string disk = storage / "disk.raw";
};

// Its disk lies on storage that both see.
class HostsWithADisk : protected SharedStorage, public Hosts {
protected:
    HostsWithADisk()
        : Hosts(with_disk(disk)) {}
    static test::GuestSpec with_disk(const std::string& path) {
        test::GuestSpec s = spec();
        s.memory = "[[device]]\nid = \"disk0\"\nmodel = \"virtio-blk\"\noptions = { path = \"" +
                   path + "\", shared = true }";
        return s;
    }
    bool is_locked() const {
        const auto fd = sys::open(disk, O_RDWR);
        struct flock l = {};
        l.l_type = F_WRLCK;
        l.l_whence = SEEK_SET;
        EXPECT_EQ(::fcntl(fd->get(), F_OFD_GETLK, &l), 0);
        return l.l_type != F_UNLCK;
    }
};

TEST_F(HostsWithADisk, TheLockGoesWithTheGuest) {
    EXPECT_TRUE(is_locked());
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    EXPECT_TRUE(is_locked()) << "not before it is written down";
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_TRUE(comes_true([&] { return gone(a_); }));
    EXPECT_TRUE(is_locked()) << "by the new one";
}

TEST_F(HostsWithADisk, AfterAFailureItIsBack) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    kill(b_);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_TRUE(is_locked());
}

// An operator who is wrong: the guest runs on the other host, and has its disk locked.
TEST_F(HostsWithADisk, HereIsNotBelievedWhereTheOtherHostHasTheLock) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::B);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    resolve(a_, true);
    ASSERT_TRUE(comes_true([&] { return a_.log().find("has it locked") != std::string::npos; }));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

// A tap on each; the new one's network has never heard of the guest.
class HostsWithACard : public Hosts {
protected:
    HostsWithACard()
        : Hosts(with_card()) {}
    static test::GuestSpec with_card() {
        test::GuestSpec s = spec();
        s.memory = "[[device]]\nid = \"net0\"\nmodel = \"virtio-net\"\noptions = { tap = "
                   "\"tap0\", mac = \"52:54:00:00:47:11\", vhost = \"off\" }";
        return s;
    }
    void furnish() override {
        for (const Host host : {Host::A, Host::B}) {
            const Status s = cable_->add_tap(host, "tap0");
            ASSERT_TRUE(s) << s.error().what();
            cable_->on(host, [&] {
                neighbours_.push_back(std::make_unique<vmm::TestHost>("tap0", ETH_P_RARP));
            });
        }
    }

    std::vector<std::unique_ptr<vmm::TestHost>> neighbours_; // of A, of B
};

TEST_F(HostsWithACard, TheNewNetworkLearnsWhereTheGuestIs) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    EXPECT_FALSE(neighbours_[1]->hear(false)) << "it does not run there yet";
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    const std::string frame = neighbours_[1]->hear().value_or("");
    ASSERT_EQ(frame.size(), 60u);
    EXPECT_EQ(frame.substr(6, 6), std::string("\x52\x54\0\0\x47\x11", 6));
    EXPECT_FALSE(neighbours_[0]->hear(false));
}

} // namespace
} // namespace segue::fault
