// SPDX-License-Identifier: Apache-2.0
// fake_engine.hpp - the engine's services for a mode under test: they agree to everything in the
// phases in which that is allowed, note what was asked, and fail where they are told to.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <segue/abi/dirty.h>
#include <segue/abi/mode.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/throttle.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>
#include <segue/cpp/mapping.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "sdk/testkit/fake_host.hpp"

namespace segue::testkit {

enum class Phase { Preflight, Prepare, Copy, Handover, Fetch, Over };

// One side of one update; blocks of small RAM. Does not move.
class FakeEngine {
public:
    // `survives` of each block.
    static Result<std::unique_ptr<FakeEngine>> make(const std::vector<std::uint64_t>& survives);

    void offer_to(FakeHost& host) const;
    const std::vector<segue_block>& blocks() const { return blocks_; }
    // The channels that the mode may ask for, from its plan.
    void allow(const segue_plan& plan);
    void enter(Phase phase) { phase_ = phase; }
    // The n-th call from now on fails with CANCELLED, and every later one; 0: none.
    void fail_at(unsigned n) { fail_in_ = n; }

    unsigned calls() const { return calls_; }
    bool failed() const { return failed_; }
    unsigned count(const std::string& call) const;
    // Pages of the block that put_pages() was given.
    std::uint64_t pages_put(std::uint32_t block) const;
    // "" or the first call that the mode must not make.
    const std::string& misuse() const { return misuse_; }

private:
    struct Service;
    FakeEngine();
    segue_status answer(const char* call, std::initializer_list<Phase> allowed, segue_error* e);
    void wrong(const std::string& what) {
        if (misuse_.empty())
            misuse_ = what;
    }

    segue_host_update update_;
    segue_host_ram ram_;
    segue_host_dirty dirty_;
    segue_host_ram_convert ram_convert_;
    segue_host_userfault userfault_;
    segue_host_throttle throttle_;
    std::vector<segue_block> blocks_;
    std::vector<UniqueFd> fds_;
    std::vector<Mapping> maps_;
    std::map<std::string, std::uint32_t> channels_; // by name, how many
    std::set<const void*> open_;
    std::set<std::uint32_t> taken_; // blocks, from the dirty log
    std::map<std::string, unsigned> counted_;
    std::map<std::uint32_t, std::uint64_t> put_;
    Phase phase_ = Phase::Preflight;
    unsigned calls_ = 0, fail_in_ = 0;
    bool failed_ = false;
    std::string misuse_;
};

} // namespace segue::testkit
