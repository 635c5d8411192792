// SPDX-License-Identifier: Apache-2.0
// report.cpp - a report as people and machines read it.
#include <array>
#include <cstdio>

#include <segue/testkit/check.hpp>

namespace segue::testkit {

namespace {

constexpr const char* words[] = {"ok", "FAILED", "--"};
constexpr const char* json_words[] = {"passed", "failed", "does-not-apply"};

// A plugin's text must not drive the terminal.
std::string printable(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = ' ';
    return text;
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : printable(text))
        out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return out + "\"";
}

std::string line(const Row& r) {
    std::array<char, 64> head{};
    std::snprintf(head.data(), head.size(), "  %-7s %-30s ", words[static_cast<int>(r.verdict)],
                  r.name.c_str());
    std::string text =
        head.data() + (r.verdict == Verdict::DoesNotApply ? r.what : r.proves) + "\n";
    if (r.verdict != Verdict::Failed)
        return text;
    text += "          " + printable(r.what) + "\n";
    return r.rule.empty() ? text : text + "          the ABI: " + r.rule + "\n";
}

} // namespace

std::string Report::table() const {
    std::string text = printable(plugin) + "\n";
    std::array<std::size_t, 3> n{};
    for (const Row& r : rows) {
        text += line(r);
        ++n[static_cast<std::size_t>(r.verdict)];
    }
    return text + std::to_string(n[0]) + " passed, " + std::to_string(n[1]) + " failed, " +
           std::to_string(n[2]) + " do not apply\n";
}

std::string Report::json() const {
    std::string text = "{\"plugin\": " + quoted(plugin) +
                       ", \"passed\": " + (passed() ? "true" : "false") + ", \"cases\": [";
    for (const Row& r : rows)
        text += std::string(&r == rows.data() ? "" : ", ") + "{\"name\": " + quoted(r.name) +
                ", \"verdict\": \"" + json_words[static_cast<int>(r.verdict)] +
                "\", \"what\": " + quoted(r.what) + ", \"rule\": " + quoted(r.rule) + "}";
    return text + "]}\n";
}

} // namespace segue::testkit
