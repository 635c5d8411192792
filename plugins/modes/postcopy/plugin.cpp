// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "postcopy": the guest runs on the new side before all of its RAM is there; what
// it touches comes first.
#include <optional>

#include <segue/abi/threads.h>
#include <segue/cpp/mode.hpp>

#include "destination.hpp"
#include "plugins/modes/common/channels.hpp"
#include "plugins/modes/common/copying.hpp"
#include "plugins/modes/common/receiver.hpp"
#include "plugins/modes/common/sender.hpp"
#include "settings.hpp"
#include "source.hpp"

namespace {

using namespace segue;
using namespace segue::modes;
using namespace postcopy;

constexpr std::uint32_t kRam = SEGUE_RAM_BEFORE | SEGUE_RAM_IN_PAUSE | SEGUE_RAM_AFTER;

class Postcopy final : public Mode {
public:
    static Result<std::unique_ptr<Postcopy>> create(const Config& config, const Host& host,
                                                    Side side) {
        SEGUE_ASSIGN(const Settings settings, Settings::read(config));
        return std::make_unique<Postcopy>(settings, host, side);
    }
    Postcopy(const Settings& settings, const Host& host, Side side)
        : settings_(settings)
        , host_(host)
        , update_(host)
        , side_(side)
        , team_(host, settings.channels)
        , needs_{{kCpr,
                  {"main", SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_BIDIRECTIONAL, 0, 1},
                  {"data", SEGUE_TRANSPORT_STREAMING, 0, settings.channels},
                  {"request", SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_BIDIRECTIONAL, 0, 2}}} {}

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        SEGUE_ASSIGN(const Agreed agreed, update_.agreed());
        one_host_ = agreed.arbiter == SEGUE_ARBITER_WORD;
        return plan_copy(one_host_, kRam, SEGUE_NEEDS_DIRTY_LOG | SEGUE_NEEDS_USERFAULT, needs_,
                         ram);
    }

    Status prepare() override {
        if (one_host_) {
            SEGUE_ASSIGN(const UpdateChannel cpr, update_.channel("cpr"));
            SEGUE_TRY(cpr.pass_inventory());
        }
        return open();
    }
    Status open() {
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        SEGUE_ASSIGN(auto data, open_data(update_, settings_.channels));
        SEGUE_ASSIGN(const UpdateChannel request, update_.channel("request", 0));
        SEGUE_ASSIGN(const UpdateChannel urgent, update_.channel("request", 1));
        channels_.emplace(Channels{main, request, urgent, std::move(data)});
        return {};
    }

    // No guest is paused for a copy that has not arrived: the new side says so.
    Status copy() override {
        std::array<std::byte, 1> arrived{};
        if (side_ == Side::Incoming) {
            SEGUE_TRY(receive(team_, channels_->data));
            return channels_->main.send(arrived);
        }
        SEGUE_ASSIGN(auto blocks, Ram(host_).blocks());
        sender_.emplace(host_, settings_.pacing, team_, channels_->data, std::move(blocks));
        SEGUE_ASSIGN(const Ended how, sender_->rounds());
        fits_ = how == Ended::Fits;
        if (how == Ended::TooSlow && settings_.pacing.max_rounds != 0)
            host_.log(SEGUE_LOG_INFO, sender_->too_slow() + ": it goes before its RAM");
        SEGUE_TRY(channels_->main.recv(arrived));
        return {};
    }

    // Where what is left fits into the pause, nothing is left for after it.
    Status handover() override {
        SEGUE_ASSIGN(auto blocks, Ram(host_).blocks());
        if (side_ == Side::Incoming) {
            SEGUE_TRY(receive(team_, channels_->data));
            destination_.emplace(host_, team_, *channels_, std::move(blocks));
            SEGUE_TRY(destination_->begin());
        } else {
            SEGUE_TRY(fits_ ? sender_->last_round() : sender_->end_pages());
            source_.emplace(host_, team_, *channels_, settings_.bandwidth_after, std::move(blocks));
            SEGUE_TRY(source_->begin());
        }
        return channels_->main.pass_state();
    }

    // Called again where a connection was lost, over others.
    Status fetch() override {
        Status s;
        if (std::exchange(lost_, false)) {
            s = open();
            if (s)
                s = side_ == Side::Incoming ? destination_->begin_again(*channels_)
                                            : source_->begin_again(*channels_);
        }
        if (s)
            s = side_ == Side::Incoming ? destination_->receive_rest() : source_->send_rest();
        if (s || one_host_) // there the other side is dead
            return s;
        lost_ = true;
        return Error(Code::Paused, s.error().what());
    }

private:
    const Settings settings_;
    Host host_;
    Update update_;
    Side side_;
    Team team_;
    std::array<segue_channel_need, 4> needs_;
    bool one_host_ = true, fits_ = false, lost_ = false;
    std::optional<Channels> channels_;
    std::optional<Sender> sender_;
    std::optional<Source> source_;
    std::optional<Destination> destination_;
};

constexpr const char* needs[] = {SEGUE_UPDATE_ID,  SEGUE_RAM_ID,       SEGUE_DIRTY_ID,
                                 SEGUE_THREADS_ID, SEGUE_USERFAULT_ID, nullptr};
constexpr Info info = {.summary = "the guest runs in a new process before all of its RAM is there",
                       .options = kOptions,
                       .needs = needs,
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, kBothArbiters, kRam};

} // namespace

SEGUE_EXPORT_MODE(Postcopy, info, traits);
