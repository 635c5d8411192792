// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/values.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <span>

#include <segue/abi/transport.h>
#include <segue/cpp/sys.hpp>

namespace segue::testkit {

namespace {

struct Unit {
    const char* suffix;
    std::uint64_t factor;
};
constexpr Unit sizes[] = {
    {"", 1}, {"K", 1u << 10}, {"M", 1u << 20}, {"G", 1u << 30}, {"T", 1ull << 40}};
constexpr Unit times[] = {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}, {"m", 60'000'000}};
constexpr Unit none[] = {{"", 1}};

std::span<const Unit> units_of(std::uint32_t type) {
    if (type == SEGUE_OPTION_SIZE)
        return sizes;
    if (type == SEGUE_OPTION_DURATION)
        return times;
    return none;
}

Error wrong(const segue_option& o, const std::string& text, const std::string& expected) {
    return Error(Code::Invalid,
                 std::string("option '") + o.key + "' is '" + text + "', and must be " + expected);
}

Result<std::uint64_t> parse_number(const segue_option& o, const std::string& text) {
    std::uint64_t n = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, n);
    for (const Unit& u : units_of(o.type)) {
        std::uint64_t value = 0;
        if (error != std::errc() || std::string(rest, end) != u.suffix ||
            __builtin_mul_overflow(n, u.factor, &value))
            continue;
        if (value >= o.min && (o.max == 0 || value <= o.max))
            return value;
    }
    return wrong(o, text,
                 o.type == SEGUE_OPTION_SIZE       ? "a size such as 4M, in its range"
                 : o.type == SEGUE_OPTION_DURATION ? "a time such as 200ms, in its range"
                                                   : "a number in its range");
}

// One that nobody listens at now.
Result<std::string> free_port() {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in a = {};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    auto* address = reinterpret_cast<sockaddr*>(&a);
    if (!fd || ::bind(fd.get(), address, size) != 0 || ::getsockname(fd.get(), address, &size) != 0)
        return Error::from_errno(errno, "find a free TCP port");
    return std::to_string(ntohs(a.sin_port));
}

// Both numbers of a connected pair, open over an execve: as a process is started with them. They
// are the plugin's.
Result<std::pair<std::string, std::string>> inherited_pair() {
    int fds[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return Error::from_errno(errno, "make a socketpair");
    return std::pair(std::to_string(fds[0]), std::to_string(fds[1]));
}

void replace(std::string& text, const char* mark, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size())
        text.replace(at, std::strlen(mark), by);
}

// A host gives each channel a file in the guest's run directory; memory says where it lies.
bool host_sets(const segue_info& info, const segue_option& o) {
    return o.type == SEGUE_OPTION_PATH && std::strcmp(o.key, "path") == 0 &&
           (o.required != 0 || std::strcmp(info.kind, SEGUE_TRANSPORT_ID) == 0);
}

} // namespace

Result<Values::Value> Values::parse(const segue_option& o, const std::string& text) {
    switch (o.type) {
    case SEGUE_OPTION_STRING:
        return Value(text);
    case SEGUE_OPTION_PATH:
        if (text.empty() || text[0] != '/')
            return wrong(o, text, "an absolute path");
        return Value(text);
    case SEGUE_OPTION_BOOL:
        if (text != "true" && text != "false")
            return wrong(o, text, "true or false");
        return Value(text == "true");
    case SEGUE_OPTION_UINT:
    case SEGUE_OPTION_SIZE:
    case SEGUE_OPTION_DURATION: {
        SEGUE_ASSIGN(const std::uint64_t n, parse_number(o, text));
        return Value(n);
    }
    default:
        return Error(Code::Invalid, std::string("option '") + o.key + "' is of unknown type " +
                                        std::to_string(o.type));
    }
}

Status Values::check(const segue_option& option, const std::string& text) {
    SEGUE_TRY(parse(option, text));
    return {};
}

Result<Values> Values::read(const segue_info& info, const std::map<std::string, std::string>& given,
                            const std::string& dir) {
    Values v;
    std::pair<std::string, std::string> pair; // once it is asked for
    for (std::uint32_t i = 0; i < info.n_options; ++i) {
        const segue_option& o = info.options[i];
        v.known_[o.key] = true;
        const auto found = given.find(o.key);
        std::string text;
        if (found != given.end())
            text = found->second;
        else if (o.default_value != nullptr)
            text = o.default_value;
        else if (host_sets(info, o))
            text = "{dir}/path";
        else if (o.required != 0)
            return Error(Code::Invalid,
                         std::string("option '") + o.key + "' (" + o.doc + ") is required")
                .way_out(std::string("--options ") + o.key + "=VALUE")
                .with("rule", "the options of this check must be those of a configuration");
        else
            continue;
        replace(text, "{dir}", dir);
        if (text.find("{port}") != std::string::npos) {
            SEGUE_ASSIGN(const std::string port, free_port());
            replace(text, "{port}", port);
        }
        if (text.find("{socket:") != std::string::npos) {
            if (pair.first.empty()) {
                SEGUE_ASSIGN(pair, inherited_pair());
            }
            replace(text, "{socket:1}", pair.first);
            replace(text, "{socket:2}", pair.second);
        }
        SEGUE_ASSIGN(Value value, parse(o, text));
        v.values_.insert_or_assign(o.key, std::move(value));
    }
    for (const auto& [key, value] : given)
        if (v.known_.count(key) == 0)
            return Error(Code::Invalid, "it has no option '" + key + "'");
    return v;
}

template <class T>
segue_status Values::get(const segue_config* c, const char* key, const T** value) {
    const auto* self = reinterpret_cast<const Values*>(c);
    if (self == nullptr || key == nullptr || self->known_.count(key) == 0)
        return SEGUE_INVALID;
    const auto found = self->values_.find(key);
    if (found == self->values_.end())
        return SEGUE_NOT_FOUND;
    *value = std::get_if<T>(&found->second);
    return *value != nullptr ? SEGUE_OK : SEGUE_INVALID;
}

segue_status Values::text(const segue_config* c, const char* key, const char** value) {
    const std::string* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = found->c_str();
    return s;
}

segue_status Values::number(const segue_config* c, const char* key, std::uint64_t* value) {
    const std::uint64_t* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = *found;
    return s;
}

segue_status Values::flag(const segue_config* c, const char* key, std::uint32_t* value) {
    const bool* found = nullptr;
    const segue_status s = get(c, key, &found);
    if (s == SEGUE_OK)
        *value = *found ? 1 : 0;
    return s;
}

const segue_host_config* Values::service() {
    static constexpr segue_host_config table = {text, number, flag};
    return &table;
}

} // namespace segue::testkit
