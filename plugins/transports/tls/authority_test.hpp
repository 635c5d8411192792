// SPDX-License-Identifier: Apache-2.0
// authority_test.hpp - for tests: certificates, as `openssl req` and `openssl x509` would make
// them.
#pragma once

#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace segue::test {

// What a certificate says.
struct Wanted {
    std::string name = "vmm.example"; // subjectAltName
    int from = -1, to = 1;            // days from now
    bool authority = false;
};

// Issues certificates into files of a folder.
class Authority {
public:
    Authority(std::string folder, const std::string& name);
    ~Authority();
    // FOLDER/FILE.pem, and FOLDER/FILE.key, mode 0600.
    void issue(const std::string& file, const Wanted& wanted = {});
    std::string path() const { return path_; } // its own certificate

private:
    std::string folder_, path_;
    evp_pkey_st* key_ = nullptr;
    x509_st* own_ = nullptr;
};

void write_file(const std::string& path, const std::string& bytes, unsigned mode = 0600);
// The first message of a TLS 1.2 client.
std::string old_hello();

} // namespace segue::test
