// SPDX-License-Identifier: Apache-2.0
#include "core/observer/observer.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <ctime>

#include <segue/cpp/sys.hpp>

namespace segue::observer {
namespace {

Time now() {
    timespec t = {};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::chrono::seconds(t.tv_sec) + Time(t.tv_nsec);
}

const volatile segue_page* page_in(const Mapping& map) {
    return reinterpret_cast<const volatile segue_page*>(map.data());
}

Result<Mapping> map_page(const Ram& ram) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(ram.path, O_RDONLY));
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd.get()));
    const std::uint64_t end = ram.offset + SEGUE_PAGE_GPA + SEGUE_PAGE_BYTES;
    if (static_cast<std::uint64_t>(s.st_size) < end) // a touch beyond the end would be SIGBUS
        return Error(Code::Invalid, "observe " + ram.path + ": it ends at " +
                                        std::to_string(s.st_size) + ", before the page ends at " +
                                        std::to_string(end))
            .way_out("name the file that is the guest's RAM, and the offset of its first block");
    if (ram.offset % 4096 != 0)
        return Error(Code::Invalid, "observe " + ram.path + ": the offset " +
                                        std::to_string(ram.offset) + " is no multiple of 4096");
    return Mapping::make(SEGUE_PAGE_BYTES, PROT_READ, MAP_SHARED, fd.get(),
                         static_cast<off_t>(ram.offset + SEGUE_PAGE_GPA), ram.path);
}

Status wait_for_guest(const volatile segue_page& page, const std::string& path, Deadline deadline) {
    while (page.header.magic != SEGUE_PAGE_MAGIC) {
        if (deadline.passed())
            return Error(Code::Deadline, "observe " + path + ": no guest wrote its page in time")
                .way_out("boot a guest that keeps the page, such as the metronome");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (page.header.version != SEGUE_PAGE_VERSION || page.header.vcpus < 1 ||
        page.header.vcpus > SEGUE_PAGE_MAX_VCPUS)
        return Error(Code::Unsupported, "observe " + path + ": page of version " +
                                            std::to_string(page.header.version) + " with " +
                                            std::to_string(page.header.vcpus) + " vCPUs")
            .way_out("use the observer that was built with the guest");
    return {};
}

} // namespace

Observer::Observer(std::vector<Mapping> maps, std::size_t vcpus, Time every)
    : maps_(std::move(maps))
    , vcpus_(vcpus)
    , every_(every) {
    for (const Mapping& m : maps_)
        pages_.push_back(page_in(m));
}

Result<std::unique_ptr<Observer>> Observer::start(const std::vector<Ram>& rams, int cpu,
                                                  Deadline deadline, Time every) {
    if (rams.empty())
        return Error(Code::Invalid, "observe: no RAM was named");
    std::vector<Mapping> maps;
    for (const Ram& ram : rams) {
        SEGUE_ASSIGN(Mapping map, map_page(ram));
        maps.push_back(std::move(map));
    }
    SEGUE_TRY(wait_for_guest(*page_in(maps.front()), rams.front().path, deadline));
    const std::size_t vcpus = page_in(maps.front())->header.vcpus;
    std::unique_ptr<Observer> observer(new Observer(std::move(maps), vcpus, every));
    observer->thread_ = std::thread([o = observer.get()] { o->poll_loop(); });
    if (cpu >= 0)
        SEGUE_TRY(observer->pin(cpu));
    observer->reset(); // the thread runs, where it should
    return observer;
}

Observer::~Observer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        asked_ = true;
    }
    if (thread_.joinable())
        thread_.join();
}

Status Observer::pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < CPU_SETSIZE)
        CPU_SET(cpu, &set);
    if (const int e = ::pthread_setaffinity_np(thread_.native_handle(), sizeof set, &set); e != 0)
        return Error::from_errno(e, "pin the observer to CPU " + std::to_string(cpu));
    return {};
}

Measurement Observer::ask(bool restart) {
    std::unique_lock lock(mutex_);
    restart_ = restart_ || restart;
    const std::uint64_t mine = ++questions_;
    asked_ = true;
    answered_.wait(lock, [&] { return answers_ >= mine; });
    return answer_;
}

bool Observer::answer(Tracker& tracker) {
    const std::lock_guard lock(mutex_);
    asked_ = false;
    answer_ = tracker.measured();
    answers_ = questions_;
    if (restart_)
        tracker.restart();
    restart_ = false;
    answered_.notify_all();
    return !stopping_;
}

std::uint64_t Observer::highest_counter(std::size_t vcpu) const {
    std::uint64_t highest = 0;
    for (const volatile segue_page* page : pages_) {
        const std::uint64_t counter = page->slot[vcpu].counter;
        highest = std::max(highest, counter);
    }
    return highest;
}

void Observer::poll_loop() {
    ::prctl(PR_SET_TIMERSLACK, 1); // or a sleep of 20 us takes 70
    Tracker tracker(vcpus_);
    std::array<std::uint64_t, SEGUE_PAGE_MAX_VCPUS> counters = {};
    Time before = now();
    for (;;) {
        // Before the reads, so that an answer covers all until the question.
        const bool asked = asked_.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < vcpus_; i++)
            counters[i] = highest_counter(i);
        const Time after = now();
        tracker.poll(before, after, {counters.data(), vcpus_});
        before = after;
        if (asked && !answer(tracker))
            return;
        if (every_ > Time{0}) {
            std::this_thread::sleep_for(every_);
            before = now();
        }
    }
}

} // namespace segue::observer
