// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "cpr-reboot": the guest's VMM ends, and another start goes on from the state on
// "main". RAM stays where it persists, or goes into the state.
#include <array>
#include <string>
#include <vector>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr std::uint64_t kPage = 4096; // of segue_pages
constexpr std::array<segue_channel_need, 1> channels = {
    {{"main", SEGUE_TRANSPORT_PERSISTENT, 0, 1}}};

class CprReboot final : public Mode {
public:
    static Result<std::unique_ptr<CprReboot>> create(const Config& config, const Host& host,
                                                     Side side) {
        SEGUE_ASSIGN(std::string ram, config.text("ram"));
        if (ram != "auto" && ram != "in-place" && ram != "copy")
            return Error(Code::Invalid, "ram = \"" + ram + "\" is not known")
                .way_out("set update.options.cpr-reboot.ram to auto, in-place or copy");
        return std::make_unique<CprReboot>(std::move(ram), host, side);
    }
    CprReboot(std::string ram, const Host& host, Side side)
        : ram_(std::move(ram))
        , update_(host)
        , side_(side) {}

    Result<Plan> plan(std::span<const segue_block> blocks, std::span<std::uint32_t> ram) override {
        std::uint32_t all = 0;
        copied_.clear();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const bool persists = (blocks[i].survives & SEGUE_SURVIVES_RESTART) != 0;
            if (ram_ == "in-place" && !persists)
                return Error(Code::Refused, std::string("RAM block '") + blocks[i].name +
                                                "' does not outlive its process, so it cannot "
                                                "stay in place")
                    .way_out("set update.options.cpr-reboot.ram to \"auto\" or \"copy\", or start "
                             "the guest with memory that persists: file");
            ram[i] = persists && ram_ != "copy" ? SEGUE_RAM_IN_PLACE : SEGUE_RAM_IN_PAUSE;
            all |= ram[i];
            if (ram[i] == SEGUE_RAM_IN_PAUSE)
                copied_.push_back({static_cast<std::uint32_t>(i), 0, 0, blocks[i].bytes / kPage});
        }
        return Plan{SEGUE_SUCCESSOR_LATER, SEGUE_ARBITER_WORD, all, 0, channels};
    }

    // Written before the one process ends, read once the other has started.
    Status handover() override {
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        SEGUE_TRY(side_ == Side::Outgoing ? send_ram(main) : main.get_all_pages());
        return main.pass_state();
    }

private:
    Status send_ram(const UpdateChannel& main) const {
        for (const segue_pages& whole : copied_)
            SEGUE_TRY(main.put_pages(whole));
        return main.end_pages();
    }

    std::string ram_;
    Update update_;
    Side side_;
    std::vector<segue_pages> copied_; // each block as a whole
};

constexpr segue_option options[] = {string_option(
    "ram", "auto: in place where it persists; in-place; copy: into the state", "auto")};
constexpr Info info = {.summary = "the VMM ends, and a later start goes on from its state",
                       .options = options,
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_LATER, SEGUE_ARBITER_WORD,
                               SEGUE_RAM_IN_PLACE | SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(CprReboot, info, traits);
