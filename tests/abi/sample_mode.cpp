// SPDX-License-Identifier: Apache-2.0
// sample_mode.cpp - a mode over the facade: one hook a service call, so that a test sees each
// arrive. "bad-plan" breaks a promise: "successor" plans what it never declared, "ram" a block that
// stays in place and crosses as well.
#include <array>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr segue_channel_need channels[] = {{"main", SEGUE_TRANSPORT_STREAMING, 0, 1},
                                           {"data", 0, SEGUE_CHANNEL_OPTIONAL, 4}};

class SampleMode final : public Mode {
public:
    SampleMode(const Host& host, Side side, std::string bad)
        : update_(host)
        , ram_(host)
        , side_(side)
        , bad_(std::move(bad)) {}

    static Result<std::unique_ptr<SampleMode>> create(const Config& config, const Host& host,
                                                      Side side) {
        SEGUE_ASSIGN(std::string bad, config.text("bad-plan"));
        return std::make_unique<SampleMode>(host, side, std::move(bad));
    }

    Result<Plan> plan(std::span<const segue_block> blocks, std::span<std::uint32_t> ram) override {
        for (std::size_t i = 0; i < blocks.size(); ++i)
            ram[i] = i == 0 ? SEGUE_RAM_IN_PLACE : SEGUE_RAM_IN_PAUSE;
        if (bad_ == "ram")
            ram[0] |= SEGUE_RAM_IN_PAUSE;
        return Plan{bad_ == "successor" ? SEGUE_SUCCESSOR_LATER : SEGUE_SUCCESSOR_PEER,
                    SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE | SEGUE_RAM_IN_PAUSE,
                    SEGUE_NEEDS_INVENTORY, channels};
    }
    Status prepare() override {
        SEGUE_ASSIGN(const Agreed agreed, update_.agreed());
        SEGUE_ASSIGN(const auto blocks, ram_.blocks());
        if (agreed.wire_rev != 2 || blocks.size() != 2 || side_ != Side::Outgoing)
            return Error(Code::Corrupt, "the services' answers did not arrive");
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        return main.pass_inventory();
    }
    Status copy() override {
        SEGUE_ASSIGN(const UpdateChannel data, update_.channel("data", 3));
        SEGUE_TRY(data.put_pages({1, 0, 5, 7}));
        SEGUE_TRY(data.end_pages());
        return update_.checkpoint().code() == Code::Cancelled
                   ? Error(Code::Cancelled, "asked to stop")
                   : Error(Code::Internal, "the checkpoint's answer was lost");
    }
    Status handover() override {
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        std::array<std::byte, 4> bytes{};
        SEGUE_TRY(main.send(bytes));
        return main.pass_state();
    }

private:
    Update update_;
    Ram ram_;
    Side side_;
    std::string bad_;
};

constexpr segue_option options[] = {string_option("bad-plan", "the promise to break", "")};
constexpr const char* needs[] = {SEGUE_UPDATE_ID, SEGUE_RAM_ID, nullptr};
constexpr Info info = {.summary = "calls its services",
                       .options = options,
                       .needs = needs,
                       .wire_rev = 2,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD | SEGUE_ARBITER_HANDSHAKE,
                               SEGUE_RAM_IN_PLACE | SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(SampleMode, info, traits);
