// SPDX-License-Identifier: Apache-2.0
#include "core/state/inspect.hpp"

#include <algorithm>
#include <sstream>

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

std::string name_of(const Section& s) {
    return "[" + plain(s.name()) + (s.instance().empty() ? "" : " " + plain(s.instance())) + "]";
}

const Section* find(const Reader& reader, const Section& like) {
    for (const Section& s : reader.sections())
        if (s.name() == like.name() && s.instance() == like.instance())
            return &s;
    return nullptr;
}

std::string line(char sign, const std::string& what, const std::string& value) {
    return std::string(1, sign) + " " + what + (value.empty() ? "" : " = " + value) + "\n";
}

bool same(const Field& a, const Field& b) {
    return a.type == b.type && a.number == b.number &&
           std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

std::string diff(const Section& a, const Section& b) {
    const std::string name = name_of(a) + " ";
    std::string out;
    if (a.revision() != b.revision())
        out += line('-', name + "revision", std::to_string(a.revision())) +
               line('+', name + "revision", std::to_string(b.revision()));
    for (const Field& f : a.fields()) {
        const Field* other = b.find(f.key);
        if (other != nullptr && same(f, *other))
            continue;
        out += line('-', name + plain(f.key), value_text(f));
        if (other != nullptr)
            out += line('+', name + plain(f.key), value_text(*other));
    }
    for (const Field& f : b.fields())
        if (a.find(f.key) == nullptr)
            out += line('+', name + plain(f.key), value_text(f));
    return out;
}

std::string header_text(const Header& h) {
    return "format      " + std::to_string(kFormatVersion) + "\n" + //
           "guest       " + format_uuid(h.guest) + "\n" +           //
           "generation  " + std::to_string(h.generation) + "\n" +   //
           "attempt     " + std::to_string(h.attempt) + "\n" +      //
           "machine     " + plain(h.machine) + "\n" +               //
           "creator     " + plain(h.creator) + "\n" +               //
           "word        " + std::to_string(h.word) + "\n";
}

std::string diff(const Header& a, const Header& b) {
    std::istringstream ours(header_text(a)), theirs(header_text(b));
    std::string out;
    for (std::string x, y; std::getline(ours, x) && std::getline(theirs, y);)
        if (x != y)
            out += line('-', x, "") + line('+', y, "");
    return out;
}

} // namespace

std::string inspect_diff(const Reader& a, const Reader& b) {
    std::string out = diff(a.header(), b.header());
    for (const Section& s : a.sections()) {
        const Section* other = find(b, s);
        out += other != nullptr ? diff(s, *other) : line('-', name_of(s), "");
    }
    for (const Section& s : b.sections())
        if (find(a, s) == nullptr)
            out += line('+', name_of(s), "");
    return out;
}

std::string format_uuid(const Uuid& uuid) {
    std::string text = hex(std::as_bytes(std::span(uuid)));
    for (const std::size_t at : {8, 13, 18, 23})
        text.insert(at, "-");
    return text;
}

std::string inspect_text(const Reader& reader) {
    std::string out = header_text(reader.header());
    for (const Section& s : reader.sections()) {
        out += "\n" + name_of(s) + " revision " + std::to_string(s.revision()) + "\n";
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
