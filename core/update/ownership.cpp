// SPDX-License-Identifier: Apache-2.0
#include "core/update/ownership.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>

#include <segue/cpp/sys.hpp>

namespace segue::update {

namespace {

constexpr std::uint64_t kMagic = 0x52454e574f474553; // "SEGOWNER"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBytes = 4096;
// Of Page::claims.
constexpr std::uint32_t kNoClaims = 0, kOpenClaims = 1, kClosedClaims = 2;

std::string boot_id() {
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id;
}

Result<Mapping> map(int fd) {
    return Mapping::make(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, "ownership record");
}

} // namespace

ProcessId ProcessId::self() {
    return of(::getpid());
}

ProcessId ProcessId::of(pid_t pid) {
    ProcessId id;
    id.pid = pid;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    // proc(5): the name in parentheses may hold anything; starttime is field 22.
    const auto close = line.rfind(')');
    if (close == std::string::npos)
        return id;
    std::size_t at = close;
    for (int field = 3; field <= 22 && at != std::string::npos; ++field)
        at = line.find(' ', at + 1);
    if (at != std::string::npos)
        id.start_time = std::strtoull(line.c_str() + at, nullptr, 10);
    return id;
}

Result<Ownership> Ownership::create(const std::string& path, const state::Uuid& guest, Word word) {
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    SEGUE_ASSIGN(UniqueFd fd, sys::open(fresh, O_RDWR | O_CREAT | O_EXCL, 0600));
    SEGUE_TRY(sys::truncate(fd.get(), kBytes));
    SEGUE_ASSIGN(Mapping m, map(fd.get()));
    Ownership record(std::move(fd), std::move(m));
    Page* page = new (record.map_.data()) Page{};
    page->magic = kMagic;
    page->version = kVersion;
    page->guest = guest;
    std::snprintf(page->boot_id, sizeof page->boot_id, "%s", boot_id().c_str());
    page->owner = ProcessId::self();
    page->attempts = word.attempt;
    record.swap(Word{}, word);
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const Error e = Error::from_errno(errno, "rename " + fresh + " to " + path);
        ::unlink(fresh.c_str());
        return e;
    }
    return record;
}

Result<Ownership> Ownership::adopt(UniqueFd fd) {
    SEGUE_ASSIGN(const auto st, sys::stat(fd.get()));
    if (!S_ISREG(st.st_mode) || st.st_size != static_cast<off_t>(kBytes))
        return Error(Code::Corrupt, "the ownership record is no file of 4096 bytes");
    SEGUE_ASSIGN(Mapping m, map(fd.get()));
    Ownership record(std::move(fd), std::move(m));
    const Page& page = record.page();
    if (page.magic != kMagic || page.version != kVersion)
        return Error(Code::Corrupt, "the ownership record has an unknown magic number or version");
    if (std::strncmp(page.boot_id, boot_id().c_str(), sizeof page.boot_id) != 0)
        return Error(Code::Refused, "the ownership record is of another boot of this host");
    return record;
}

bool Ownership::swap(Word from, std::optional<Word> to) {
    if (!to)
        return false;
    std::uint64_t expected = pack(from);
    return page().word.compare_exchange_strong(expected, pack(*to), std::memory_order_seq_cst);
}

Result<std::uint32_t> Ownership::next_attempt() {
    if (page().attempts >= kMaxAttempt)
        return Error(Code::Refused, "this guest has used up its 16,777,215 update attempts")
            .way_out("shut the guest down and start it again");
    clear_claims();
    return ++page().attempts;
}

bool Ownership::offer(std::uint32_t generation, std::uint32_t attempt) {
    const Word from = word();
    return swap(from, offered(from, generation, attempt));
}

bool Ownership::claim(std::uint32_t generation, std::uint32_t attempt) {
    const Word from = word();
    return swap(from, claimed(from, generation, attempt));
}

bool Ownership::take_back(std::uint32_t generation, std::uint32_t attempt) {
    const Word from = word();
    return swap(from, taken_back(from, generation, attempt));
}

bool Ownership::end(std::uint32_t generation) {
    const Word from = word();
    return swap(from, ended(from, generation));
}

void Ownership::set_owner(ProcessId who) {
    page().owner = who;
}
void Ownership::set_candidate(ProcessId who) {
    page().candidate = who;
}
bool Ownership::open_claims() {
    std::uint32_t expected = kNoClaims;
    return page().claims.compare_exchange_strong(expected, kOpenClaims);
}
bool Ownership::close_claims() {
    return page().claims.exchange(kClosedClaims) == kOpenClaims;
}
void Ownership::clear_claims() {
    page().claims.store(kNoClaims);
}
ProcessId Ownership::owner() const {
    return page().owner;
}
void Ownership::set_mark(Mark mark) {
    page().mark.store(mark.attempt << 8 | static_cast<std::uint32_t>(mark.phase));
}
Mark Ownership::mark() const {
    const std::uint32_t raw = page().mark.load();
    const std::uint32_t last = report::kPhaseNames.size() - 1; // a newer VMM may have more
    return {raw >> 8, static_cast<report::Phase>(std::min(raw & 0xff, last))};
}

} // namespace segue::update
