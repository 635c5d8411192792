// SPDX-License-Identifier: Apache-2.0
// What goes over a connection that both sides trust, and how it ends.
#include "plugins/transports/tls/tls_test.hpp"

#include <thread>

namespace segue::test {
namespace {

using plugin::Channel;
using testing::HasSubstr;
using testing::Not;

std::string pattern(std::size_t bytes, std::uint32_t seed) {
    std::string text(bytes, '\0');
    for (char& c : text)
        c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
    return text;
}

Status write_all(Channel& c, std::string text) {
    std::size_t at = 0;
    return until_done([&]() -> Status {
        // A frame's header, then what belongs to it: as the host writes.
        const std::size_t head = std::min<std::size_t>(24, text.size() - at);
        const std::array<segue_iov, 2> from = {
            {{text.data() + at, head}, {text.data() + at + head, text.size() - at - head}}};
        while (at < text.size()) {
            SEGUE_ASSIGN(const std::uint64_t n,
                         c.write({from.data(), head == text.size() - at ? 1u : 2u}));
            at += n;
            if (at < text.size())
                return Error(Code::Again, "more");
        }
        return {};
    });
}

// While one thread writes, this one reads.
void expect_carried(Channel& from, Channel& to, const std::string& text) {
    Status written;
    std::thread writer([&] { written = write_all(from, text); });
    const std::string came = test::read(to, text.size());
    writer.join();
    EXPECT_TRUE(written) << written.error().what();
    EXPECT_TRUE(came == text) << text.size() << " bytes";
}

class Tls : public TlsTest, public testing::WithParamInterface<bool> {
protected:
    Options options() { return GetParam() ? shared_key() : certificates(); }
};

TEST_P(Tls, BytesOfManySizesCrossBothWays) {
    Joined j = open(options());
    std::uint32_t seed = 1;
    for (const std::size_t n : {1u, 24u, 25u, 4096u, 16384u, 16385u, 262144u, 262145u, 5000000u}) {
        expect_carried(j.out, j.in, pattern(n, ++seed));
        expect_carried(j.in, j.out, pattern(n, ++seed));
    }
}

TEST_P(Tls, SeveralChannelsAtOnceEachBothWays) {
    const std::string address = free_address();
    plugin::Transport a = transport(options(), address), b = transport(options(), address);
    auto listener = b.listen();
    ASSERT_TRUE(listener);
    std::vector<std::thread> threads;
    std::vector<Joined> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(join(a, *listener));
        ASSERT_TRUE(all.back().connects && all.back().listens);
    }
    std::uint32_t seed = 10;
    for (Joined& j : all)
        for (const bool forward : {true, false})
            threads.emplace_back([&j, forward, text = pattern(1500000, ++seed)] {
                expect_carried(forward ? j.out : j.in, forward ? j.in : j.out, text);
            });
    for (std::thread& t : threads)
        t.join();
}

TEST_P(Tls, AnEndIsClosedAndTheOtherDirectionGoesOn) {
    Joined j = open(options());
    ASSERT_TRUE(write_all(j.out, "last"));
    EXPECT_TRUE(j.out.finish(SEGUE_FINISH_END));
    EXPECT_EQ(test::read(j.in, 4), "last");
    EXPECT_EQ(end_of(j.in).code(), Code::Closed);
    expect_carried(j.in, j.out, pattern(100000, 3));
    std::string more = "x";
    const segue_iov from = iov(more);
    EXPECT_EQ(j.out.write({&from, 1}).code(), Code::Closed) << "it has ended itself";
    j.in.release();
    EXPECT_EQ(end_of(j.out).code(), Code::Closed) << "a release is an end, too";
}

TEST_P(Tls, ACutConnectionIsNoEnd) {
    for (const bool forward : {true, false}) {
        Joined j = open_through_relay(options());
        expect_carried(j.out, j.in, "before");
        relay_->cut();
        const Status cut = end_of(forward ? j.in : j.out);
        EXPECT_EQ(cut.code(), Code::Io);
        EXPECT_THAT(cut.error().what(), HasSubstr("was cut before its end"));
        EXPECT_THAT(cut.error().what(), HasSubstr("127.0.0.1:"));
        EXPECT_THAT(cut.error().way_out(), HasSubstr("network"));
        EXPECT_EQ(end_of(forward ? j.in : j.out).code(), Code::Io) << "it stays cut";
    }
}

TEST_P(Tls, AnAbortIsNoEnd) {
    Joined j = open(options());
    EXPECT_TRUE(j.out.finish(SEGUE_FINISH_ABORT));
    j.out.release();
    EXPECT_EQ(end_of(j.in).code(), Code::Io);
}

TEST_P(Tls, AChangedByteIsNoticed) {
    Joined j = open_through_relay(options());
    relay_->change_a_byte();
    ASSERT_TRUE(write_all(j.out, "one record"));
    const Status s = end_of(j.in);
    EXPECT_EQ(s.code(), Code::Corrupt);
    EXPECT_THAT(s.error().what(), HasSubstr("changed on its way"));
}

TEST_P(Tls, NothingCrossesInTheClear) {
    Joined j = open_through_relay(options());
    expect_carried(j.out, j.in, "a page of the guest");
    expect_carried(j.in, j.out, "an answer of its new host");
    relay_->cut();
    EXPECT_THAT(relay_->seen(), Not(HasSubstr("page of the guest")));
    EXPECT_THAT(relay_->seen(), Not(HasSubstr("answer of its")));
}

TEST_P(Tls, AKeyIsRenewedOnTheWay) {
    Options renewing = options();
    renewing["rekey"] = "1M";
    Joined j = open(renewing);
    expect_carried(j.out, j.in, pattern(5 << 20, 5));
    expect_carried(j.in, j.out, pattern(3 << 20, 6));
}

TEST_P(Tls, NobodyThereIsNoErrorUntilTheDeadline) {
    plugin::Transport t = transport(options(), free_address());
    Channel c;
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(t.connect(c).code(), Code::Again);
    EXPECT_EQ(t.listen()->accept().code(), Code::Again);
}

TEST_P(Tls, DescriptorsAreRefusedByName) {
    Joined j = open(options());
    std::string byte = "x";
    const segue_iov from = iov(byte);
    const int fd = 0;
    const auto r = j.out.write({&from, 1}, {&fd, 1});
    ASSERT_EQ(r.code(), Code::Unsupported);
    EXPECT_THAT(r.error().what(), HasSubstr("transport/tls carries no descriptors"));
}

INSTANTIATE_TEST_SUITE_P(By, Tls, testing::Bool(),
                         [](const auto& p) { return p.param ? "Key" : "Certificates"; });

} // namespace
} // namespace segue::test
