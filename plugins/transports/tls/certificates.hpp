// SPDX-License-Identifier: Apache-2.0
// certificates.hpp - this side's certificate, and the judgement of the other side's.
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

#include "openssl.hpp"
#include "settings.hpp"

struct x509_store_ctx_st;

namespace tls {

// Gives the context what `ca`, `cert` and `key` hold, and the name to demand.
segue::Status use_certificates(ssl_ctx_st* context, const Settings& settings);
segue::Status check_own_time(const ssl_ctx_st* context, const std::string& path);
std::string describe_own(const ssl_ctx_st* context);

// OpenSSL's verify callback: leaves the reason of a refusal with the connection's Witness. With a
// pre-shared key there is nothing to judge: a certificate is a refusal.
int judge_certificate(int good, x509_store_ctx_st* store);

} // namespace tls
