// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - mode "stop-and-copy": the simplest one that moves RAM. The guest stands still while
// all its pages go over "main" into blocks that the new process made for itself; then the state.
#include <array>
#include <cstring>
#include <optional>

#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kRun = 256; // pages that are looked at between two checkpoints

constexpr std::array<segue_channel_need, 2> channels = {
    {{"cpr", SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS | SEGUE_TRANSPORT_BIDIRECTIONAL, 0, 1},
     {"main", SEGUE_TRANSPORT_STREAMING, 0, 1}}};

bool is_zero(const std::byte* page) {
    return page[0] == std::byte{0} && std::memcmp(page, page + 1, kPage - 1) == 0;
}

class StopAndCopy final : public Mode {
public:
    static Result<std::unique_ptr<StopAndCopy>> create(const Config&, const Host& host, Side side) {
        return std::make_unique<StopAndCopy>(host, side);
    }
    StopAndCopy(const Host& host, Side side)
        : update_(host)
        , ram_(host)
        , side_(side) {}

    Result<Plan> plan(std::span<const segue_block> blocks,
                      std::span<std::uint32_t> ram_of_block) override {
        for (std::size_t i = 0; i < blocks.size(); ++i)
            ram_of_block[i] = SEGUE_RAM_IN_PAUSE;
        return Plan{SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PAUSE,
                    SEGUE_NEEDS_INVENTORY, channels};
    }

    // The sockets and terminals of the guest; no RAM is among them.
    Status prepare() override {
        SEGUE_ASSIGN(const UpdateChannel cpr, update_.channel("cpr"));
        SEGUE_TRY(cpr.pass_inventory());
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        return {};
    }

    Status handover() override {
        SEGUE_TRY(side_ == Side::Outgoing ? send_all() : receive_all());
        return main_->pass_state();
    }

private:
    Status send_all() {
        SEGUE_ASSIGN(const auto blocks, ram_.blocks());
        for (std::uint32_t i = 0; i < blocks.size(); ++i)
            SEGUE_TRY(send_block(i, blocks[i].bytes / kPage));
        return main_->end_pages();
    }

    Status send_block(std::uint32_t block, std::uint64_t pages) {
        SEGUE_ASSIGN(const void* base, ram_.map(block));
        const auto* bytes = static_cast<const std::byte*>(base);
        for (std::uint64_t first = 0; first < pages;) {
            const bool zero = is_zero(bytes + first * kPage);
            std::uint64_t n = 1;
            while (first + n < pages && n < kRun && is_zero(bytes + (first + n) * kPage) == zero)
                ++n;
            SEGUE_TRY(main_->put_pages({block, zero ? SEGUE_PAGES_ZERO : 0, first, n}));
            first += n;
            SEGUE_TRY(update_.checkpoint());
            update_.progress(first * kPage, pages * kPage);
        }
        return {};
    }

    Status receive_all() {
        for (;;) {
            SEGUE_ASSIGN(const segue_pages pages, main_->get_pages());
            if (pages.n == 0)
                return {};
        }
    }

    Update update_;
    Ram ram_;
    Side side_;
    std::optional<UpdateChannel> main_;
};

constexpr Info info = {.summary = "a new process on the same host, guest RAM copied in the pause",
                       .wire_rev = 1,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD, SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(StopAndCopy, info, traits);
