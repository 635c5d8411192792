// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/fake_engine.hpp"

#include <sys/mman.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue::testkit {

namespace {

constexpr std::uint64_t kPage = 4096, kBytes = 64 * kPage;

} // namespace

// The functions of both tables; `h` is the engine.
struct FakeEngine::Service {
    static FakeEngine& of(void* h) { return *static_cast<FakeEngine*>(h); }

    static segue_status agreed(void* h, uint32_t* rev, uint32_t* arbiter, uint64_t* budget,
                               segue_error* e) {
        *rev = 1;
        *arbiter = SEGUE_ARBITER_WORD;
        *budget = 0;
        return of(h).answer(
            "agreed",
            {Phase::Preflight, Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch}, e);
    }
    static segue_status checkpoint(void* h, uint32_t* asked, segue_error* e) {
        *asked = 0;
        return of(h).answer("checkpoint", {}, e);
    }
    static void progress(void*, uint64_t, uint64_t) {}
    static segue_status channel(void* h, const char* name, uint32_t index, void** out,
                                segue_error* e) {
        FakeEngine& self = of(h);
        const auto planned = self.channels_.find(name != nullptr ? name : "");
        if (planned == self.channels_.end() || index >= planned->second)
            self.wrong("it asked for channel '" + std::string(name != nullptr ? name : "NULL") +
                       "' " + std::to_string(index) + ", which its plan does not have");
        else
            *out = const_cast<char*>(planned->first.c_str()) + index % 2;
        self.open_.insert(*out);
        return self.answer("channel", {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch},
                           e);
    }
    static segue_status send(void* h, void* ch, const segue_iov*, uint32_t, segue_error* e) {
        return on(h, ch, "send", {}, e);
    }
    static segue_status recv(void* h, void* ch, const segue_iov*, uint32_t, uint64_t* done,
                             segue_error* e) {
        *done = 0;
        return on(h, ch, "recv", {}, e);
    }
    static segue_status put_pages(void* h, void* ch, const segue_pages* p, segue_error* e) {
        FakeEngine& self = of(h);
        if (p->n != 0 && (p->block >= self.blocks_.size() || p->first > kBytes / kPage ||
                          p->n > kBytes / kPage - p->first))
            self.wrong("put_pages() has pages that no block has");
        self.put_[p->block] += p->n;
        return on(h, ch, "put_pages", {Phase::Copy, Phase::Handover, Phase::Fetch}, e);
    }
    static segue_status get_pages(void* h, void* ch, segue_pages* p, segue_error* e) {
        *p = {}; // no more
        return on(h, ch, "get_pages", {Phase::Copy, Phase::Handover, Phase::Fetch}, e);
    }
    static segue_status pass_inventory(void* h, void* ch, segue_error* e) {
        return on(h, ch, "pass_inventory", {Phase::Prepare}, e);
    }
    static segue_status keep_inventory(void* h, segue_error* e) {
        return of(h).answer("keep_inventory", {Phase::Prepare, Phase::Handover}, e);
    }
    static segue_status pass_state(void* h, void* ch, segue_error* e) {
        return on(h, ch, "pass_state", {Phase::Handover}, e);
    }
    static segue_status blocks(void* h, segue_block* out, uint32_t cap, uint32_t* n,
                               segue_error* e) {
        const auto& all = of(h).blocks_;
        *n = static_cast<uint32_t>(all.size());
        std::copy_n(all.begin(), std::min<std::size_t>(cap, all.size()), out);
        return of(h).answer("blocks", {}, e);
    }
    static segue_status map(void* h, uint32_t block, void** base, segue_error* e) {
        FakeEngine& self = of(h);
        if (block >= self.maps_.size())
            self.wrong("map() of a block that is not there");
        else
            *base = self.maps_[block].data();
        return self.answer("map", {Phase::Prepare, Phase::Copy, Phase::Handover, Phase::Fetch}, e);
    }
    // Every page is dirty once, then none.
    static segue_status look(void* h, uint64_t* pages, segue_error* e) {
        FakeEngine& self = of(h);
        *pages = self.count("look") == 0 ? self.blocks_.size() * (kBytes / kPage) : 0;
        return self.answer("look", {Phase::Copy, Phase::Handover}, e);
    }
    static segue_status take(void* h, uint32_t block, uint64_t first, uint64_t n, uint64_t* bits,
                             segue_error* e) {
        FakeEngine& self = of(h);
        if (block >= self.blocks_.size() || first % 64 != 0 || n % 64 != 0 || n > SEGUE_DIRTY_MAX)
            self.wrong("take() of pages that no block has, or of too many");
        std::fill_n(bits, n / 64, 0);
        if (first == 0 && self.taken_.insert(block).second)
            bits[0] = ~uint64_t{0};
        return self.answer("take", {Phase::Copy, Phase::Handover}, e);
    }
    // Two pieces, then none.
    static segue_status convert(void* h, uint64_t copy, segue_converted* done, segue_error* e) {
        FakeEngine& self = of(h);
        const unsigned before = self.count("convert");
        if (copy == 0 || done->size < sizeof *done)
            self.wrong("convert() of nothing, or without room for the answer");
        done->bytes = done->copied = before < 2 ? kPage : 0;
        done->left = before == 0 ? kPage : 0;
        done->stop_us = 1;
        return self.answer("convert", {Phase::Copy}, e);
    }
    static segue_status discard(void* h, uint32_t block, uint64_t first, uint64_t n,
                                const uint64_t*, segue_error* e) {
        FakeEngine& self = of(h);
        if (block >= self.blocks_.size() || first % 64 != 0 || n % 64 != 0)
            self.wrong("discard() of pages that no block has");
        return self.answer("discard", {Phase::Handover}, e);
    }
    static segue_status arm(void* h, segue_error* e) {
        return of(h).answer("arm", {Phase::Handover}, e);
    }
    // Nobody waits for any.
    static segue_status faults(void* h, segue_fault*, uint32_t, uint32_t* n, segue_error* e) {
        *n = 0;
        return of(h).answer("faults", {Phase::Handover, Phase::Fetch}, e);
    }
    static segue_status missing(void* h, uint64_t* pages, segue_error* e) {
        *pages = 0;
        return of(h).answer("missing", {Phase::Handover, Phase::Fetch}, e);
    }
    static segue_status disarm(void* h, segue_error* e) { return of(h).answer("disarm", {}, e); }
    static segue_status drop(void* h, uint32_t block, uint64_t first, uint64_t n, segue_error* e) {
        FakeEngine& self = of(h);
        if (block >= self.blocks_.size() || first > kBytes / kPage || n > kBytes / kPage - first)
            self.wrong("drop() of pages that no block has");
        return self.answer("drop", {Phase::Fetch}, e);
    }
    static segue_status throttle(void* h, uint32_t percent, segue_error* e) {
        FakeEngine& self = of(h);
        if (percent > SEGUE_THROTTLE_MAX)
            self.wrong("throttle by more than there is");
        return self.answer("throttle", {Phase::Copy}, e);
    }

private:
    static segue_status on(void* h, void* ch, const char* call,
                           std::initializer_list<Phase> allowed, segue_error* e) {
        FakeEngine& self = of(h);
        if (self.open_.count(ch) == 0)
            self.wrong(std::string(call) + "() on what is no channel");
        return self.answer(call, allowed, e);
    }
};

