// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "page-flip": RAM that no other process can be given becomes shared memory under
// the running guest; then its descriptors and the state go to a new process, as in cpr-transfer.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <segue/cpp/mode.hpp>

#include "converter.hpp"
#include "plugins/modes/common/channels.hpp"
#include "populate.hpp"

namespace {

using namespace segue;
using namespace page_flip;

constexpr std::array<segue_channel_need, 2> channels = {
    {modes::kCpr, {"main", SEGUE_TRANSPORT_STREAMING, 0, 1}}};

class PageFlip final : public Mode {
public:
    static Result<std::unique_ptr<PageFlip>> create(const Config& config, const Host& host,
                                                    Side side) {
        SEGUE_ASSIGN(const Settings settings, Settings::read(config));
        return std::make_unique<PageFlip>(settings, host, side);
    }
    PageFlip(const Settings& settings, const Host& host, Side side)
        : settings_(settings)
        , host_(host)
        , update_(host)
        , side_(side) {}

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        std::fill(ram.begin(), ram.end(), SEGUE_RAM_IN_PLACE);
        return Plan{SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE,
                    SEGUE_NEEDS_INVENTORY | SEGUE_NEEDS_RAM_CONVERT, channels};
    }

    Status prepare() override {
        SEGUE_ASSIGN(const UpdateChannel cpr, update_.channel("cpr"));
        SEGUE_TRY(cpr.pass_inventory());
        cpr_.emplace(cpr);
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        return {};
    }

    // The new side has mapped what was still empty. It is told which blocks are filled, by a byte a
    // block, and then how much of them is left; page tables are its part meanwhile.
    Status copy() override {
        SEGUE_ASSIGN(const std::vector<segue_block> blocks, Ram(host_).blocks());
        std::vector<std::byte> filled(blocks.size());
        std::array<std::byte, 1> seen{};
        if (side_ == Side::Incoming) {
            SEGUE_TRY(cpr_->recv(filled));
            SEGUE_TRY(populate(filled));
            return cpr_->send(seen);
        }
        for (std::size_t i = 0; i < blocks.size(); ++i)
            filled[i] = std::byte{blocks[i].fd < 0};
        SEGUE_TRY(cpr_->send(filled));
        SEGUE_TRY(convert_all(host_, settings_, [this](std::uint64_t left) {
            return cpr_->send(std::as_bytes(std::span(&left, 1)));
        }));
        SEGUE_TRY(cpr_->recv(seen));
        return {};
    }

    Status handover() override { return main_->pass_state(); }

private:
    Status populate(std::span<const std::byte> filled) const {
        SEGUE_ASSIGN(Populate pages, Populate::of(host_, filled));
        for (std::uint64_t left = 1; left != 0;) {
            SEGUE_ASSIGN(const std::uint64_t bytes,
                         cpr_->recv(std::as_writable_bytes(std::span(&left, 1))));
            if (bytes != sizeof left)
                left = 0; // no number: nothing more is said, and what is there is enough
            SEGUE_TRY(pages.but(left));
        }
        return {};
    }

    const Settings settings_;
    Host host_;
    Update update_;
    Side side_;
    std::optional<UpdateChannel> cpr_, main_;
};

constexpr const char* needs[] = {SEGUE_UPDATE_ID, SEGUE_RAM_ID, SEGUE_RAM_CONVERT_ID, nullptr};
constexpr Info info = {.summary = "private RAM becomes shared under the running guest, then a new "
                                  "process gets it",
                       .options = kOptions,
                       .needs = needs,
                       .wire_rev = 2,
                       .wire_rev_min = 2};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE};

} // namespace

SEGUE_EXPORT_MODE(PageFlip, info, traits);
