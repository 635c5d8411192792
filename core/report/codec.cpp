// SPDX-License-Identifier: Apache-2.0
#include "core/report/codec.hpp"

#include <limits>
#include <set>

#include "core/base/utf8.hpp"

namespace segue::report {

namespace {

using std::chrono::nanoseconds;

constexpr const char* kRecord = "update";
constexpr const char* kPhase = "update-phase";
constexpr std::uint32_t kRevision = 1;
constexpr std::string_view kDetail = "error.detail."; // before each detail's name
constexpr std::string_view kWarning = "warning.";     // before each one's number

void save_error(const Error& error, state::Writer& out) {
    out.put("error.code", static_cast<std::uint64_t>(error.code()));
    out.put_signed("error.errno", error.sys_errno());
    out.put_text("error.what", to_utf8(error.what()));
    out.put_text("error.way-out", to_utf8(error.way_out()));
    std::set<std::string> seen;
    for (const auto& [key, value] : error.details()) {
        const std::string name = std::string(kDetail) + to_utf8(key);
        if (seen.insert(name).second)
            out.put_text(name, to_utf8(value));
    }
}

void save_copy(const CopyProgress& copy, state::Writer& out) {
    out.put("copy-done", copy.done);
    out.put("copy-total", copy.total);
    out.put("copy-rounds", copy.rounds);
    out.put("copy-left", copy.left);
    out.put("copy-rate", copy.rate);
    out.put_signed("copy-expected-ns", copy.expected.count());
    out.put("copy-throttle", copy.throttle);
}

// A number of `section` that must not be above `max`.
Result<std::uint64_t> number_to(const state::Section& section, std::string_view key,
                                std::uint64_t max) {
    SEGUE_ASSIGN(const std::uint64_t value, section.number(key));
    if (value > max)
        return state::section_error(section.name(), section.instance(),
                                    Error(Code::Corrupt, "key '" + std::string(key) + "' is " +
                                                             std::to_string(value) + ", at most " +
                                                             std::to_string(max) + " is allowed"));
    return value;
}

template <class T>
Status load_number(T& to, const state::Section& section, std::string_view key) {
    constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    SEGUE_ASSIGN(const std::uint64_t value, number_to(section, key, max));
    to = static_cast<T>(value);
    return {};
}

Status load_text(std::string& to, const state::Section& section, std::string_view key) {
    SEGUE_ASSIGN(const std::string_view text, section.text(key));
    to = text;
    return {};
}

Status load_time(nanoseconds& to, const state::Section& section, std::string_view key) {
    SEGUE_ASSIGN(const std::int64_t count, section.signed_number(key));
    to = nanoseconds(count);
    return {};
}

Status load_copy(std::optional<CopyProgress>& to, const state::Section& section) {
    CopyProgress copy;
    SEGUE_TRY(load_number(copy.done, section, "copy-done"));
    SEGUE_TRY(load_number(copy.total, section, "copy-total"));
    SEGUE_TRY(load_number(copy.rounds, section, "copy-rounds"));
    SEGUE_TRY(load_number(copy.left, section, "copy-left"));
    SEGUE_TRY(load_number(copy.rate, section, "copy-rate"));
    SEGUE_TRY(load_time(copy.expected, section, "copy-expected-ns"));
    SEGUE_TRY(load_number(copy.throttle, section, "copy-throttle"));
    to = copy;
    return {};
}

// The details in the order of the section.
Status load_error(std::optional<Error>& to, const state::Section& section) {
    SEGUE_ASSIGN(const std::uint64_t code,
                 number_to(section, "error.code", static_cast<std::uint64_t>(Code::Internal)));
    SEGUE_ASSIGN(const std::string_view what, section.text("error.what"));
    SEGUE_ASSIGN(const std::string_view way_out, section.text("error.way-out"));
    SEGUE_ASSIGN(const std::int64_t number, section.signed_number("error.errno"));
    to = Error(static_cast<Code>(code), std::string(what))
             .way_out(std::string(way_out))
             .with_errno(static_cast<int>(number));
    for (const state::Field& f : section.fields())
        if (f.type == state::Type::Text && f.key.substr(0, kDetail.size()) == kDetail)
            std::move(*to).with(std::string(f.key.substr(kDetail.size())),
                                std::string(state::text_of(f.bytes)));
    return {};
}

Result<std::vector<PhaseTime>> load_phases(const state::Reader& in) {
    std::vector<PhaseTime> phases;
    for (const state::Section* section : in.take_all(kPhase)) {
        if (section->instance() != std::to_string(phases.size()))
            return state::section_error(kPhase, section->instance(),
                                        Error(Code::Corrupt, "it is out of order"));
        SEGUE_ASSIGN(const std::uint64_t phase,
                     number_to(*section, "phase", static_cast<std::uint64_t>(Phase::Rollback)));
        PhaseTime time{static_cast<Phase>(phase), {}, {}};
        SEGUE_TRY(load_time(time.began, *section, "began-ns"));
        SEGUE_TRY(load_time(time.ended, *section, "ended-ns"));
        phases.push_back(time);
    }
    return phases;
}

} // namespace

void save_record(const UpdateRecord& r, state::Writer& out) {
    out.begin(kRecord, "", kRevision);
    out.put_text("id", to_utf8(r.id));
    out.put_text("mode", to_utf8(r.mode));
    out.put("status", static_cast<std::uint64_t>(r.status));
    out.put("from-generation", r.from_generation);
    out.put("attempt", r.attempt);
    out.put_text("from-version", to_utf8(r.from_version));
    out.put_text("to-version", to_utf8(r.to_version));
    out.put("from-pid", static_cast<std::uint64_t>(r.from_pid));
    out.put("to-pid", static_cast<std::uint64_t>(r.to_pid));
    out.put_signed("began-at", r.began_at);
    out.put_signed("ended-at", r.ended_at);
    out.put("ram-bytes-copied", r.ram_bytes_copied);
    out.put("state-bytes", r.state_bytes);
    out.put("requests-in-flight", r.requests_in_flight);
    out.put_signed("blackout-ns", r.blackout.count());
    out.put_signed("unanswered-ns", r.unanswered.count());
    if (r.copy)
        save_copy(*r.copy, out);
    if (!r.key.empty()) {
        out.put_text("key", to_utf8(r.key));
        out.put_text("request-digest", to_utf8(r.request_digest));
    }
    for (std::size_t i = 0; i < r.warnings.size(); ++i)
        out.put_text(std::string(kWarning) + std::to_string(i), to_utf8(r.warnings[i]));
    if (r.error)
        save_error(*r.error, out);
    out.end();
    for (std::size_t i = 0; i < r.phases.size(); ++i) {
        out.begin(kPhase, std::to_string(i), kRevision);
        out.put("phase", static_cast<std::uint64_t>(r.phases[i].phase));
        out.put_signed("began-ns", r.phases[i].began.count());
        out.put_signed("ended-ns", r.phases[i].ended.count());
        out.end();
    }
}

Result<UpdateRecord> load_record(const state::Reader& in) {
    SEGUE_ASSIGN(const state::Section* s, in.take(kRecord));
    UpdateRecord r;
    SEGUE_TRY(load_text(r.id, *s, "id"));
    SEGUE_TRY(load_text(r.mode, *s, "mode"));
    SEGUE_ASSIGN(const std::uint64_t status,
                 number_to(*s, "status", kUpdateStatusNames.size() - 1));
    r.status = static_cast<UpdateStatus>(status);
    SEGUE_TRY(load_number(r.from_generation, *s, "from-generation"));
    SEGUE_TRY(load_number(r.attempt, *s, "attempt"));
    SEGUE_TRY(load_text(r.from_version, *s, "from-version"));
    SEGUE_TRY(load_text(r.to_version, *s, "to-version"));
    SEGUE_TRY(load_number(r.from_pid, *s, "from-pid"));
    SEGUE_TRY(load_number(r.to_pid, *s, "to-pid"));
    SEGUE_ASSIGN(r.began_at, s->signed_number("began-at"));
    SEGUE_ASSIGN(r.ended_at, s->signed_number("ended-at"));
    SEGUE_TRY(load_number(r.ram_bytes_copied, *s, "ram-bytes-copied"));
    SEGUE_TRY(load_number(r.state_bytes, *s, "state-bytes"));
    SEGUE_TRY(load_time(r.blackout, *s, "blackout-ns"));
    if (s->find("requests-in-flight") != nullptr) // not in records of older versions
        SEGUE_TRY(load_number(r.requests_in_flight, *s, "requests-in-flight"));
    if (s->find("unanswered-ns") != nullptr) // nor this
        SEGUE_TRY(load_time(r.unanswered, *s, "unanswered-ns"));
    if (s->find("copy-done") != nullptr)
        SEGUE_TRY(load_copy(r.copy, *s));
    if (s->find("key") != nullptr) {
        SEGUE_TRY(load_text(r.key, *s, "key"));
        SEGUE_TRY(load_text(r.request_digest, *s, "request-digest"));
    }
    for (const state::Field& f : s->fields())
        if (f.type == state::Type::Text && f.key.substr(0, kWarning.size()) == kWarning)
            r.warnings.emplace_back(state::text_of(f.bytes));
    if (s->find("error.code") != nullptr)
        SEGUE_TRY(load_error(r.error, *s));
    SEGUE_ASSIGN(r.phases, load_phases(in));
    return r;
}

} // namespace segue::report
