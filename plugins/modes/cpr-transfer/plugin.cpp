// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "cpr-transfer": RAM stays where it is, its descriptors and the state go to a
// new process on the same host.
#include <array>
#include <optional>

#include <segue/cpp/mode.hpp>

#include "plugins/modes/common/channels.hpp"

namespace {

using namespace segue;

// Both are open before the pause; in it, one message goes over "main".
constexpr std::array<segue_channel_need, 2> channels = {
    {modes::kCpr, {"main", SEGUE_TRANSPORT_STREAMING, 0, 1}}};

class CprTransfer final : public Mode {
public:
    static Result<std::unique_ptr<CprTransfer>> create(const Config&, const Host& host, Side) {
        return std::make_unique<CprTransfer>(host);
    }
    explicit CprTransfer(const Host& host)
        : update_(host) {}

    Result<Plan> plan(std::span<const segue_block> blocks,
                      std::span<std::uint32_t> ram_of_block) override {
        for (std::size_t i = 0; i < blocks.size(); ++i)
            ram_of_block[i] = SEGUE_RAM_IN_PLACE;
        return Plan{SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE,
                    SEGUE_NEEDS_INVENTORY, channels};
    }

    Status prepare() override {
        SEGUE_ASSIGN(const UpdateChannel cpr, update_.channel("cpr"));
        SEGUE_TRY(cpr.pass_inventory());
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        return {};
    }

    Status handover() override { return main_->pass_state(); }

private:
    Update update_;
    std::optional<UpdateChannel> main_;
};

constexpr Info info = {.summary = "a new process on the same host, guest RAM in place",
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE};

} // namespace

SEGUE_EXPORT_MODE(CprTransfer, info, traits);
