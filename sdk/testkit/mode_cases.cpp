// SPDX-License-Identifier: Apache-2.0
// mode_cases.cpp - what can be said of a mode without a guest: its plan, and how its hooks use the
// engine, on both sides, with and without success.
#include <bit>
#include <cstring>

#include "sdk/testkit/fake_engine.hpp"
#include "sdk/testkit/subject.hpp"

namespace segue::testkit {

namespace {

constexpr std::uint64_t kInMemory = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;
constexpr std::uint64_t kInAFile = kInMemory | SEGUE_SURVIVES_RESTART;
constexpr const char* plans = "plan() says what this update will do, within what the mode declares";
constexpr const char* passes_on =
    "a call answers CANCELLED or DEADLINE, and the hook passes that on at once";

constexpr const char* phases = "each service says in which phases it may be called";

using Instanced = Instance<segue_mode>;

Result<Instanced> make(Subject& s, std::uint32_t side) {
    SEGUE_ASSIGN(void* self, s.create_with([&](const segue_config* c, void** out, segue_error* e) {
        return s.table<segue_mode>().create(c, s.host().abi(), side, out, e);
    }));
    return Instanced(s, self);
}

bool within(std::uint32_t of, std::uint32_t all) {
    return of != 0 && (of & ~all) == 0;
}

std::string fault_of(const segue_mode& t, const segue_plan& p,
                     const std::vector<std::uint32_t>& ram) {
    if (!std::has_single_bit(p.successor) || !within(p.successor, t.successors))
        return "its successor is none, or none of those that it declares";
    if (!within(p.arbiters, t.arbiters))
        return "its arbiters are not among those that it declares";
    std::uint32_t all = 0;
    for (const std::uint32_t one : ram) {
        if (!within(one, t.ram))
            return "a block's RAM crosses in no way that it declares";
        all |= one;
    }
    if (!ram.empty() && all != p.ram)
        return "its RAM set is not the union over the blocks";
    if (p.n_channels != 0 && p.channels == nullptr)
        return "it has channels, and no list of them";
    for (std::uint32_t i = 0; i < p.n_channels; ++i)
        if (p.channels[i].name == nullptr || *p.channels[i].name == 0 || p.channels[i].count == 0)
            return "a channel has no name, or is needed no time";
    return {};
}

struct Planned {
    segue_plan plan = {};
    std::vector<std::uint32_t> ram;
};

Result<Planned> plan(const Instanced& m, const FakeEngine& engine) {
    const auto& blocks = engine.blocks();
    Planned p;
    p.ram.resize(blocks.size());
    p.plan.size = sizeof p.plan;
    SEGUE_TRY(m.subject().must("plan", plans, [&](segue_error* e) {
        return m.table().plan(m.self(), blocks.data(), static_cast<std::uint32_t>(blocks.size()),
                              p.ram.data(), &p.plan, e);
    }));
    const std::string fault = fault_of(m.table(), p.plan, p.ram);
    return fault.empty() ? Result<Planned>(std::move(p)) : broke("in the plan " + fault, plans);
}

Status table_is_whole(Subject& s) {
    const auto& t = s.table<segue_mode>();
    if (t.create == nullptr || t.destroy == nullptr || t.plan == nullptr)
        return broke("create, destroy or plan is NULL", rules::tables);
    if (t.successors == 0 || t.arbiters == 0 || t.ram == 0)
        return broke("it declares no successor, no arbiter or no way for RAM", rules::caps);
    if (t.wire_rev == 0 || t.wire_rev != s.info().wire_rev ||
        t.wire_rev_min != s.info().wire_rev_min)
        return broke("its table has other wire revisions than its description",
                     "what a mode speaks: wire_rev, wire_rev_min");
    return {};
}

Status plans_what_it_declares(Subject& s) {
    for (const auto& survives : {std::vector<std::uint64_t>{}, std::vector<std::uint64_t>{kInAFile},
                                 std::vector<std::uint64_t>{kInMemory, kInAFile, kInMemory}}) {
        SEGUE_ASSIGN(const auto engine, FakeEngine::make(survives));
        engine->offer_to(s.host());
        SEGUE_ASSIGN(const Instanced m, make(s, SEGUE_SIDE_OUTGOING));
        SEGUE_ASSIGN(const Planned first, plan(m, *engine));
        SEGUE_ASSIGN(const Planned second, plan(m, *engine));
        if (first.ram != second.ram || first.plan.successor != second.plan.successor ||
            first.plan.n_channels != second.plan.n_channels)
            return broke("asked twice for one update, plan() plans two", plans);
    }
    return {};
}

struct Hook {
    const char* name;
    Phase phase;
    segue_status (*segue_mode::*function)(void*, segue_error*);
};
constexpr Hook hooks[] = {{"check", Phase::Preflight, &segue_mode::check},
                          {"prepare", Phase::Prepare, &segue_mode::prepare},
                          {"copy", Phase::Copy, &segue_mode::copy},
                          {"handover", Phase::Handover, &segue_mode::handover},
                          {"fetch", Phase::Fetch, &segue_mode::fetch}};

// The hooks in their order, until one does not answer OK, then the end.
Result<Answer> run_hooks(const Instanced& m, FakeEngine& engine, const segue_plan& p) {
    Answer last;
    for (const Hook& h : hooks) {
        if (h.phase == Phase::Fetch && (p.ram & SEGUE_RAM_AFTER) == 0)
            continue;
        engine.enter(h.phase);
        if (m.table().*h.function == nullptr)
            continue;
        SEGUE_ASSIGN(last, m.subject().call(h.name, [&](segue_error* e) {
            return (m.table().*h.function)(m.self(), e);
        }));
        if (!last.ok())
            break;
    }
    engine.enter(Phase::Over);
    if (m.table().end != nullptr)
        m.subject().call_void("end", [&] {
            m.table().end(m.self(), last.ok() ? SEGUE_OUTCOME_COMPLETED : SEGUE_OUTCOME_CANCELLED);
        });
    return last;
}

Status judge_success(const Planned& p, const FakeEngine& engine, std::uint32_t side) {
    if (engine.count("pass_state") != 1)
        return broke("the machine's state was passed " +
                         std::to_string(engine.count("pass_state")) + " times",
                     "handover passes the state, once on each side");
    const bool inventory = (p.plan.needs & SEGUE_NEEDS_INVENTORY) != 0;
    if (inventory && engine.count("pass_inventory") + engine.count("keep_inventory") == 0)
        return broke("its plan needs the inventory, and it passes it to nobody",
                     "INVENTORY: pass_inventory() or keep_inventory()");
    if (side == SEGUE_SIDE_INCOMING || engine.count("send") != 0)
        return {};
    for (std::uint32_t i = 0; i < p.ram.size(); ++i)
        if (p.ram[i] != SEGUE_RAM_IN_PLACE && engine.pages_put(i) < engine.blocks()[i].bytes / 4096)
            return broke("it plans to carry block " + std::to_string(i) + " across, and put " +
                             std::to_string(engine.pages_put(i)) + " of its " +
                             std::to_string(engine.blocks()[i].bytes / 4096) + " pages",
                         "every page of a block that does not stay in place is put");
    return {};
}

Status run_side(Subject& s, std::uint32_t side, unsigned fail_at, unsigned* calls) {
    SEGUE_ASSIGN(const auto engine, FakeEngine::make({kInMemory, kInAFile}));
    engine->offer_to(s.host());
    SEGUE_ASSIGN(const Instanced m, make(s, side));
    SEGUE_ASSIGN(const Planned p, plan(m, *engine));
    engine->allow(p.plan);
    engine->fail_at(fail_at);
    SEGUE_ASSIGN(const Answer last, run_hooks(m, *engine, p.plan));
    *calls = engine->calls();
    if (!engine->misuse().empty())
        return broke(engine->misuse(), fail_at == 0 ? phases : passes_on);
    if (fail_at == 0 && !last.ok())
        return broke("a hook answered " + last.text() + ", and nothing had failed",
                     "a hook answers OK where its services do");
    if (fail_at == 0)
        return judge_success(p, *engine, side);
    if (engine->failed() && last.ok())
        return broke("call " + std::to_string(fail_at) +
                         " to the engine failed, and every hook answered OK",
                     passes_on);
    return {};
}

Status moves(Subject& s) {
    unsigned calls = 0;
    SEGUE_TRY(run_side(s, SEGUE_SIDE_OUTGOING, 0, &calls));
    return run_side(s, SEGUE_SIDE_INCOMING, 0, &calls);
}

// Each call in turn is the one that fails.
Status passes_refusals_on(Subject& s) {
    constexpr unsigned kMost = 200;
    for (const std::uint32_t side : {SEGUE_SIDE_OUTGOING, SEGUE_SIDE_INCOMING}) {
        unsigned calls = 1;
        SEGUE_TRY(run_side(s, side, 0, &calls));
        const unsigned all = std::min(calls, kMost);
        for (unsigned n = 1; n <= all; ++n)
            SEGUE_TRY(run_side(s, side, n, &calls));
    }
    return {};
}

constexpr Case cases[] = {
    {"table-is-whole", "What it declares is whole, and is what it describes.", table_is_whole},
    {"plans-what-it-declares", "For none, one and three blocks the plan is sound, and stays so.",
     plans_what_it_declares},
    {"moves", "Both sides' hooks pass what the plan says, in the phases for it.", moves},
    {"passes-refusals-on", "Whichever call to the engine is refused, the hook ends with that.",
     passes_refusals_on},
};

} // namespace

Status mode_round(Subject& s) {
    return moves(s);
}

std::span<const Case> mode_cases() {
    return cases;
}

} // namespace segue::testkit
