// SPDX-License-Identifier: Apache-2.0
// values.hpp - a plugin's own keys: read from text by its schema, and the service "segue.config/1"
// that it reads them through.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include <segue/abi/config.h>
#include <segue/abi/entry.h>
#include <segue/cpp/result.hpp>

namespace segue::testkit {

// Needed only for as long as the create() that it is given to. Value type.
class Values {
public:
    // `given` over the defaults; "{dir}", "{port}", "{socket:1}", "{socket:2}" replaced. INVALID
    // names the key.
    static Result<Values> read(const segue_info& info,
                               const std::map<std::string, std::string>& given,
                               const std::string& dir);
    // Whether `text` is a value of that option.
    static Status check(const segue_option& option, const std::string& text);

    const segue_config* abi() const { return reinterpret_cast<const segue_config*>(this); }
    static const segue_host_config* service();

private:
    using Value = std::variant<std::string, std::uint64_t, bool>;
    static Result<Value> parse(const segue_option& option, const std::string& text);
    template <class T>
    static segue_status get(const segue_config* c, const char* key, const T** value);
    static segue_status text(const segue_config* c, const char* key, const char** value);
    static segue_status number(const segue_config* c, const char* key, std::uint64_t* value);
    static segue_status flag(const segue_config* c, const char* key, std::uint32_t* value);

    std::map<std::string, Value> values_;
    std::map<std::string, bool> known_; // every key of the schema
};

} // namespace segue::testkit
