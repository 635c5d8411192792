// SPDX-License-Identifier: Apache-2.0
#include "sdk/tools/manifest_text.hpp"

#include <cstdio>

namespace segue {

namespace {

std::string quoted(const char* text) {
    std::string out = "\"";
    for (const char* p = text != nullptr ? text : ""; *p != 0; ++p) {
        const auto c = static_cast<unsigned char>(*p);
        char code[8];
        std::snprintf(code, sizeof code, "\\u%04X", c);
        if (c < 0x20 || c == 0x7f)
            out += code;
        else if (c == '"' || c == '\\')
            out += std::string("\\") + *p;
        else
            out += *p;
    }
    return out + "\"";
}

std::string line(const char* key, const std::string& value) {
    return std::string(key) + " = " + value + "\n";
}

std::string list(const char* const* names) {
    std::string out = "[";
    for (const char* const* n = names; n != nullptr && *n != nullptr; ++n)
        out += (n == names ? "" : ", ") + quoted(*n);
    return out + "]";
}

const char* type_name(std::uint32_t type) {
    constexpr const char* names[] = {nullptr, "string", "uint", "bool", "size", "duration", "path"};
    return type < sizeof names / sizeof *names ? names[type] : nullptr;
}

bool add_option(std::string& out, const segue_option& o) {
    const char* type = type_name(o.type);
    if (type == nullptr || o.key == nullptr || o.doc == nullptr)
        return false;
    out += "\n[[option]]\n" + line("key", quoted(o.key)) + line("type", quoted(type)) +
           line("doc", quoted(o.doc)) + line("required", o.required != 0 ? "true" : "false");
    if (o.default_value != nullptr)
        out += line("default", quoted(o.default_value));
    if (o.min != 0)
        out += line("min", std::to_string(o.min));
    if (o.max != 0)
        out += line("max", std::to_string(o.max));
    return true;
}

} // namespace

std::string manifest_text(const segue_info& i, const std::vector<std::string>& aliases) {
    if (i.kind == nullptr || i.id == nullptr || i.version == nullptr || i.licence == nullptr ||
        i.summary == nullptr)
        return {};
    std::string out = "# Written by segue-manifest from the plugin itself.\n";
    out += line("kind", quoted(i.kind)) + line("id", quoted(i.id)) +
           line("version", quoted(i.version)) + line("licence", quoted(i.licence)) +
           line("summary", quoted(i.summary)) + line("needs", list(i.needs)) +
           line("caps", list(i.caps));
    if (!aliases.empty()) {
        std::vector<const char*> names;
        names.reserve(aliases.size() + 1);
        for (const std::string& alias : aliases)
            names.push_back(alias.c_str());
        names.push_back(nullptr);
        out += line("aliases", list(names.data()));
    }
    out += line("wire_rev", std::to_string(i.wire_rev)) +
           line("wire_rev_min", std::to_string(i.wire_rev_min)) +
           line("state_rev", std::to_string(i.state_rev)) +
           line("state_rev_min", std::to_string(i.state_rev_min));
    for (std::uint32_t n = 0; n < i.n_options; ++n)
        if (!add_option(out, i.options[n]))
            return {};
    return out;
}

} // namespace segue
