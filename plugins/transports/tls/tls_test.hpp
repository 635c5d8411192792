// SPDX-License-Identifier: Apache-2.0
// tls_test.hpp - two sides of transport tls, with certificates and keys in a folder of their own.
#pragma once

#include <gmock/gmock.h>

#include <stdexcept>

#include "plugins/transports/tls/authority_test.hpp"
#include "plugins/transports/tls/relay_test.hpp"
#include "tests/support/open_plugins.hpp"
#include "tests/support/transport_link.hpp"

namespace segue::test {

// What a handshake came to on both sides.
struct Joined {
    Status connects, listens; // Again: not decided when the other one had failed
    plugin::Channel out, in;
};

class TlsTest : public testing::Test {
protected:
    using Options = OpenPlugins::Options;

    TlsTest() {
        authority_.issue("vmm");
        write_file(dir_ / "psk", std::string(64, 'a') + "\n");
    }

    std::string file(const std::string& name) { return dir_ / name; }
    // The certificate NAME.pem of `authority_`, for a peer that is "vmm.example".
    Options certificates(const std::string& name = "vmm") {
        return {{"ca", authority_.path()},
                {"cert", file(name + ".pem")},
                {"key", file(name + ".key")},
                {"peer_name", "vmm.example"}};
    }
    Options shared_key(const std::string& name = "psk", const std::string& identity = "fleet") {
        return {{"psk", file(name)}, {"psk_identity", identity}};
    }
    Result<plugin::Transport> make(Options options, const std::string& address) {
        options.emplace("handshake", "400ms");
        options.emplace("address", address);
        return plugins_.make<plugin::Transport>("transport/tls", options);
    }
    plugin::Transport transport(const Options& options, const std::string& address) {
        auto t = make(options, address);
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }

    // Both sides take turns until both are decided, or one has failed and `patient` is not set.
    Joined join(plugin::Transport& out, plugin::Listener& in, bool patient = false) {
        Joined j;
        const Error undecided(Code::Again, "undecided");
        j.connects = j.listens = undecided;
        (void)until_done([&]() -> Status {
            if (j.connects.code() == Code::Again)
                j.connects = out.connect(j.out);
            if (j.listens.code() == Code::Again) {
                auto c = in.accept();
                j.listens = c ? Status() : Status(c.error());
                if (c)
                    j.in = std::move(*c);
            }
            const bool both = j.connects.code() != Code::Again && j.listens.code() != Code::Again;
            const bool failed = (j.connects.code() != Code::Again && !j.connects) ||
                                (j.listens.code() != Code::Again && !j.listens);
            return both || (failed && !patient) ? Status() : Status(undecided);
        });
        return j;
    }
    Joined join(const Options& out, const Options& in, bool patient = false) {
        const std::string address = free_address();
        plugin::Transport a = transport(out, address), b = transport(in, address);
        auto listener = b.listen();
        EXPECT_TRUE(listener) << listener.error().what();
        return join(a, *listener, patient);
    }
    Joined open(const Options& options) { return opened(join(options, options)); }
    // With `relay_` in between.
    Joined open_through_relay(const Options& options) {
        const std::string near = free_address(), far = free_address();
        plugin::Transport a = transport(options, near), b = transport(options, far);
        auto listener = b.listen();
        EXPECT_TRUE(listener) << listener.error().what();
        relay_ = std::make_unique<Relay>(near, far);
        return opened(join(a, *listener));
    }
    static Joined opened(Joined j) {
        EXPECT_TRUE(j.connects) << j.connects.error().what();
        EXPECT_TRUE(j.listens) << j.listens.error().what();
        if (!j.out || !j.in)
            throw std::runtime_error("no connection: nothing to test");
        return j;
    }
    static Status accepted(plugin::Listener& listener) {
        return until_done([&]() -> Status {
            SEGUE_ASSIGN(const plugin::Channel c, listener.accept());
            return {};
        });
    }
    // What read() says where it gives no bytes.
    static Status end_of(plugin::Channel& c) {
        std::string room(8, '.');
        const segue_iov to = iov(room);
        std::vector<UniqueFd> fds;
        return until_done([&]() -> Status {
            SEGUE_ASSIGN(const std::uint64_t n, c.read({&to, 1}, fds));
            return Error(Code::Internal, std::to_string(n) + " bytes came");
        });
    }

    TempDir dir_;
    OpenPlugins plugins_;
    std::unique_ptr<Relay> relay_;
    Authority authority_{dir_.path(), "Fleet CA"};
};

} // namespace segue::test
