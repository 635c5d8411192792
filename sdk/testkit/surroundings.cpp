// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/surroundings.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace segue::testkit {

namespace {

namespace fs = std::filesystem;

// "socket:[4711]" is a socket: its number says nothing.
std::string kind_of(const std::string& target) {
    const auto colon = target.find(":[");
    return target.rfind("anon_inode", 0) == 0 ? target : target.substr(0, colon);
}

void count(Surroundings& s, const std::string& what) {
    std::string& n = s[what];
    n = std::to_string((n.empty() ? 0 : std::stoi(n)) + 1);
}

std::string text_of(const struct sigaction& a) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", reinterpret_cast<void*>(a.sa_handler));
    return a.sa_handler == SIG_DFL   ? "default"
           : a.sa_handler == SIG_IGN ? "ignored"
                                     : "handled at " + std::string(text);
}

} // namespace

Surroundings holdings() {
    Surroundings s;
    std::error_code gone; // what the iterator itself has open is gone by then, or counted each time
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", gone)) {
        const auto target = fs::read_symlink(entry.path(), gone);
        if (!gone)
            count(s, "descriptor of " + kind_of(target));
    }
    for (const auto& task : fs::directory_iterator("/proc/self/task", gone)) {
        count(s, "threads");
        std::ifstream children(task.path() / "children"); // proc(5)
        for (int pid = 0; children >> pid;)
            count(s, "child processes");
    }
    return s;
}

Surroundings settings() {
    Surroundings s;
    for (int n = 1; n < SIGRTMAX; ++n) {
        struct sigaction a = {};
        if (::sigaction(n, nullptr, &a) == 0)
            s["signal " + std::to_string(n)] = text_of(a);
    }
    const mode_t mask = ::umask(0);
    ::umask(mask);
    s["umask"] = std::to_string(mask);
    std::error_code e;
    s["working folder"] = fs::current_path(e).string();
    const char* locale = std::setlocale(LC_ALL, nullptr);
    s["locale"] = locale != nullptr ? locale : "";
    return s;
}

Surroundings files_in(const std::string& dir) {
    Surroundings s;
    std::error_code e;
    for (const auto& entry : fs::recursive_directory_iterator(dir, e))
        s["file " + entry.path().lexically_relative(dir).string()] = "there";
    return s;
}

std::string difference(const Surroundings& before, const Surroundings& after) {
    Surroundings all = before;
    all.insert(after.begin(), after.end());
    std::string text;
    for (const auto& [what, value] : all) {
        const auto a = before.find(what), b = after.find(what);
        const std::string had = a != before.end() ? a->second : "none";
        const std::string has = b != after.end() ? b->second : "none";
        if (had != has)
            text.append(text.empty() ? "" : "; ")
                .append(what + ": ")
                .append(had + " before, ")
                .append(has + " afterwards");
    }
    return text;
}

} // namespace segue::testkit
