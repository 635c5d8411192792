// SPDX-License-Identifier: Apache-2.0
// As many at the port who prove nothing as a listener takes: its host sleeps, and others come in
// once one of them is gone.
#include "plugins/transports/tls/tls_test.hpp"

namespace segue::test {
namespace {

class TlsStrangers : public TlsTest {
protected:
    static constexpr std::size_t kGuests = 64;

    // Connects them, and one more.
    void crowd(const std::string& handshake) {
        Options o = certificates();
        o["handshake"] = handshake;
        auto listener = transport(o, address_).listen();
        ASSERT_TRUE(listener) << listener.error().what();
        listener_ = std::move(*listener);
        while (silent_.size() <= kGuests) {
            silent_.push_back(raw_connect(address_));
            if (silent_.size() % 8 == 0) // as the backlog would fill up
                EXPECT_EQ(listener_.accept().code(), Code::Again);
        }
    }
    bool ready() {
        const plugin::Ready r = listener_.ready(plugin::Direction::Read);
        pollfd p = {r.fd, r.events, 0};
        return ::poll(&p, 1, 0) == 1;
    }
    // Whether a host that calls as long as it is woken comes to rest.
    bool sleeps() {
        for (int calls = 0; calls < 1000; ++calls) {
            if (!ready())
                return true;
            EXPECT_EQ(listener_.accept().code(), Code::Again);
        }
        return false;
    }
    // Polls, and accepts when woken; what was wrong with a stranger is in the log already.
    void expect_let_in() {
        plugin::Channel out, in;
        Status connects = Error(Code::Again, "undecided");
        const Status s = until_done([&]() -> Status {
            if (connects.code() == Code::Again)
                connects = out_.connect(out);
            if (!in && ready())
                if (auto c = listener_.accept())
                    in = std::move(*c);
            return connects && in ? Status() : Status(Error(Code::Again, "undecided"));
        });
        EXPECT_TRUE(s) << s.error().what();
        EXPECT_TRUE(connects) << connects.error().what();
    }

    const std::string address_ = free_address();
    plugin::Transport out_ = transport(certificates(), address_);
    plugin::Listener listener_;
    std::vector<UniqueFd> silent_;
};

TEST_F(TlsStrangers, DoNotKeepTheHostAwake) {
    crowd("60m");
    EXPECT_TRUE(sleeps());
}

TEST_F(TlsStrangers, AndAPeerComesInOnceOneLeaves) {
    crowd("60m");
    ASSERT_TRUE(sleeps());
    silent_.pop_back(); // who was not let in
    EXPECT_TRUE(sleeps());
    silent_.pop_back();
    expect_let_in();
}

TEST_F(TlsStrangers, OrOnceTheirTimeIsOver) {
    crowd("400ms");
    expect_let_in();
}

} // namespace
} // namespace segue::test
