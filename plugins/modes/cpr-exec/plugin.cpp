// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "cpr-exec": this process executes the new program and goes on as it. Its
// descriptors go through execve by the keeper, the state waits on "main", RAM stays where it is.
#include <algorithm>
#include <array>
#include <optional>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

// Written by the one image and read by the next, both in the pause: a file, and no command.
constexpr std::array<segue_channel_need, 1> channels = {
    {{"main", SEGUE_TRANSPORT_PERSISTENT | SEGUE_TRANSPORT_SEEKABLE, 0, 1}}};

class CprExec final : public Mode {
public:
    static Result<std::unique_ptr<CprExec>> create(const Config&, const Host& host, Side) {
        return std::make_unique<CprExec>(host);
    }
    explicit CprExec(const Host& host)
        : update_(host) {}

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        std::fill(ram.begin(), ram.end(), SEGUE_RAM_IN_PLACE);
        return Plan{SEGUE_SUCCESSOR_SELF, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE,
                    SEGUE_NEEDS_INVENTORY | SEGUE_NEEDS_KEEPER, channels};
    }

    // The old image opens the file before the pause; the new one has its descriptors by now.
    Status prepare() override {
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        return update_.keep_inventory();
    }

    Status handover() override { return main_->pass_state(); }

private:
    Update update_;
    std::optional<UpdateChannel> main_;
};

constexpr Info info = {.summary = "the same process executes the new program, guest RAM in place",
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_SELF, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PLACE};

} // namespace

SEGUE_EXPORT_MODE(CprExec, info, traits);
