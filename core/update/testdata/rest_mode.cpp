// SPDX-License-Identifier: Apache-2.0
// rest_mode.cpp - a mode without a peer: the state on channel "main", RAM in place or, with
// `copy`, before the state. `later`: for a start after this process is gone; else for its own
// execve.
#include <algorithm>
#include <array>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr std::array<segue_channel_need, 1> channels = {{{"main", 0, 0, 1}}};

class Rest final : public Mode {
public:
    Rest(bool later, bool copy, const Host& host, Side side)
        : later_(later)
        , copy_(copy)
        , update_(host)
        , ram_(host)
        , side_(side) {}
    static Result<std::unique_ptr<Rest>> create(const Config& config, const Host& host, Side side) {
        SEGUE_ASSIGN(const bool later, config.flag("later"));
        SEGUE_ASSIGN(const bool copy, config.flag("copy"));
        return std::make_unique<Rest>(later, copy, host, side);
    }

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        const std::uint32_t how = copy_ ? SEGUE_RAM_IN_PAUSE : SEGUE_RAM_IN_PLACE;
        std::fill(ram.begin(), ram.end(), how);
        const std::uint32_t needs = later_ ? 0u : SEGUE_NEEDS_KEEPER | SEGUE_NEEDS_INVENTORY;
        return Plan{later_ ? SEGUE_SUCCESSOR_LATER : SEGUE_SUCCESSOR_SELF, SEGUE_ARBITER_WORD, how,
                    needs, channels};
    }
    Status prepare() override {
        if (side_ == Side::Incoming && !later_)
            return update_.keep_inventory();
        return {};
    }
    Status handover() override {
        if (side_ == Side::Outgoing && !later_)
            SEGUE_TRY(update_.keep_inventory());
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        if (copy_)
            SEGUE_TRY(side_ == Side::Outgoing ? put_ram(main) : main.get_all_pages());
        return main.pass_state();
    }

private:
    Status put_ram(const UpdateChannel& main) const {
        SEGUE_ASSIGN(const auto blocks, ram_.blocks());
        for (std::uint32_t i = 0; i < blocks.size(); ++i)
            SEGUE_TRY(main.put_pages({i, 0, 0, blocks[i].bytes / 4096}));
        return main.end_pages();
    }

    bool later_, copy_;
    Update update_;
    Ram ram_;
    Side side_;
};

constexpr segue_option options[] = {flag_option("later", "no execve, but a later start", "false"),
                                    flag_option("copy", "RAM goes along", "false")};
constexpr const char* needs[] = {SEGUE_UPDATE_ID, SEGUE_RAM_ID, nullptr};
constexpr Info info = {.summary = "a state at rest, for tests",
                       .options = options,
                       .needs = needs,
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_SELF | SEGUE_SUCCESSOR_LATER, SEGUE_ARBITER_WORD,
                               SEGUE_RAM_IN_PLACE | SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(Rest, info, traits);
