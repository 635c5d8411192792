// SPDX-License-Identifier: Apache-2.0
// settings.hpp - the options of transport tls that are about trust.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <segue/cpp/plugin.hpp>

namespace tls {

constexpr std::size_t kMaxIdentity = 128; // bytes; OpenSSL's PSK_MAX_IDENTITY_LEN

// Value type: either certificates or a pre-shared key, all of it set.
struct Settings {
    static segue::Result<Settings> read(const segue::Config& config);
    bool shares_key() const { return !psk.empty(); }

    std::string ca, cert, key; // paths
    std::string peer_name;
    std::string psk, psk_identity; // a path, and the key's name
    std::chrono::microseconds handshake{0};
    std::uint64_t rekey = 0; // bytes
};

constexpr segue_option kCa = segue::path_option(
    "ca", "file with the certificates (PEM) that may have issued the other side's");
constexpr segue_option kCert =
    segue::path_option("cert", "file with this side's certificate (PEM), and those up to the 'ca'");
constexpr segue_option kKey =
    segue::path_option("key", "file with its private key (PEM); readable by its owner alone");
constexpr segue_option kPeerName = segue::string_option(
    "peer_name", "DNS name or IP address that the other side's certificate must be made out to");
constexpr segue_option kPsk = segue::path_option(
    "psk", "instead of certificates: file with a key of at least 32 bytes, in hexadecimal, that "
           "both sides have; readable by its owner alone");
constexpr segue_option kPskIdentity =
    segue::string_option("psk_identity", "name of that key, the same on both sides");
constexpr segue_option kHandshake = segue::number_option(
    SEGUE_OPTION_DURATION, "handshake", "how long a peer may take to prove who it is", "10s",
    100'000, 3'600'000'000);
constexpr segue_option kRekey = segue::number_option(
    SEGUE_OPTION_SIZE, "rekey", "bytes after which a direction goes on with a new key", "64G",
    1u << 20, 256ull << 30);

} // namespace tls