FakeEngine::FakeEngine()
    : update_{this,
              Service::agreed,
              Service::checkpoint,
              Service::progress,
              Service::channel,
              Service::send,
              Service::recv,
              Service::put_pages,
              Service::get_pages,
              Service::pass_inventory,
              Service::keep_inventory,
              Service::pass_state}
    , ram_{this, Service::blocks, Service::map}
    , dirty_{this, Service::look, Service::take}
    , ram_convert_{this, Service::convert}
    , userfault_{this,
                 Service::discard,
                 Service::arm,
                 Service::faults,
                 Service::missing,
                 Service::disarm,
                 Service::drop}
    , throttle_{this, Service::throttle} {}

Result<std::unique_ptr<FakeEngine>> FakeEngine::make(const std::vector<std::uint64_t>& survives) {
    std::unique_ptr<FakeEngine> engine(new FakeEngine());
    for (const std::uint64_t s : survives) {
        SEGUE_ASSIGN(UniqueFd fd, sys::memfd("ram", 0));
        SEGUE_TRY(sys::truncate(fd.get(), kBytes));
        SEGUE_ASSIGN(Mapping map, Mapping::make(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                                                fd.get(), 0, "a block"));
        map.data()[kPage] = std::byte{1}; // some pages are zero, one is not
        engine->blocks_.push_back(
            {sizeof(segue_block), 12, fd.get(), MAP_SHARED, 0, kBytes, SEGUE_NO_STAMP, s, "ram"});
        engine->fds_.push_back(std::move(fd));
        engine->maps_.push_back(std::move(map));
    }
    return engine;
}

void FakeEngine::offer_to(FakeHost& host) const {
    host.add(SEGUE_UPDATE_ID, &update_);
    host.add(SEGUE_RAM_ID, &ram_);
    host.add(SEGUE_DIRTY_ID, &dirty_);
    host.add(SEGUE_RAM_CONVERT_ID, &ram_convert_);
    host.add(SEGUE_USERFAULT_ID, &userfault_);
    host.add(SEGUE_THROTTLE_ID, &throttle_);
}

void FakeEngine::allow(const segue_plan& plan) {
    for (std::uint32_t i = 0; i < plan.n_channels; ++i)
        channels_[plan.channels[i].name] = plan.channels[i].count;
}

segue_status FakeEngine::answer(const char* call, std::initializer_list<Phase> allowed,
                                segue_error* e) {
    ++calls_;
    ++counted_[call];
    if (failed_ && std::string(call) != "checkpoint")
        wrong(std::string(call) + "() was called after another call had failed");
    if (allowed.size() != 0 && std::find(allowed.begin(), allowed.end(), phase_) == allowed.end()) {
        wrong(std::string(call) + "() was called in a phase that does not allow it");
        return Error(Code::Phase, std::string(call) + " is not allowed in this phase").to_abi(e);
    }
    if (fail_in_ != 0 && --fail_in_ == 0) {
        failed_ = true;
        return Error(Code::Cancelled, "somebody asked for the update to stop").to_abi(e);
    }
    return SEGUE_OK;
}

unsigned FakeEngine::count(const std::string& call) const {
    const auto found = counted_.find(call);
    return found != counted_.end() ? found->second : 0;
}

std::uint64_t FakeEngine::pages_put(std::uint32_t block) const {
    const auto found = put_.find(block);
    return found != put_.end() ? found->second : 0;
}

} // namespace segue::testkit
