// SPDX-License-Identifier: Apache-2.0
#include "tests/support/guest_page.hpp"

#include <thread>

#include <segue/cpp/sys.hpp>

namespace segue::test {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(1);
constexpr std::uint64_t kHugePage = 2u << 20; // RAM in such pages can be mapped in whole ones only

} // namespace

Result<GuestPage> GuestPage::map(const control::RamInfo& ram) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(ram.path, O_RDONLY));
    const std::uint64_t at = ram.offset + SEGUE_PAGE_GPA, lead = at % kHugePage;
    const std::uint64_t bytes = (lead + SEGUE_PAGE_BYTES + kHugePage - 1) / kHugePage * kHugePage;
    SEGUE_ASSIGN(Mapping map, Mapping::make(bytes, PROT_READ, MAP_SHARED, fd.get(),
                                            static_cast<off_t>(at - lead), "the guest's page"));
    return GuestPage(std::move(map), lead);
}

Result<GuestPage> GuestPage::open(const control::RamInfo& ram, Deadline deadline) {
    SEGUE_ASSIGN(GuestPage page, GuestPage::map(ram));
    SEGUE_TRY(page.boots_again(1, deadline));
    return page;
}

template <class Done>
Status GuestPage::until(Done done, Deadline deadline, const char* what) const {
    while (!done()) {
        if (deadline.passed())
            return Error(Code::Deadline, what);
        std::this_thread::sleep_for(kPoll);
    }
    return {};
}

Status GuestPage::boots_again(std::uint64_t times, Deadline deadline) const {
    const auto up = [&] {
        return page().header.magic == SEGUE_PAGE_MAGIC && page().header.boot_count == times;
    };
    SEGUE_TRY(until(up, deadline, "the guest did not come up"));
    return until_up(1, 1, deadline); // its share is filled: what follows is verified
}

Status GuestPage::finds_one_error(Deadline deadline) const {
    const auto found = [&] { return page().slot[0].mem_errors != 0; };
    SEGUE_TRY(until(found, deadline, "the guest did not do what its console was told"));
    SEGUE_TRY(until_up(1, 2, deadline));
    if (page().slot[0].mem_errors == 1)
        return {};
    return Error(Code::Corrupt, "the guest found more than the one byte: " + errors());
}

std::vector<std::uint64_t> GuestPage::counters() const {
    std::vector<std::uint64_t> all;
    for (std::uint32_t i = 0; i < page().header.vcpus; ++i)
        all.push_back(std::uint64_t{page().slot[i].counter});
    return all;
}

std::string GuestPage::errors() const {
    std::string text;
    const auto tell = [&](std::uint32_t vcpu, const char* what, std::uint64_t n) {
        if (n != 0)
            text += "vcpu" + std::to_string(vcpu) + " " + what + "=" + std::to_string(n) + "\n";
    };
    for (std::uint32_t i = 0; i < page().header.vcpus; ++i) {
        const volatile segue_page_slot& s = page().slot[i];
        tell(i, "mem_errors", s.mem_errors);
        tell(i, "reg_errors", s.reg_errors);
        tell(i, "tsc_backward", s.tsc_backward);
        tell(i, "fault_rip", (s.state & SEGUE_STATE_FAULT) != 0 ? s.fault_rip : 0);
    }
    return text;
}

Status GuestPage::verify(Deadline deadline) const {
    SEGUE_TRY(until_up(1, 2, deadline));
    const std::string wrong = errors();
    return wrong.empty() ? Status{} : Status(Error(Code::Corrupt, "the guest found: " + wrong));
}

Status GuestPage::counts(Deadline deadline) const {
    return until_up(1, 0, deadline);
}

Status GuestPage::until_up(std::uint64_t steps, std::uint64_t sweeps, Deadline deadline) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> from;
    for (std::uint32_t i = 0; i < page().header.vcpus; ++i)
        from.emplace_back(page().slot[i].counter, page().slot[i].passes);
    for (std::uint32_t i = 0; i < from.size(); ++i) {
        const volatile segue_page_slot& s = page().slot[i];
        while (s.counter < from[i].first + steps || s.passes < from[i].second + sweeps) {
            if (deadline.passed())
                return Error(Code::Deadline, "vcpu" + std::to_string(i) + " stands still at " +
                                                 std::to_string(s.counter) + " steps, " +
                                                 std::to_string(s.passes) + " sweeps");
            std::this_thread::sleep_for(kPoll);
        }
    }
    return {};
}

} // namespace segue::test
