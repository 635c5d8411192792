// SPDX-License-Identifier: Apache-2.0
// fake_mode.cpp - a mode that moves RAM in whichever way it is told, and fails, hangs, waits or
// leaves something out where it is told.
#include <poll.h>

#include <array>
#include <map>
#include <optional>

#include <segue/abi/threads.h>
#include <segue/cpp/dirty.hpp>
#include <segue/cpp/mode.hpp>

namespace {

using namespace segue;

constexpr std::array<segue_channel_need, 2> channels = {
    {{"cpr", SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS, 0, 1},
     {"main", SEGUE_TRANSPORT_STREAMING, 0, 1}}};

struct Orders {
    std::string fail, hang, wait; // names of hooks; hang: "thread" as well
    std::string skip;             // "inventory", "state" or "page"
    std::uint32_t ram = 0, arbiter = 0;
    int gate = -1; // a hang ends once it is readable
    bool dirty = false;
};

Result<Orders> orders_of(const Config& config) {
    const std::map<std::string, std::uint32_t> rams = {{"in-place", SEGUE_RAM_IN_PLACE},
                                                       {"before", SEGUE_RAM_BEFORE},
                                                       {"in-pause", SEGUE_RAM_IN_PAUSE}};
    Orders o;
    SEGUE_ASSIGN(o.fail, config.text("fail"));
    SEGUE_ASSIGN(o.hang, config.text("hang"));
    SEGUE_ASSIGN(o.wait, config.text("wait"));
    SEGUE_ASSIGN(o.skip, config.text("skip"));
    SEGUE_ASSIGN(const std::string ram, config.text("ram"));
    o.ram = rams.at(ram);
    SEGUE_ASSIGN(const bool handshake, config.flag("handshake"));
    o.arbiter = handshake ? SEGUE_ARBITER_HANDSHAKE : SEGUE_ARBITER_WORD;
    SEGUE_ASSIGN(const std::uint64_t gate, config.number("gate"));
    o.gate = static_cast<int>(gate);
    SEGUE_ASSIGN(o.dirty, config.flag("dirty"));
    return o;
}

class FakeMode final : public Mode {
public:
    FakeMode(Orders orders, const Host& host, Side side)
        : orders_(std::move(orders))
        , host_(host)
        , update_(host)
        , ram_(host)
        , log_(host)
        , side_(side) {}

    static Result<std::unique_ptr<FakeMode>> create(const Config& config, const Host& host,
                                                    Side side) {
        SEGUE_ASSIGN(Orders orders, orders_of(config));
        if (orders.fail == "create")
            return Error(Code::Refused, "told to fail in create");
        return std::make_unique<FakeMode>(std::move(orders), host, side);
    }

