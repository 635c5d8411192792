// SPDX-License-Identifier: Apache-2.0
#include "core/state/error_codec.hpp"

#include <optional>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::state {

namespace {

Status decode(std::span<const std::byte> container, std::optional<Error>& out) {
    SEGUE_ASSIGN(const Reader in, Reader::parse(container));
    SEGUE_ASSIGN(const Section* head, in.take("error"));
    SEGUE_ASSIGN(const std::uint64_t code, head->number("code"));
    SEGUE_ASSIGN(const auto what, head->text("what"));
    SEGUE_ASSIGN(const auto way_out, head->text("way-out"));
    if (code == 0 || code > SEGUE_INTERNAL)
        return Error(Code::Corrupt, "unknown status");
    Error e = Error(static_cast<Code>(code), std::string(what)).way_out(std::string(way_out));
    for (const Section* detail : in.take_all("error-detail")) {
        SEGUE_ASSIGN(const auto key, detail->text("key"));
        SEGUE_ASSIGN(const auto value, detail->text("value"));
        std::move(e).with(std::string(key), std::string(value)); // e = ... would move e into itself
    }
    out = std::move(e);
    return {};
}

} // namespace

std::vector<std::byte> encode_error(const Error& error) {
    Writer out{Header{}};
    out.begin("error", "", 1);
    out.put("code", static_cast<std::uint64_t>(error.code()));
    out.put_text("what", error.what());
    out.put_text("way-out", error.way_out());
    out.end();
    std::size_t n = 0;
    for (const auto& [key, value] : error.details()) {
        out.begin("error-detail", std::to_string(n++), 1);
        out.put_text("key", key);
        out.put_text("value", value);
        out.end();
    }
    const auto bytes = out.finish();
    return {bytes.begin(), bytes.end()};
}

Error decode_error(std::span<const std::byte> container) {
    std::optional<Error> error;
    const Status s = decode(container, error);
    if (s)
        return *std::move(error);
    return Error(Code::Refused,
                 "the other side refused, but its reason came damaged: " + s.error().what());
}

} // namespace segue::state
