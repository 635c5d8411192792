// SPDX-License-Identifier: Apache-2.0
#include <segue/testkit/check.hpp>

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "sdk/testkit/subject.hpp"

namespace segue::testkit {

namespace {

// A folder that goes away with its files.
class Scratch {
public:
    Scratch() {
        std::string name = std::filesystem::temp_directory_path() / "segue-check-XXXXXX";
        if (::mkdtemp(name.data()) != nullptr)
            path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

Outcome outcome_of(const Status& s) {
    if (s)
        return {Verdict::Passed, "", ""};
    const Error& e = s.error();
    if (!e.detail("applies").empty())
        return {Verdict::DoesNotApply, e.what(), ""};
    const std::string out = e.way_out().empty() ? "" : " (" + e.way_out() + ")";
    return {Verdict::Failed, e.what() + out, e.detail("rule")};
}

Status run_opened(const Case& c, Subject& s) {
    SEGUE_TRY(s.open());
    const Status found = c.run(s);
    s.host().join();
    s.close();
    return found ? s.verdict() : found;
}

Outcome run_case(const Case& c, const Request& r, Trace& trace) {
    const Scratch scratch;
    return in_child(trace, r.deadline, [&] {
        Subject s(r, scratch.path(), trace);
        if (const Status loaded = s.load(); !loaded)
            return outcome_of(loaded);
        return outcome_of(c.loaded_only ? c.run(s) : run_opened(c, s));
    });
}

// "kind id version" of the binary itself, or how loading it failed.
Outcome describe(const Request& r, Trace& trace) {
    return in_child(trace, r.deadline, [&]() -> Outcome {
        Subject s(r, "/", trace);
        if (const Status loaded = s.load(); !loaded)
            return outcome_of(loaded);
        const char* version = s.info().version;
        return {Verdict::Passed,
                std::string(s.kind().word) + "/" + s.info().id + " " +
                    (version != nullptr ? version : ""),
                s.kind().table_id};
    });
}

Row row_of(const Case& c, Outcome o) {
    return {c.name, c.proves, o.verdict, std::move(o.what), std::move(o.rule)};
}

} // namespace

Report check(const Request& request) {
    Report report;
    auto trace = Trace::make();
    if (!trace)
        return report;
    Request r = request;
    std::error_code e;
    r.file = std::filesystem::absolute(request.file, e).string();
    const Outcome what = describe(r, *trace);
    const Case& loads = common_cases().front();
    report.plugin = what.verdict == Verdict::Passed ? what.what : request.file;
    if (what.verdict != Verdict::Passed) {
        report.rows.push_back(row_of(loads, what));
        return report;
    }
    std::vector<Case> cases(common_cases().begin(), common_cases().end());
    const auto own = kind_of(what.rule)->cases();
    cases.insert(cases.end(), own.begin(), own.end());
    for (const Case& c : cases)
        if (r.only.empty() || r.only == c.name)
            report.rows.push_back(row_of(c, run_case(c, r, *trace)));
    return report;
}

bool Report::passed() const {
    const auto is = [](Verdict v) { return [v](const Row& r) { return r.verdict == v; }; };
    return std::any_of(rows.begin(), rows.end(), is(Verdict::Passed)) &&
           std::none_of(rows.begin(), rows.end(), is(Verdict::Failed));
}

std::vector<KnownCase> known_cases() {
    std::vector<KnownCase> all;
    for (const Case& c : common_cases())
        all.push_back({"every kind", c.name, c.proves});
    for (const Kind& k : kinds())
        for (const Case& c : k.cases())
            all.push_back({k.word, c.name, c.proves});
    return all;
}

} // namespace segue::testkit
