// SPDX-License-Identifier: Apache-2.0
#include "core/state/inspect.hpp"

#include <algorithm>

#include "core/base/json.hpp"

namespace segue::state {

namespace {

constexpr std::size_t kShownBytes = 16;

std::string hex(std::span<const std::byte> bytes) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const std::byte b : bytes) {
        text += digits[std::to_integer<unsigned>(b) >> 4];
        text += digits[std::to_integer<unsigned>(b) & 15];
    }
    return text;
}

// As it stands where a terminal can bear it, else quoted: names come from anywhere.
std::string plain(std::string_view text) {
    const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    return harmless ? std::string(text) : json_quote(text);
}

std::string number_text(const Field& field) {
    if (field.type == Type::Signed)
        return std::to_string(static_cast<std::int64_t>(field.number));
    if (field.type == Type::Flag)
        return field.number != 0 ? "true" : "false";
    return std::to_string(field.number);
}

std::string value_text(const Field& field) {
    if (field.type == Type::Text)
        return json_quote(text_of(field.bytes));
    if (field.type != Type::Bytes)
        return number_text(field);
    const auto shown = field.bytes.first(std::min(field.bytes.size(), kShownBytes));
    return "bytes[" + std::to_string(field.bytes.size()) + "] " + hex(shown) +
           (shown.size() < field.bytes.size() ? "..." : "");
}

std::string value_json(const Field& field) {
    if (field.type == Type::Text)
        return json_quote(text_of(field.bytes));
    if (field.type == Type::Bytes)
        return "{\"hex\":\"" + hex(field.bytes) + "\"}";
    return number_text(field);
}

std::string section_json(const Section& section) {
    std::string out = "{\"name\":" + json_quote(section.name()) +
                      ",\"instance\":" + json_quote(section.instance()) +
                      ",\"revision\":" + std::to_string(section.revision()) + ",\"fields\":{";
    const char* comma = "";
    for (const Field& field : section.fields()) {
        out += comma + json_quote(field.key) + ":" + value_json(field);
        comma = ",";
    }
    return out + "}}";
}

} // namespace

std::string format_uuid(const Uuid& uuid) {
    std::string text = hex(std::as_bytes(std::span(uuid)));
    for (const std::size_t at : {8, 13, 18, 23})
        text.insert(at, "-");
    return text;
}

std::string inspect_text(const Reader& reader) {
    const Header& h = reader.header();
    std::string out = "format      " + std::to_string(kFormatVersion) + "\n" + //
                      "guest       " + format_uuid(h.guest) + "\n" +           //
                      "generation  " + std::to_string(h.generation) + "\n" +   //
                      "attempt     " + std::to_string(h.attempt) + "\n" +      //
                      "machine     " + plain(h.machine) + "\n" +               //
                      "creator     " + plain(h.creator) + "\n" +               //
                      "word        " + std::to_string(h.word) + "\n";
    for (const Section& s : reader.sections()) {
        out += "\n[" + plain(s.name());
        if (!s.instance().empty())
            out += " " + plain(s.instance());
        out += "] revision " + std::to_string(s.revision()) + "\n";
        for (const Field& field : s.fields())
            out += "  " + plain(field.key) + " = " + value_text(field) + "\n";
    }
    return out;
}

std::string inspect_json(const Reader& reader) {
    const Header& h = reader.header();
    std::string out = "{\"format\":" + std::to_string(kFormatVersion) +
                      ",\"guest\":" + json_quote(format_uuid(h.guest)) +
                      ",\"generation\":" + std::to_string(h.generation) +
                      ",\"attempt\":" + std::to_string(h.attempt) +
                      ",\"machine\":" + json_quote(h.machine) +
                      ",\"creator\":" + json_quote(h.creator) +
                      ",\"word\":" + std::to_string(h.word) + ",\"sections\":[";
    const char* comma = "";
    for (const Section& s : reader.sections()) {
        out += comma + section_json(s);
        comma = ",";
    }
    return out + "]}";
}

} // namespace segue::state