    Result<Plan> plan(std::span<const segue_block>, std::span<std::uint32_t> ram) override {
        SEGUE_TRY(obey("plan"));
        std::fill(ram.begin(), ram.end(), orders_.ram);
        return Plan{SEGUE_SUCCESSOR_PEER, orders_.arbiter, orders_.ram,
                    SEGUE_NEEDS_INVENTORY | (orders_.dirty ? SEGUE_NEEDS_DIRTY_LOG : 0u), channels};
    }
    Status check() override { return obey("check"); }
    Status prepare() override {
        SEGUE_TRY(obey("prepare"));
        if (orders_.hang == "thread")
            SEGUE_TRY(start_thread());
        SEGUE_ASSIGN(const UpdateChannel cpr, update_.channel("cpr"));
        if (orders_.skip != "inventory")
            SEGUE_TRY(cpr.pass_inventory());
        SEGUE_ASSIGN(const UpdateChannel main, update_.channel("main"));
        main_.emplace(main);
        return {};
    }
    Status copy() override {
        SEGUE_TRY(obey("copy"));
        SEGUE_TRY(ask_log());
        return orders_.ram == SEGUE_RAM_BEFORE ? move_ram() : Status();
    }
    Status handover() override {
        SEGUE_TRY(obey("handover"));
        SEGUE_TRY(ask_log());
        if (orders_.ram == SEGUE_RAM_IN_PAUSE)
            SEGUE_TRY(move_ram());
        return orders_.skip == "state" ? Status() : main_->pass_state();
    }
    Status reclaim() override { return obey("reclaim"); }
    void end(std::uint32_t) override { (void)obey("end").ok(); }

private:
    void wait_for_gate() const {
        pollfd p = {orders_.gate, POLLIN, 0};
        (void)::poll(&p, 1, -1);
    }
    Status start_thread() {
        const auto* threads = host_.service<segue_host_threads>(SEGUE_THREADS_ID);
        return Host::call([&](segue_error* e) {
            return threads->start(
                threads->h, "fake",
                [](void* self) { static_cast<const FakeMode*>(self)->wait_for_gate(); }, this, e);
        });
    }
    Status obey(const std::string& hook) {
        if (orders_.hang == hook)
            wait_for_gate();
        while (orders_.wait == hook) {
            SEGUE_ASSIGN(const std::uint32_t asked, update_.checkpoint());
            (void)asked;
            (void)::poll(nullptr, 0, 1);
        }
        if (orders_.fail == hook)
            return Error(Code::Refused, "told to fail in " + hook);
        return {};
    }
    // All that is dirty is asked for, and sent by nobody: move_ram() sends all.
    Status ask_log() const {
        if (!orders_.dirty)
            return {};
        const auto pages = log_.look();
        if (side_ == Side::Incoming)
            return pages.code() == Code::Unsupported
                       ? Status()
                       : Error(Code::Internal, "there is a log on the incoming side");
        SEGUE_TRY(pages);
        std::array<std::uint64_t, 4> bits{};
        SEGUE_TRY(log_.take(0, 0, bits));
        return log_.take(7, 0, bits).code() == Code::Invalid &&
                       log_.take(0, 1, bits).code() == Code::Invalid
                   ? Status()
                   : Error(Code::Internal, "the log takes what no block has");
    }
    Status move_ram() {
        if (side_ == Side::Incoming)
            return main_->get_all_pages();
        SEGUE_ASSIGN(const auto blocks, ram_.blocks());
        for (std::uint32_t i = 0; i < blocks.size(); ++i) {
            const std::uint64_t pages = blocks[i].bytes / 4096;
            update_.progress(0, blocks[i].bytes);
            SEGUE_TRY(main_->put_pages({i, 0, 0, pages - (orders_.skip == "page" ? 1 : 0)}));
        }
        return main_->end_pages();
    }

    Orders orders_;
    Host host_;
    Update update_;
    Ram ram_;
    DirtyLog log_;
    Side side_;
    std::optional<UpdateChannel> main_;
};

constexpr segue_option options[] = {
    string_option("fail", "the hook that fails", ""),
    string_option("hang", "the hook that does not return before the gate opens", ""),
    string_option("wait", "the hook that goes on until the engine asks it to stop", ""),
    string_option("skip", "inventory, state or page", ""),
    string_option("ram", "in-place, before or in-pause", "in-place"),
    flag_option("handshake", "two hosts", "false"),
    flag_option("dirty", "asks the dirty log", "false"),
    number_option(SEGUE_OPTION_UINT, "gate", "a file descriptor", "0"),
};
constexpr const char* needs[] = {SEGUE_UPDATE_ID, SEGUE_RAM_ID, SEGUE_THREADS_ID, nullptr};
constexpr Info info = {.summary = "does what a test tells it",
                       .options = options,
                       .needs = needs,
                       .wire_rev = 2,
                       .wire_rev_min = 1};
constexpr ModeTraits traits = {SEGUE_SUCCESSOR_PEER, SEGUE_ARBITER_WORD | SEGUE_ARBITER_HANDSHAKE,
                               SEGUE_RAM_IN_PLACE | SEGUE_RAM_BEFORE | SEGUE_RAM_IN_PAUSE};

} // namespace

SEGUE_EXPORT_MODE(FakeMode, info, traits);
