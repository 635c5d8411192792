// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "precopy": RAM is copied to a new process while the guest runs, what it writes
// meanwhile is copied again, and the last of it in the pause.
#include <optional>

#include <segue/abi/threads.h>
#include <segue/abi/throttle.h>
#include <segue/cpp/mode.hpp>

#include "plugins/modes/common/channels.hpp"
#include "plugins/modes/common/copying.hpp"
#include "plugins/modes/common/receiver.hpp"
#include "plugins/modes/common/sender.hpp"
#include "settings.hpp"

namespace {

using namespace segue;
using namespace precopy;
using namespace segue::modes;

constexpr std::uint32_t kRam = SEGUE_RAM_BEFORE | SEGUE_RAM_IN_PAUSE;

class Precopy final : public Mode {
public:
    static Result<std::unique_ptr<Precopy>> create(const Config& config, const Host& host,
                                                   Side side) {
        SEGUE_ASSIGN(const Settings settings, Settings::read(config));
        return std::make_unique<Precopy>(settings, host, side);
    }
    Precopy(const Settings& settings, const Host& host, Side side)
        : settings_(settings)
        , host_(host)
        , update_(host)
        , side_(side)
        , team_(host, settings.channels)
        , needs_{{kCpr,
                  {"main", SEGUE_TRANSPORT_STREAMING, 0, 1},
                  {"data", SEGUE_TRANSPORT_STREAMING, 0, settings.channels}}} {}

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        SEGUE_ASSIGN(const Agreed agreed, update_.agreed());
        one_host_ = agreed.arbiter == SEGUE_ARBITER_WORD;
        return plan_copy(one_host_, kRam, SEGUE_NEEDS_DIRTY_LOG, needs_, ram);
    }

    Status prepare() override {
        SEGUE_ASSIGN(const UpdateChannel first, update_.channel(one_host_ ? "cpr" : "main"));
        if (one_host_)
            SEGUE_TRY(first.pass_inventory());
        back_.emplace(first);
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        SEGUE_ASSIGN(data_, open_data(update_, settings_.channels));
        return {};
    }

    // No guest is paused for a copy that has not arrived: the new side says so.
    Status copy() override {
        std::array<std::byte, 1> arrived{};
        if (side_ == Side::Incoming) {
            SEGUE_TRY(receive(team_, data_));
            return back_->send(arrived);
        }
        SEGUE_ASSIGN(auto blocks, Ram(host_).blocks());
        sender_.emplace(host_, settings_.pacing, team_, data_, std::move(blocks));
        SEGUE_ASSIGN(const Ended how, sender_->rounds());
        if (how == Ended::TooSlow)
            SEGUE_TRY(too_slow());
        SEGUE_TRY(back_->recv(arrived));
        return {};
    }

    Status handover() override {
        SEGUE_TRY(side_ == Side::Incoming ? receive(team_, data_) : sender_->last_round());
        return main_->pass_state();
    }

private:
    Status too_slow() const {
        if (!settings_.switch_anyway)
            return Error(Code::Refused, sender_->too_slow())
                .way_out("raise update.blackout_budget or update.options.precopy.downtime_limit, "
                         "use more channels, or set converge to \"throttle\" or \"switch\"");
        host_.log(SEGUE_LOG_WARN, sender_->too_slow() + ": it is switched over all the same");
        return {};
    }

    const Settings settings_;
    Host host_;
    Update update_;
    Side side_;
    Team team_;
    std::array<segue_channel_need, 3> needs_;
    bool one_host_ = true;
    std::optional<UpdateChannel> main_, back_; // which is read on both sides
    std::vector<UpdateChannel> data_;
    std::optional<Sender> sender_;
};

constexpr const char* needs[] = {SEGUE_UPDATE_ID,  SEGUE_RAM_ID,      SEGUE_DIRTY_ID,
                                 SEGUE_THREADS_ID, SEGUE_THROTTLE_ID, nullptr};
constexpr Info info = {.summary = "RAM is copied to a new process while the guest runs",
                       .options = kOptions,
                       .needs = needs,
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, kBothArbiters, kRam};

} // namespace

SEGUE_EXPORT_MODE(Precopy, info, traits);
