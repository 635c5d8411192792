// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_run.hpp"

#include <algorithm>
#include <chrono>

#include <segue/cpp/sys.hpp>

#include "core/base/deadline.hpp"
#include "tests/bench/cores.hpp"
#include "tests/bench/floor_guest.hpp"

namespace segue::bench {

namespace {

// The metronome measures its TSC and starts its other vCPUs.
constexpr std::chrono::milliseconds kBoot{500};
constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kLowRam = std::size_t{3} << 30;

double now_us() {
    return static_cast<double>(std::chrono::steady_clock::now().time_since_epoch().count()) / 1000;
}

// The time since the last call.
class Lap {
public:
    double operator()() {
        const double before = at_;
        at_ = now_us();
        return at_ - before;
    }

private:
    double at_ = now_us();
};

} // namespace

Floor::Floor(vmm::Kvm kvm, UniqueFd ram_fd, Mapping ram, unsigned vcpus)
    : kvm_(std::move(kvm))
    , ram_fd_(std::move(ram_fd))
    , ram_(std::move(ram))
    , vcpus_(vcpus)
    , cores_(cores()) {}

Floor::~Floor() = default;

Result<std::unique_ptr<Floor>> Floor::start(unsigned ram_mib, unsigned vcpus) {
    SEGUE_ASSIGN(auto kvm, vmm::Kvm::open());
    const std::size_t bytes = std::size_t{ram_mib} << 20;
    SEGUE_ASSIGN(UniqueFd fd, sys::memfd("floor-ram", 0));
    SEGUE_TRY(sys::truncate(fd.get(), bytes));
    SEGUE_ASSIGN(auto ram, Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0,
                                         "guest RAM"));
    std::unique_ptr<Floor> floor(new Floor(std::move(kvm), std::move(fd), std::move(ram), vcpus));
    if (floor->cores_.empty())
        return Error(Code::Unsupported, "no core to run on");
    pin_to(observer_core(floor->cores_));
    SEGUE_TRY(floor->boot());
    return floor;
}

Result<std::unique_ptr<Floor::Side>> Floor::make_side() {
    auto side = std::make_unique<Side>();
    // Below the APICs' addresses, as any machine has its RAM.
    const auto low = ram_.span().first(std::min(ram_.size(), kLowRam));
    SEGUE_ASSIGN(side->machine, vmm::BareMachine::make(kvm_, low, vcpus_));
    SEGUE_ASSIGN(side->state, vmm::blank_state(side->machine.vm, side->machine.io));
    for (unsigned i = 0; i < vcpus_; ++i)
        side->threads.push_back(std::make_unique<FloorVcpu>(
            *side->machine.vcpus[i], side->machine.io[i], vcpu_core(cores_, i, vcpus_)));
    for (auto& thread : side->threads)
        SEGUE_TRY(thread->wait_parked());
    return side;
}

Status Floor::boot() {
    SEGUE_ASSIGN(const std::uint32_t entry, place_guest(ram_.span(), vcpus_));
    SEGUE_ASSIGN(running_, make_side());
    Side& s = *running_;
    SEGUE_TRY(vmm::save(s.machine.vm, s.machine.io, s.state));
    set_entry(s.state.vcpus[0], entry);
    SEGUE_TRY(vmm::load(s.machine.vm, s.machine.io, s.state));
    const auto before = read_counters();
    for (auto& thread : s.threads)
        thread->go();
    SEGUE_TRY(wait_for_tick(before));
    std::this_thread::sleep_for(kBoot);
    const observer::Ram ram{"/proc/self/fd/" + std::to_string(ram_fd_.get()), 0};
    SEGUE_ASSIGN(watch_, observer::Observer::start({ram}, observer_core(cores_),
                                                   Deadline::in(kPatience), kPollEvery));
    SEGUE_ASSIGN(gaps_, Gaps::of(ram));
    return {};
}

Result<FloorTimes> Floor::move() {
    SEGUE_ASSIGN(auto next, make_side());
    // Long enough for the guest to be at its full pace, and for the observer to see it.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    watch_->reset();
    gaps_->take_us();
    FloorTimes times;
    SEGUE_TRY(hand_over(*next, times));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const observer::Measurement seen = watch_->snapshot();
    times.stand_still = gaps_->take_us();
    running_ = std::move(next);
    for (const observer::VcpuMeasurement& vcpu : seen.vcpus)
        if (vcpu.backward != 0)
            return Error(Code::Corrupt,
                         "a counter of the guest went back: its registers were lost");
    SEGUE_TRY(check_gap(times.stand_still, seen));
    return times;
}

Status Floor::hand_over(Side& to, FloorTimes& times) {
    Side& from = *running_;
    Lap lap;
    for (auto& thread : from.threads)
        thread->kick();
    for (auto& thread : from.threads)
        SEGUE_TRY(thread->wait_stopped());
    times.kick = lap();
    SEGUE_TRY(vmm::save(from.machine.vm, from.machine.io, from.state));
    times.read = lap();
    SEGUE_TRY(vmm::load(to.machine.vm, to.machine.io, from.state));
    const auto before = read_counters();
    times.write = lap();
    for (auto& thread : to.threads)
        thread->go();
    SEGUE_TRY(wait_for_tick(before));
    times.first_tick = lap();
    return {};
}

std::vector<const std::uint64_t*> Floor::counters() const {
    std::vector<const std::uint64_t*> out;
    for (unsigned i = 0; i < vcpus_; ++i)
        out.push_back(reinterpret_cast<const std::uint64_t*>(ram_.data() + counter_address(i)));
    return out;
}

std::vector<std::uint64_t> Floor::read_counters() const {
    std::vector<std::uint64_t> out;
    for (const std::uint64_t* c : counters())
        out.push_back(__atomic_load_n(c, __ATOMIC_RELAXED));
    return out;
}

Status Floor::wait_for_tick(const std::vector<std::uint64_t>& before) const {
    const Deadline deadline = Deadline::in(kPatience);
    while (read_counters() == before)
        if (deadline.passed())
            return Error(Code::Deadline, "the guest does not count")
                .way_out("look into the kernel log for KVM's messages");
    return {};
}

} // namespace segue::bench
