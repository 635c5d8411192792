// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <array>
#include <utility>

namespace tls {

using namespace segue;

namespace {

Result<std::string> optional_text(const Config& config, const char* name) {
    auto value = config.text(name);
    return value.code() == Code::NotFound ? Result<std::string>(std::string()) : value;
}

// A half-set pair of options must never end as a connection that checks less.
Status check(const Settings& s) {
    const std::array<std::pair<const char*, const std::string*>, 4> certificates = {
        {{"ca", &s.ca}, {"cert", &s.cert}, {"key", &s.key}, {"peer_name", &s.peer_name}}};
    std::string set, missing;
    for (const auto& [name, value] : certificates) {
        std::string& list = value->empty() ? missing : set;
        list += (list.empty() ? "'" : ", '") + std::string(name) + "'";
    }
    const bool with_key = !s.psk.empty() || !s.psk_identity.empty();
    if (with_key && !set.empty())
        return Error(Code::Invalid, "a pre-shared key and certificates are both set: " + set)
            .way_out("set 'psk' and 'psk_identity' alone, or 'ca', 'cert', 'key' and 'peer_name'");
    if (with_key && (s.psk.empty() || s.psk_identity.empty()))
        return Error(Code::Invalid, std::string("option '") +
                                        (s.psk.empty() ? "psk" : "psk_identity") + "' is missing")
            .way_out("a pre-shared key is 'psk', its file, and 'psk_identity', its name");
    if (with_key && s.psk_identity.size() > kMaxIdentity)
        return Error(Code::Invalid,
                     "'psk_identity' is longer than " + std::to_string(kMaxIdentity) + " bytes")
            .way_out("choose a shorter name");
    if (!with_key && set.empty())
        return Error(Code::Invalid, "neither certificates nor a pre-shared key are set")
            .way_out("set 'ca', 'cert', 'key' and 'peer_name', or 'psk' and 'psk_identity'; for a "
                     "connection that is not encrypted there is transport tcp");
    if (!with_key && !missing.empty())
        return Error(Code::Invalid, set + " set, " + missing + " missing")
            .way_out("certificates need all of 'ca', 'cert', 'key' and 'peer_name'");
    return {};
}

} // namespace

Result<Settings> Settings::read(const Config& config) {
    Settings s;
    SEGUE_ASSIGN(s.ca, optional_text(config, kCa.key));
    SEGUE_ASSIGN(s.cert, optional_text(config, kCert.key));
    SEGUE_ASSIGN(s.key, optional_text(config, kKey.key));
    SEGUE_ASSIGN(s.peer_name, optional_text(config, kPeerName.key));
    SEGUE_ASSIGN(s.psk, optional_text(config, kPsk.key));
    SEGUE_ASSIGN(s.psk_identity, optional_text(config, kPskIdentity.key));
    SEGUE_ASSIGN(const std::uint64_t handshake_us, config.number(kHandshake.key));
    s.handshake = std::chrono::microseconds(handshake_us);
    SEGUE_ASSIGN(s.rekey, config.number(kRekey.key));
    SEGUE_TRY(check(s));
    return s;
}

} // namespace tls
