// SPDX-License-Identifier: Apache-2.0
// Whom transport tls does not trust, and what it says of them; on both sides.
#include "plugins/transports/tls/tls_test.hpp"

namespace segue::test {
namespace {

using plugin::Channel;
using testing::AllOf;
using testing::HasSubstr;

class TlsTrust : public TlsTest {
protected:
    // `who` says `what`, and there is a way out.
    static void expect_says(const Status& who, const std::string& what, const std::string& way_out,
                            Code code = Code::Refused) {
        ASSERT_EQ(who.code(), code) << (who ? "it went well" : who.error().what());
        EXPECT_THAT(who.error().what(), AllOf(HasSubstr("TLS with 127.0.0.1:"), HasSubstr(what)));
        EXPECT_THAT(who.error().way_out(), HasSubstr(way_out));
    }
    Options stranger() {
        other_.issue("stranger");
        return certificates("stranger");
    }
    Options with(const Wanted& wanted) {
        authority_.issue("odd", wanted);
        return certificates("odd");
    }
    Options trusting_other() {
        Options o = certificates();
        o["ca"] = other_.path();
        return o;
    }
    Authority other_{dir_.path(), "Another CA"};
};

TEST_F(TlsTrust, AConnectingStrangerIsRefused) {
    const Joined j = join(stranger(), certificates(), true);
    expect_says(j.listens,
                "certificate 'CN=stranger' is issued by 'CN=Another CA', not trusted by ca = " +
                    authority_.path(),
                "give the other side a certificate");
    expect_says(j.connects,
                "the other side refused this side's certificate 'CN=stranger', issued by "
                "'CN=Another CA'",
                "the other side's 'ca' must hold the issuer");
}

TEST_F(TlsTrust, AListeningStrangerIsRefused) {
    const Joined j = join(certificates(), stranger(), true);
    expect_says(j.connects, "issued by 'CN=Another CA', not trusted by ca", "give the other side");
    expect_says(j.listens, "the other side refused this side's certificate 'CN=stranger'",
                "the other side's 'ca'");
}

TEST_F(TlsTrust, ACertificateThatExpiredIsRefusedWithItsDate) {
    const Wanted expired = {"vmm.example", -20, -10};
    const Joined a = join(certificates(), with(expired), true);
    expect_says(a.connects, "certificate 'CN=odd' expired on 20", "renew the other side's");
    expect_says(a.listens, "certificate expired", "renew " + file("odd.pem"));
    const Joined b = join(with(expired), certificates(), true);
    expect_says(b.listens, "certificate 'CN=odd' expired on 20", "renew the other side's");
    expect_says(b.connects, "certificate expired", "renew " + file("odd.pem"));
}

TEST_F(TlsTrust, ACertificateOfTomorrowIsRefusedWithItsDate) {
    const Joined j = join(with({"vmm.example", 1, 2}), certificates(), true);
    expect_says(j.listens, "certificate 'CN=odd' is not valid before 20", "clocks");
}

TEST_F(TlsTrust, AnotherNameIsRefused) {
    const Joined a = join(certificates(), with({"web.example"}), true);
    expect_says(a.connects,
                "certificate 'CN=odd' is made out to web.example, not to peer_name = vmm.example",
                "set 'peer_name'");
    expect_says(a.listens, "bad certificate", "the other side's 'peer_name'");
    const Joined b = join(with({"web.example"}), certificates(), true);
    expect_says(b.listens, "made out to web.example", "set 'peer_name'");
    expect_says(b.connects, "bad certificate", "the other side's 'peer_name'");
}

TEST_F(TlsTrust, ANameInTheSubjectAloneIsNone) {
    authority_.issue("vmm.example", {"web.example"});
    const Joined j = join(certificates(), certificates("vmm.example"), true);
    expect_says(j.connects, "certificate 'CN=vmm.example' is made out to web.example", "peer_name");
}

TEST_F(TlsTrust, AnAddressIsANameToo) {
    Options address = with({"192.0.2.7"});
    address["peer_name"] = "192.0.2.7";
    const Joined good = join(address, address);
    EXPECT_TRUE(good.connects && good.listens);
    address["peer_name"] = "192.0.2.8";
    EXPECT_EQ(join(address, address).connects.code(), Code::Refused);
}

TEST_F(TlsTrust, OneSideThatTrustsIsNotEnough) {
    const Joined j = join(certificates(), trusting_other(), true);
    expect_says(j.listens, "certificate 'CN=vmm' is issued by 'CN=Fleet CA', not trusted", "ca");
    EXPECT_EQ(j.connects.code(), Code::Refused) << "not even for a moment";
    EXPECT_FALSE(j.out);
}

TEST_F(TlsTrust, KeysThatDifferAreRefused) {
    write_file(file("other"), std::string(64, 'b'));
    const Joined j = join(shared_key(), shared_key("other"), true);
    expect_says(j.listens, "pre-shared key 'fleet' has other bytes", "same bytes in 'psk'");
    expect_says(j.connects, "refused this side's pre-shared key 'fleet'", "same bytes in 'psk'");
}

TEST_F(TlsTrust, KeysOfOtherNamesAreRefused) {
    const Joined j = join(shared_key(), shared_key("psk", "navy"), true);
    expect_says(j.listens, "pre-shared key is 'fleet', and this side's is 'navy'", "psk_identity");
    expect_says(j.connects, "refused this side's pre-shared key 'fleet'", "psk_identity");
}

// Who is not known yet writes no lines into the log.
TEST_F(TlsTrust, TheNameOfAStrangersKeyIsShownInOneLine) {
    const Joined j = join(shared_key("psk", "na\nvy\x1b[2J\xff"), shared_key(), true);
    expect_says(j.listens, "pre-shared key is 'na?vy?[2J?', and this side's is 'fleet'",
                "psk_identity");
}

TEST_F(TlsTrust, TheNamesInACertificateAreShownInOneLine) {
    const Joined j = join(with({"web\x1b[2J.example"}), certificates(), true);
    expect_says(j.listens, "made out to web?[2J.example, not to", "peer_name");
}

TEST_F(TlsTrust, AKeyOnOneSideAndCertificatesOnTheOtherAreRefused) {
    const Joined a = join(shared_key(), certificates(), true);
    expect_says(a.connects, "shows a certificate, and this side has a pre-shared key",
                "both sides");
    expect_says(a.listens, "the other side refused", "on both sides");
    const Joined b = join(certificates(), shared_key(), true);
    expect_says(b.listens, "offers no pre-shared key", "certificates on both");
    expect_says(b.connects, "the other side refused", "certificates on both");
}

// ---- peers that speak something else, or nothing ----

TEST_F(TlsTrust, APlainClientIsNamed) {
    const std::string address = free_address();
    plugin::Transport t = transport(certificates(), address);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    const UniqueFd plain = raw_connect(address);
    ASSERT_EQ(::send(plain.get(), "SEGUE, in the clear", 19, MSG_NOSIGNAL), 19);
    const Status s = accepted(*listener);
    expect_says(s, "the other side does not speak TLS", "set transport tls on both sides");
}

TEST_F(TlsTrust, APlainServerIsNamed) {
    const std::string address = free_address();
    const UniqueFd server = raw_listen(address);
    for (const bool talks : {true, false}) {
        plugin::Transport t = transport(certificates(), address);
        Channel c;
        EXPECT_EQ(t.connect(c).code(), Code::Again);
        UniqueFd plain(::accept(server.get(), nullptr, nullptr));
        if (talks)
            ASSERT_EQ(::send(plain.get(), "220 hello", 9, MSG_NOSIGNAL), 9);
        else
            ASSERT_EQ(::shutdown(plain.get(), SHUT_WR), 0);
        expect_says(until_done([&] { return t.connect(c); }),
                    talks ? "does not speak TLS" : "hung up within the handshake", "tls");
        EXPECT_FALSE(c);
    }
}

TEST_F(TlsTrust, AnOlderTlsIsRefused) {
    const std::string address = free_address();
    plugin::Transport t = transport(certificates(), address);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    const UniqueFd old = raw_connect(address);
    const std::string hello = old_hello();
    ASSERT_EQ(::send(old.get(), hello.data(), hello.size(), 0), static_cast<ssize_t>(hello.size()));
    const Status s = accepted(*listener);
    expect_says(s, "unsupported protocol", "TLS 1.3");
}

TEST_F(TlsTrust, AStrangerWhoStallsHoldsNobodyUpAndIsTold) {
    const std::string address = free_address();
    plugin::Transport t = transport(certificates(), address),
                      out = transport(certificates(), address);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    const UniqueFd silent = raw_connect(address);
    const UniqueFd loud = raw_connect(address);
    ASSERT_EQ(::send(loud.get(), "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    const Joined j = join(out, *listener);
    EXPECT_TRUE(j.connects && j.listens) << "others come through";
    const UniqueFd again = raw_connect(address);
    const Status s = accepted(*listener);
    expect_says(s, "has not proved who it is within 400 ms", "raise 'handshake'", Code::Deadline);
}

TEST_F(TlsTrust, AServerThatStallsIsTold) {
    const std::string address = free_address();
    const UniqueFd server = raw_listen(address);
    plugin::Transport t = transport(certificates(), address);
    Channel c;
    EXPECT_EQ(t.connect(c).code(), Code::Again);
    const UniqueFd stalls(::accept(server.get(), nullptr, nullptr));
    ASSERT_EQ(::send(stalls.get(), "\x16\x03\x03", 3, MSG_NOSIGNAL), 3) << "half a record";
    expect_says(until_done([&] { return t.connect(c); }), "has not proved who it is",
                "raise 'handshake'", Code::Deadline);
}

// What a host polls must wake it: it does not call in between.
TEST_F(TlsTrust, WhatIsPolledWakesForEachStep) {
    const std::string address = free_address();
    plugin::Transport a = transport(certificates(), address),
                      b = transport(certificates(), address);
    auto listener = b.listen();
    ASSERT_TRUE(listener);
    Channel out, in;
    Status connects = Error(Code::Again, "");
    for (int i = 0; i < 50 && (!connects || !in); ++i) {
        if (!connects)
            connects = a.connect(out);
        if (auto c = in ? Result<Channel>(Error(Code::Again, "")) : listener->accept())
            in = std::move(*c);
        const plugin::Ready l = listener->ready(plugin::Direction::Read);
        const plugin::Ready o = connects ? plugin::Ready{} : out.ready(plugin::Direction::Write);
        std::array<pollfd, 2> p = {{{l.fd, l.events, 0}, {o.fd, o.events, 0}}};
        if (!connects || !in) {
            ASSERT_GT(::poll(p.data(), p.size(), 5000), 0) << "step " << i;
        }
    }
    EXPECT_TRUE(connects) << connects.error().what();
    EXPECT_TRUE(in);
}

} // namespace
} // namespace segue::test
