// SPDX-License-Identifier: Apache-2.0
// mode.cpp - a mode that breaks one rule, which its option names; without one it keeps them all.
#include <array>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr std::array<segue_channel_need, 1> channels = {{{"main", 0, 0, 1}}};

class BadMode final : public Mode {
public:
    BadMode(std::string way, const Host& host, Side side)
        : way_(std::move(way))
        , update_(host)
        , ram_(host)
        , side_(side) {}

    static Result<std::unique_ptr<BadMode>> create(const Config& config, const Host& host,
                                                   Side side) {
        SEGUE_ASSIGN(std::string way, config.text("way"));
        return std::make_unique<BadMode>(std::move(way), host, side);
    }
    Result<Plan> plan(std::span<const segue_block> blocks, std::span<std::uint32_t> ram) override {
        for (std::size_t i = 0; i < blocks.size(); ++i)
            ram[i] = SEGUE_RAM_IN_PAUSE;
        return Plan{way_ == "plan" ? SEGUE_SUCCESSOR_SELF : SEGUE_SUCCESSOR_PEER,
                    SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PAUSE, 0, channels};
    }
    Status prepare() override {
        if (way_ == "early") {
            SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
            return main.pass_state();
        }
        return {};
    }
    Status handover() override {
        if (way_ == "idle")
            return {};
        SEGUE_ASSIGN(const UpdateChannel main,
                     update_.channel(way_ == "channel" ? "other" : "main"));
        SEGUE_TRY(side_ == Side::Incoming || way_ == "no-ram" ? Status() : send(main));
        const Status passed = main.pass_state();
        return way_ == "deaf" ? Status() : passed;
    }

private:
    Status send(const UpdateChannel& main) {
        SEGUE_ASSIGN(const auto blocks, ram_.blocks());
        for (std::uint32_t i = 0; i < blocks.size(); ++i)
            SEGUE_TRY(main.put_pages({i, 0, 0, blocks[i].bytes / 4096}));
        return main.end_pages();
    }

    std::string way_;
    Update update_;
    Ram ram_;
    Side side_;
};

constexpr segue_option options[] = {string_option("way", "which rule to break", "none")};
constexpr Info info = {
    .summary = "breaks the contract", .options = options, .wire_rev = 1, .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(BadMode, info, traits);
