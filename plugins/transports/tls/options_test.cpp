// SPDX-License-Identifier: Apache-2.0
// What transport tls refuses before it opens anything: half-set options, files that others can read
// or write, keys that do not fit.
#include "plugins/transports/tls/tls_test.hpp"

#include <sys/stat.h>

namespace segue::test {
namespace {

using testing::HasSubstr;

class TlsOptions : public TlsTest {
protected:
    // create() refuses.
    void expect_invalid(const Options& options, const std::string& what) {
        const auto t = make(options, "127.0.0.1:4444");
        ASSERT_EQ(t.code(), Code::Invalid) << what;
        EXPECT_THAT(t.error().what(), HasSubstr(what));
        EXPECT_FALSE(t.error().way_out().empty());
    }
    // check(), listen() and connect() refuse.
    void expect_refused(const Options& options, const std::string& what, const std::string& way_out,
                        Code code = Code::Refused) {
        plugin::Transport t = transport(options, free_address());
        plugin::Channel c;
        const auto l = t.listen();
        ASSERT_FALSE(l) << what;
        for (const Status& s : {t.check(), Status(l.error()), t.connect(c)}) {
            ASSERT_EQ(s.code(), code) << what << (s ? "" : ": " + s.error().what());
            EXPECT_THAT(s.error().what(), HasSubstr(what));
            EXPECT_THAT(s.error().way_out(), HasSubstr(way_out));
        }
    }
    void expect_taken(const Options& options) {
        plugin::Transport t = transport(options, free_address());
        const Status s = t.check();
        EXPECT_TRUE(s) << s.error().what();
    }
    static Options without(Options o, const std::string& key) {
        o.erase(key);
        return o;
    }
    static Options plus(Options o, const Options& more) {
        o.insert(more.begin(), more.end());
        return o;
    }
};

TEST_F(TlsOptions, NothingSetIsNotPlain) {
    expect_invalid({}, "neither certificates nor a pre-shared key are set");
}

TEST_F(TlsOptions, HalfSetIsRefused) {
    for (const char* key : {"ca", "cert", "key", "peer_name"})
        expect_invalid(without(certificates(), key), std::string("'") + key + "' missing");
    expect_invalid(without(shared_key(), "psk"), "option 'psk' is missing");
    expect_invalid(without(shared_key(), "psk_identity"), "option 'psk_identity' is missing");
    expect_invalid(shared_key("psk", std::string(200, 'x')), "longer than 128 bytes");
}

TEST_F(TlsOptions, BothAreRefused) {
    expect_invalid(plus(certificates(), shared_key()),
                   "both set: 'ca', 'cert', 'key', 'peer_name'");
    expect_invalid(plus(shared_key(), {{"ca", authority_.path()}}), "both set: 'ca'");
}

TEST_F(TlsOptions, GoodOnesAreTaken) {
    expect_taken(certificates());
    expect_taken(shared_key());
}

TEST_F(TlsOptions, ASecretThatOthersCanReadIsRefused) {
    for (const mode_t mode : {0640u, 0604u, 0610u}) {
        ASSERT_EQ(::chmod(file("vmm.key").c_str(), mode), 0);
        ASSERT_EQ(::chmod(file("psk").c_str(), mode), 0);
        expect_refused(certificates(), file("vmm.key") + " holds a secret", "chmod 0600");
        expect_refused(shared_key(), file("psk") + " holds a secret", "chmod 0600");
    }
    ASSERT_EQ(::chmod(file("vmm.key").c_str(), 0400), 0);
    ASSERT_EQ(::chmod(file("vmm.pem").c_str(), 0444), 0);
    expect_taken(certificates());
}

TEST_F(TlsOptions, WhatOthersCanWriteIsRefused) {
    for (const char* name : {"Fleet CA.pem", "vmm.pem"}) {
        ASSERT_EQ(::chmod(file(name).c_str(), 0664), 0);
        expect_refused(certificates(), file(name) + " can be written by others", "chmod go-w");
        ASSERT_EQ(::chmod(file(name).c_str(), 0644), 0);
    }
    ASSERT_EQ(::chmod(dir_.path().c_str(), 0777), 0);
    expect_refused(certificates(), dir_.path().string() + " can be written by others",
                   "chmod go-w");
    expect_refused(shared_key(), dir_.path().string() + " can be written by others", "chmod go-w");
    ASSERT_EQ(::chmod(dir_.path().c_str(), 0700), 0);
}

TEST_F(TlsOptions, ALinkIsJudgedByWhatItNames) {
    const std::string open = file("open");
    ASSERT_EQ(::mkdir(open.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(open.c_str(), 0777), 0);
    write_file(open + "/psk", std::string(64, 'a'));
    ASSERT_EQ(::symlink((open + "/psk").c_str(), file("link").c_str()), 0);
    expect_refused(shared_key("link"), open + " can be written by others", "chmod go-w");
}

TEST_F(TlsOptions, FilesThatAreNoneAreNamed) {
    expect_refused(shared_key("none"), "open " + file("none"), "", Code::NotFound);
    ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
    expect_refused(shared_key("fifo"), "is not a regular file", "");
    write_file(file("text.pem"), "hello");
    Options o = certificates();
    o["ca"] = file("text.pem");
    expect_refused(o, file("text.pem") + " has no certificate that can be read: there is none",
                   "PEM", Code::Invalid);
    o = certificates();
    o["key"] = file("vmm.pem");
    ASSERT_EQ(::chmod(file("vmm.pem").c_str(), 0600), 0);
    expect_refused(o, file("vmm.pem") + " holds no private key", "PEM", Code::Invalid);
}

TEST_F(TlsOptions, AKeyOfAnotherCertificateIsRefused) {
    authority_.issue("other");
    Options o = certificates();
    o["key"] = file("other.key");
    expect_refused(o, "key " + file("other.key") + " is not that of certificate", "made together",
                   Code::Invalid);
}

TEST_F(TlsOptions, OnlyHexadecimalDigitsAreAKey) {
    for (const std::string& bad : {std::string(62, 'a'), std::string(63, 'a'),
                                   std::string(130, 'a'), std::string(63, 'a') + "g", std::string(),
                                   std::string(31, 'a') + "\n" + std::string(32, 'a')}) {
        write_file(file("psk"), bad);
        expect_refused(shared_key(), file("psk") + " holds no key", "openssl rand -hex 32",
                       Code::Invalid);
    }
    write_file(file("psk"), std::string(128, 'F') + "\r\n");
    expect_taken(shared_key());
}

TEST_F(TlsOptions, AnOwnCertificateOutOfItsTimeIsToldBeforehand) {
    authority_.issue("old", {"vmm.example", -20, -10});
    authority_.issue("new", {"vmm.example", 10, 20});
    const Status old = transport(certificates("old"), free_address()).check();
    ASSERT_EQ(old.code(), Code::Refused);
    EXPECT_THAT(old.error().what(), HasSubstr(file("old.pem") + " expired on 20"));
    const Status fresh = transport(certificates("new"), free_address()).check();
    ASSERT_EQ(fresh.code(), Code::Refused);
    EXPECT_THAT(fresh.error().what(), HasSubstr(file("new.pem") + " is not valid before 20"));
}

} // namespace
} // namespace segue::test
