// SPDX-License-Identifier: Apache-2.0
#include "tests/support/leak.hpp"

#include <algorithm>
#include <filesystem>

#include <segue/cpp/sys.hpp>

namespace segue::test {

namespace {

namespace fs = std::filesystem;

// Of a process that ends meanwhile: what there was.
std::string text_of(const fs::path& path) {
    const auto fd = sys::open(path, O_RDONLY);
    std::string text;
    char part[4096];
    for (ssize_t n; fd && (n = ::read(fd->get(), part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(n));
    return text;
}

std::string line_of(const fs::path& path) {
    std::string text = text_of(path);
    return text.substr(0, text.find('\n'));
}

// "socket:[4711]" is a socket; "/proc/7/fd/3" and "anon_inode:[eventfd]" stay as they are.
std::string kind_of(const std::string& target) {
    const auto colon = target.find(":[");
    if (colon == std::string::npos || target.compare(0, 10, "anon_inode") == 0)
        return target;
    return target.substr(0, colon);
}

template <class Visit>
void each_entry(const fs::path& folder, Visit visit) {
    std::error_code e;
    for (fs::directory_iterator it(folder, e), end; !e && it != end; it.increment(e))
        visit(it->path());
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> all;
    each_entry("/proc", [&](const fs::path& p) {
        const std::string name = p.filename();
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
            all.push_back(std::stoi(name));
    });
    return all;
}

// Field 4 of /proc/PID/stat, after the name, which may hold anything (proc(5)).
pid_t parent_of(pid_t pid) {
    const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos)
        return -1;
    return std::stoi(stat.substr(stat.find(' ', name_end + 2)));
}

} // namespace

Holdings holdings_of(pid_t pid) {
    Holdings h;
    const fs::path proc = "/proc/" + std::to_string(pid);
    each_entry(proc / "fd", [&](const fs::path& p) {
        std::error_code gone;
        const auto target = fs::read_symlink(p, gone);
        if (!gone)
            ++h["fd " + kind_of(target)];
    });
    each_entry(proc / "task", [&](const fs::path& p) { ++h["thread " + line_of(p / "comm")]; });
    for (const pid_t child : children_of(pid))
        ++h["child " + line_of("/proc/" + std::to_string(child) + "/comm")];
    return h;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> children;
    for (const pid_t other : all_processes())
        if (parent_of(other) == pid)
            children.push_back(other);
    std::sort(children.begin(), children.end());
    return children;
}

Holdings files_below(const std::string& root, const std::vector<std::string>& folders) {
    Holdings h;
    for (const std::string& folder : folders) {
        std::error_code e;
        for (fs::recursive_directory_iterator it(fs::path(root) / folder, e), end; !e && it != end;
             it.increment(e))
            ++h["file " + it->path().lexically_relative(root).string()];
    }
    return h;
}

std::vector<pid_t> processes_with(const std::string& word) {
    std::vector<pid_t> found;
    for (const pid_t pid : all_processes())
        if (text_of("/proc/" + std::to_string(pid) + "/cmdline").find(word) != std::string::npos)
            found.push_back(pid);
    return found;
}

Holdings operator+(Holdings a, const Holdings& b) {
    for (const auto& [what, n] : b)
        a[what] += n;
    return a;
}

std::string difference(const Holdings& before, const Holdings& after) {
    Holdings all = before + after;
    std::string text;
    for (const auto& [what, sum] : all) {
        const auto at = before.find(what);
        const int had = at == before.end() ? 0 : at->second;
        if (had * 2 != sum)
            text += what + ": " + std::to_string(had) + " before, " + std::to_string(sum - had) +
                    " after\n";
    }
    return text;
}

} // namespace segue::test
