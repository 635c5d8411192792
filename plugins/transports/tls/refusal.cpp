// SPDX-License-Identifier: Apache-2.0
#include "refusal.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "plugins/transports/common/printable.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr int kHandshakeRecord = 22, kAlertRecord = 21; // RFC 8446, 5.1
constexpr const char* kBothAlike =
    "set 'psk' and 'psk_identity' on both sides, or certificates on both";
constexpr const char* kCompareKeys =
    "give both sides the same 'psk_identity' and the same bytes in 'psk'";

// The reason on top of the queue; an alert of the other side is its number + SSL_AD_REASON_OFFSET.
int take_reason() {
    const unsigned long code = ERR_peek_error();
    ERR_clear_error();
    return ERR_GET_REASON(code);
}

std::string text_of(int reason) {
    const char* text =
        ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, static_cast<unsigned long>(reason)));
    return text != nullptr ? text : "OpenSSL's error " + std::to_string(reason);
}

// What the other side found wrong with this one.
Error alert(const Context& context, int number) {
    const std::string said = SSL_alert_desc_string_long(number);
    if (context.settings().shares_key())
        return Error(Code::Refused, "the other side refused this side's pre-shared key '" +
                                        context.settings().psk_identity + "': " + said)
            .way_out(number == SSL_AD_DECRYPT_ERROR
                         ? kCompareKeys
                         : std::string(kCompareKeys) + "; it may have certificates instead");
    Error e(Code::Refused,
            "the other side refused this side's " + context.own_certificate() + ": " + said);
    switch (number) {
    case SSL_AD_CERTIFICATE_EXPIRED:
        return std::move(e).way_out("renew " + context.settings().cert +
                                    ", or set the clocks of both hosts");
    case SSL_AD_UNKNOWN_CA:
        return std::move(e).way_out("the other side's 'ca' must hold the issuer of " +
                                    context.settings().cert);
    case SSL_AD_BAD_CERTIFICATE:
        return std::move(e).way_out("the other side's 'peer_name' must be a name in " +
                                    context.settings().cert);
    case SSL_AD_HANDSHAKE_FAILURE:
        return std::move(e).way_out(kBothAlike);
    default:
        return std::move(e).way_out("the other side's log says more");
    }
}

// The listening side has a key, and they do not agree on one.
Error no_common_key(const Context& context, const Witness& witness) {
    if (!witness.key_offered)
        return Error(Code::Refused, "the other side offers no pre-shared key, as this side demands")
            .way_out(kBothAlike);
    const std::string& name = context.settings().psk_identity;
    if (witness.identity != name)
        return Error(Code::Refused, "the other side's pre-shared key is '" +
                                        printable(witness.identity, kMaxIdentity) +
                                        "', and this side's is '" + name + "'")
            .way_out("set the same 'psk_identity' on both sides");
    return Error(Code::Refused, "the other side's pre-shared key '" + name + "' has other bytes")
        .way_out(kCompareKeys);
}

} // namespace

Error refusal(const Context& context, const Witness& witness, const Wire& wire, Role role) {
    const int reason = take_reason();
    if (!witness.refused.empty())
        return Error(Code::Refused, witness.refused).way_out(witness.way_out);
    if (wire.error != 0)
        return Error::from_errno(wire.error, "the handshake")
            .way_out("the other side's log says "
                     "why it hung up");
    if (wire.ended)
        return Error(Code::Refused, "the other side hung up within the handshake")
            .way_out("its log says why; is its transport tls as well?");
    if (wire.first_byte >= 0 && wire.first_byte != kHandshakeRecord &&
        wire.first_byte != kAlertRecord)
        return Error(Code::Refused, "the other side does not speak TLS")
            .way_out("set transport tls on both sides; check the 'address'");
    if (reason > SSL_AD_REASON_OFFSET)
        return alert(context, reason - SSL_AD_REASON_OFFSET);
    if (context.settings().shares_key() && role == Role::Listens)
        return no_common_key(context, witness);
    return Error(Code::Refused, "the handshake failed: " + text_of(reason))
        .way_out("both sides need TLS 1.3, as Segue's transport tls speaks it");
}

Error broken() {
    const int reason = take_reason();
    return Error(Code::Corrupt,
                 "what came was changed on its way, or is no TLS: " + text_of(reason))
        .way_out("look for who stands between the hosts");
}

} // namespace tls
