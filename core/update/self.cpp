// SPDX-License-Identifier: Apache-2.0
// self.cpp - the successor is this process after execve.
#include <segue/cpp/sys.hpp>

#include "core/update/at_rest.hpp"
#include "core/update/handoff.hpp"
#include "core/update/probe.hpp"
#include "core/update/successor_kinds.hpp"

namespace segue::update {

namespace {

class Self final : public Successor {
public:
    explicit Self(Attempt& attempt)
        : a_(attempt) {}

    std::vector<std::string> warnings() const override {
        return {"no way back after execve: if the new image ends before it has the guest, the "
                "guest ends with it"};
    }
    // The very command, as a child that only checks and answers.
    Status begin() override {
        SEGUE_ASSIGN(program_, a_.ctx.launcher.open(a_.request.successor));
        return probe(a_, program_);
    }
    Status ready() override {
        a_.ctx.launcher.make_ready(program_);
        return {};
    }
    Status check_state() override { return read_back(a_); }

    Status hand_over() override {
        SEGUE_ASSIGN(const UniqueFd handoff, make_handoff(a_.ctx.ownership.fd(), a_.exec_fds));
        std::vector<int> keep = a_.exec_fds.numbers();
        keep.push_back(a_.ctx.ownership.fd());
        SEGUE_TRY(a_.session.wait().check());
        const std::uint32_t g = a_.ctx.guest.generation;
        if (!a_.ctx.ownership.offer(g, a_.number))
            return Error(Code::Internal, "the guest is not ours to offer: the record says " +
                                             to_string(a_.ctx.ownership.word()));
        Error why = a_.ctx.launcher.exec(a_.request.successor, program_, handoff.get(), keep);
        // Nobody else has seen the offer, there is one process: this wins. If it does not, somebody
        // has the guest, and whoever loses never touches it again.
        return a_.ctx.ownership.take_back(g, a_.number) ? Status(std::move(why)) : Status();
    }

    bool abandon() noexcept override {
        discard(a_);
        a_.exec_fds.clear();
        return false;
    }

private:
    Attempt& a_;
    ports::Program program_;
};

} // namespace

std::unique_ptr<Successor> make_self(Attempt& attempt) {
    return std::make_unique<Self>(attempt);
}

} // namespace segue::update
