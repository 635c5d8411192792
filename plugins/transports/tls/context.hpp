// SPDX-License-Identifier: Apache-2.0
// context.hpp - one side's proof of who it is, and what it demands of the other side.
#pragma once

#include <memory>
#include <string>

#include <segue/cpp/result.hpp>

#include "openssl.hpp"
#include "settings.hpp"

namespace tls {

// A side that asks for certificates must name what its sessions are of, even if it resumes none.
inline constexpr unsigned char kSessions[] = {'s', 'e', 'g', 'u', 'e'};

// Immutable; shared by all connections of one transport. [any]
class Context {
public:
    // Reads the files. Refused, naming the file, where one cannot be used.
    static segue::Result<std::shared_ptr<const Context>> load(const Settings& settings);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    // Whether this side's certificate is in its time. (The other side asks its own clock.)
    segue::Status check_time() const;
    // "certificate 'CN=a', issued by 'CN=b', ...": for errors. Empty with a pre-shared key.
    std::string own_certificate() const;

    const Settings& settings() const { return settings_; }
    const std::string& shared_key() const { return shared_key_; } // bytes; empty: certificates
    ssl_ctx_st* get() const { return ssl_.get(); }
    bio_method_st* socket() const { return socket_.get(); }

private:
    explicit Context(const Settings& settings)
        : settings_(settings) {}
    segue::Status restrict();

    Settings settings_;
    std::string shared_key_;
    BioMethod socket_;
    SslContext ssl_;
};

} // namespace tls
