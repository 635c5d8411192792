// SPDX-License-Identifier: Apache-2.0
#include "core/report/history.hpp"

#include <algorithm>

#include <segue/cpp/sys.hpp>

#include "core/report/journal.hpp"

namespace segue::report {
namespace {

// The last `max` bytes of a file; nothing where there is none.
Result<std::string> tail_of(const std::string& path, std::size_t max) {
    const auto fd = sys::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd.code() == Code::NotFound)
        return std::string();
    if (!fd)
        return fd.error();
    SEGUE_ASSIGN(const auto file, sys::stat(fd->get()));
    if (!S_ISREG(file.st_mode))
        return Error(Code::Invalid, path + " is no regular file");
    const auto size = static_cast<std::size_t>(file.st_size);
    std::string text(std::min(size, max), '\0');
    SEGUE_TRY(
        sys::pread_all(fd->get(), std::as_writable_bytes(std::span(text)), size - text.size()));
    if (text.size() < size) // begins amid a line
        text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
    return text;
}

// The end may be told by a side that does not know how it began.
void fill(UpdateRecord& later, const UpdateRecord& earlier) {
    if (later.began_at == 0)
        later.began_at = earlier.began_at;
    if (later.from_version.empty())
        later.from_version = earlier.from_version;
    if (later.from_pid == 0)
        later.from_pid = earlier.from_pid;
    if (later.key.empty()) {
        later.key = earlier.key;
        later.request_digest = earlier.request_digest;
    }
}

void add(History& history, UpdateRecord record) {
    // From the end: an update's lines are next to each other, or nearly.
    const auto known =
        std::find_if(history.records.rbegin(), history.records.rend(), [&](const UpdateRecord& r) {
            return r.id == record.id && r.guest == record.guest;
        });
    if (known == history.records.rend()) {
        history.records.push_back(std::move(record));
        return;
    }
    fill(record, *known);
    *known = std::move(record);
}

void read_lines(History& history, std::string_view text, const Decode& decode) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty())
            continue;
        if (auto record = decode(line))
            add(history, std::move(*record));
        else
            ++history.damaged;
    }
}

} // namespace

Result<History> read_history(const std::string& path, const Decode& decode, std::size_t max_bytes) {
    // The newer file first: what moves from it meanwhile is then read twice, not missed.
    SEGUE_ASSIGN(const std::string newer, tail_of(path, max_bytes));
    SEGUE_ASSIGN(const std::string older, tail_of(older_journal(path), max_bytes - newer.size()));
    History history;
    read_lines(history, older, decode);
    read_lines(history, newer, decode);
    return history;
}

} // namespace segue::report
