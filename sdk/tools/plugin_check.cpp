// SPDX-License-Identifier: Apache-2.0
// plugin_check.cpp - segue-plugin-check: the command line of the testkit.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include <segue/testkit/check.hpp>

namespace {

using segue::testkit::Request;

constexpr const char* kUsage =
    "usage: segue-plugin-check FILE.so [--options KEY=VALUE...] [--only CASE] [--bytes N]\n"
    "                          [--deadline SECONDS] [--json]\n"
    "       segue-plugin-check --list\n"
    "\n"
    "Runs every case of the plugin's kind, each in a process of its own, and says what the plugin\n"
    "did wrong and what the ABI says. The plugin's code runs as this user.\n"
    "\n"
    "  --options   keys of the plugin's own schema, as in a configuration; {dir} stands for an\n"
    "              empty folder, {port} for a TCP port that nobody uses, {socket:1} and\n"
    "              {socket:2} for the descriptors of a connected pair\n"
    "  --only      one case\n"
    "  --bytes     of a RAM block, 4194304; a back-end with pages of 1G needs more\n"
    "  --deadline  of a case, 20\n"
    "  --json      the report as one JSON object\n"
    "  --list      every case, and what it proves\n"
    "\n"
    "Exit codes: 0 every case that applies passed; 1 one did not; 2 usage.\n";

int usage(const std::string& why) {
    std::fprintf(stderr, "segue-plugin-check: %s\n%s", why.c_str(), kUsage);
    return 2;
}

int list() {
    for (const auto& c : segue::testkit::known_cases())
        std::printf("%-11s %-30s %s\n", c.kind.c_str(), c.name.c_str(), c.proves.c_str());
    return 0;
}

bool read_number(const char* text, std::uint64_t& out) {
    const char* end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, out);
    return error == std::errc() && rest == end && out != 0;
}

struct Line {
    Request request;
    bool json = false, list = false, help = false;
    std::string wrong; // what is wrong with it, or ""

    Line(int argc, char** argv) {
        for (int i = 1; i < argc && wrong.empty(); ++i)
            i = take(argc, argv, i);
        if (wrong.empty() && !list && !help && request.file.empty())
            wrong = "no file is named";
    }

private:
    // Gives the last word that it took.
    int take(int argc, char** argv, int i) {
        const std::string word = argv[i];
        const bool has_value = i + 1 < argc;
        std::uint64_t n = 0;
        if (word == "--json" || word == "--list" || word == "--help") {
            (word == "--json" ? json : word == "--list" ? list : help) = true;
        } else if (word == "--options") {
            while (i + 1 < argc && std::strncmp(argv[i + 1], "--", 2) != 0 && add(argv[i + 1]))
                ++i;
        } else if (word == "--only" && has_value) {
            request.only = argv[++i];
        } else if (word == "--bytes" && has_value && read_number(argv[i + 1], n)) {
            request.bytes = n;
            ++i;
        } else if (word == "--deadline" && has_value && read_number(argv[i + 1], n)) {
            request.deadline = std::chrono::seconds(n);
            ++i;
        } else if (word[0] != '-' && request.file.empty()) {
            request.file = word;
        } else {
            wrong = "'" + word + "' cannot be understood, or has no proper value";
        }
        return i;
    }
    // The file may follow the options.
    bool add(const std::string& word) {
        const auto at = word.find('=');
        if (at == std::string::npos || at == 0)
            return false;
        request.options[word.substr(0, at)] = word.substr(at + 1);
        return true;
    }
};

bool is_known(const std::string& name) {
    for (const auto& c : segue::testkit::known_cases())
        if (c.name == name)
            return true;
    return false;
}

} // namespace

int main(int argc, char** argv) {
    const Line line(argc, argv);
    if (line.help)
        return std::fputs(kUsage, stdout) < 0;
    if (!line.wrong.empty())
        return usage(line.wrong);
    if (line.list)
        return list();
    if (!line.request.only.empty() && !is_known(line.request.only))
        return usage("there is no case '" + line.request.only + "'; --list names them");
    if (::access(line.request.file.c_str(), R_OK) != 0)
        return usage(line.request.file + ": " + std::strerror(errno));
    const auto report = segue::testkit::check(line.request);
    std::fputs((line.json ? report.json() : report.table()).c_str(), stdout);
    return report.passed() ? 0 : 1;
}
