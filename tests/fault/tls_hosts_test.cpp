// SPDX-License-Identifier: Apache-2.0
// tls_hosts_test.cpp - a guest goes to another host over transport tls: nobody on the way reads
// it, and nobody gets it who has not the key.
#include <gmock/gmock.h>
#include <segue/cpp/sys.hpp>

#include "tests/fault/hosts_test.hpp"

namespace segue::fault {
namespace {

struct Keys {
    std::string file(const std::string& name, char digit) const {
        const UniqueFd fd = sys::open(dir / name, O_WRONLY | O_CREAT, 0600).value();
        const std::string key(64, digit);
        EXPECT_TRUE(sys::write_all(fd.get(), std::as_bytes(std::span(key))));
        return dir / name;
    }
    TempDir dir;
    std::string right = file("right", 'a'), wrong = file("wrong", 'b');
};

class TlsHosts : protected Keys, public Hosts {
protected:
    TlsHosts()
        : TlsHosts(Hosts::spec(), "right") {}
    // `key`: the new host's.
    TlsHosts(const test::GuestSpec& s, const std::string& key)
        : Hosts(with_key(s, dir / "right"), with_key(s, dir / key), "tls") {}
    static test::GuestSpec with_key(test::GuestSpec s, const std::string& file) {
        s.hosts = "transport = 'tls', options = { address = '" + address() + "', psk = '" + file +
                  "', psk_identity = 'fleet', keepalive = 1, handshake = '2s' }";
        return s;
    }
};

TEST_F(TlsHosts, AGuestGoesToTheOtherHost) {
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
}

TEST_F(TlsHosts, CutBeforeRunItIsInDoubtUntilMended) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
}

class TlsHostsOfTwoKeys : public TlsHosts {
protected:
    TlsHostsOfTwoKeys()
        : TlsHosts(Hosts::spec(), "wrong") {}
};

TEST_F(TlsHostsOfTwoKeys, TheGuestStaysAndTheOtherHostGoesOnWaiting) {
    for (int time = 0; time < 2; ++time) {
        ASSERT_NO_FATAL_FAILURE(begin());
        ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
        EXPECT_THAT(written(a_).error->what(), testing::HasSubstr("pre-shared key 'fleet'"));
        ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
        std::this_thread::sleep_for(std::chrono::seconds(3)); // longer than a handshake may take
        EXPECT_FALSE(gone(b_));
        EXPECT_EQ(state(b_), RunState::Inmigrate);
    }
}

class TlsPostcopyHosts : public TlsHosts {
protected:
    TlsPostcopyHosts()
        : TlsHosts(postcopy_spec("max_rounds = 0, channels = 2"), "right") {}
};

TEST_F(TlsPostcopyHosts, AGuestGoesAndItsRamFollows) {
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
}

} // namespace
} // namespace segue::fault
