// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/host_process.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr const char* kSection = "process";
constexpr std::uint32_t kRevision = 1;
constexpr const char* kOomScore = "/proc/self/oom_score_adj";
constexpr std::int64_t kMaxOomScore = 1000; // and its negative
constexpr std::size_t kMaxCgroup = 4096;    // more is cut: it is for comparison only

Result<std::string> text_of(const char* path) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path, O_RDONLY));
    std::array<char, kMaxCgroup> text;
    const auto n = sys::retry([&] { return ::read(fd.get(), text.data(), text.size()); });
    if (n < 0)
        return Error::from_errno(errno, std::string("read ") + path);
    return std::string(text.data(), static_cast<std::size_t>(n));
}

Result<int> own_oom_score() {
    SEGUE_ASSIGN(const std::string text, text_of(kOomScore));
    int score = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), score).ec != std::errc{})
        return Error(Code::Io, std::string(kOomScore) + " is no number");
    return score;
}

// One line a hierarchy, in a message.
std::string in_one_line(std::string cgroup) {
    while (!cgroup.empty() && cgroup.back() == '\n')
        cgroup.pop_back();
    std::replace(cgroup.begin(), cgroup.end(), '\n', ' ');
    return cgroup;
}

} // namespace

Result<HostProcess> HostProcess::self() {
    HostProcess p;
    SEGUE_ASSIGN(p.oom_score, own_oom_score());
    SEGUE_ASSIGN(p.cgroup, text_of("/proc/self/cgroup"));
    return p;
}

void HostProcess::write(state::Writer& manifest) const {
    manifest.begin(kSection, "", kRevision);
    manifest.put_signed("oom-score", oom_score);
    manifest.put_text("cgroup", cgroup);
    manifest.end();
}

Result<std::optional<HostProcess>> HostProcess::read(const state::Reader& manifest) {
    const auto sections = manifest.take_all(kSection);
    if (sections.empty())
        return std::optional<HostProcess>();
    const state::Section& s = *sections.front();
    if (s.revision() != kRevision || sections.size() > 1)
        return Error(Code::Unsupported, "section process is not the one that this VMM reads");
    SEGUE_ASSIGN(const std::int64_t score, s.signed_number("oom-score"));
    SEGUE_ASSIGN(const std::string_view cgroup, s.text("cgroup"));
    if (score < -kMaxOomScore || score > kMaxOomScore || cgroup.size() > kMaxCgroup)
        return state::section_error(kSection, "", Error(Code::Corrupt, "no process is like that"));
    return std::optional(HostProcess{static_cast<int>(score), std::string(cgroup)});
}

Status HostProcess::take_oom_score() const {
    SEGUE_ASSIGN(const int own, own_oom_score());
    if (own == oom_score)
        return {};
    const std::string text = std::to_string(oom_score);
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(kOomScore, O_WRONLY));
    if (Status s = sys::write_all(fd.get(), std::as_bytes(std::span(text))); !s)
        return std::move(s)
            .error()
            .while_doing("take over the OOM score " + text)
            .way_out("start this VMM with that oom_score_adj, or with CAP_SYS_RESOURCE");
    return {};
}

std::string HostProcess::other_cgroup() const {
    const auto own = text_of("/proc/self/cgroup");
    if (own && *own == cgroup)
        return "";
    return "the guest comes under the limits of another cgroup: it was in " + in_one_line(cgroup) +
           ", this VMM is in " +
           (own ? in_one_line(*own) : "one that cannot be read: " + own.error().what());
}

} // namespace segue::vmm
