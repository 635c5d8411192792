// SPDX-License-Identifier: Apache-2.0
#include "core/observer/observer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>

#include <segue/cpp/sys.hpp>

#include "core/observer/print.hpp"

namespace segue::observer {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint64_t block_offset = 1 << 20;
constexpr std::uint64_t file_bytes = block_offset + SEGUE_PAGE_GPA + SEGUE_PAGE_BYTES;

Time now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

// RAM of a guest of two vCPUs that one thread plays; it knows how long it really stood still.
class FakeGuest {
public:
    FakeGuest() {
        auto fd = sys::memfd("fake-ram", 0);
        EXPECT_TRUE(fd.ok() && sys::truncate(fd->get(), file_bytes).ok());
        fd_ = std::move(*fd);
        auto map = Mapping::make(file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0, "");
        map_ = std::move(*map);
        page().header.version = SEGUE_PAGE_VERSION;
        page().header.vcpus = 2;
    }
    ~FakeGuest() { stop(); }

    Ram ram() const { return {"/proc/self/fd/" + std::to_string(fd_.get()), block_offset}; }
    volatile segue_page& page() const {
        return *reinterpret_cast<volatile segue_page*>(map_.data() + block_offset + SEGUE_PAGE_GPA);
    }
    void boot() { page().header.magic = SEGUE_PAGE_MAGIC; }
    void run() {
        boot();
        running_ = true;
        thread_ = std::thread([this] { loop(); });
        while (count(1) == 0)
            std::this_thread::yield();
    }
    void stop() {
        running_ = false;
        if (thread_.joinable())
            thread_.join();
    }
    void stand_still(Time time) {
        planted_ = time.count();
        while (planted_ != 0)
            std::this_thread::sleep_for(1ms);
    }
    // Its longest stand-still, from before one step to after the next. [after stop()]
    Time longest() const { return longest_; }

private:
    // As a store of a vCPU is to the observer.
    std::atomic_ref<std::uint64_t> count(int slot) const {
        return std::atomic_ref(const_cast<std::uint64_t&>(page().slot[slot].counter));
    }
    void loop() {
        for (Time before = now(); running_;) {
            if (const auto time = planted_.load(); time != 0) {
                std::this_thread::sleep_for(Time(time));
                planted_ = 0;
            }
            const Time begin = now();
            for (int i = 0; i < 2; i++)
                count(i).fetch_add(1);
            longest_ = std::max(longest_, now() - before);
            before = begin;
        }
    }

    UniqueFd fd_;
    Mapping map_;
    std::thread thread_;
    std::atomic<bool> running_ = false;
    std::atomic<std::int64_t> planted_ = 0;
    Time longest_{0};
};

std::unique_ptr<Observer> must(Result<std::unique_ptr<Observer>> r) {
    EXPECT_TRUE(r.ok()) << (r.ok() ? "" : r.error().what());
    return r.ok() ? std::move(*r) : nullptr;
}

TEST(Observer, FindsAPlantedStandStill) {
    FakeGuest guest;
    guest.run();
    const auto observer = must(Observer::start({guest.ram()}, -1, Deadline::in(10s)));
    ASSERT_TRUE(observer);
    guest.stand_still(40ms);
    const Measurement m = observer->reset();
    std::this_thread::sleep_for(5ms);
    const Measurement after = observer->snapshot();
    guest.stop();
    for (const StandStill& s : {m.blackout, m.vcpus[0].longest, m.vcpus[1].longest}) {
        EXPECT_LE(s.length, guest.longest()) << "more than happened";
        EXPECT_GE(s.at_most, 40ms);
        EXPECT_GE(s.length + 4 * m.own.length, 40ms) << "only its own noise may hide some of it";
        EXPECT_GE(s.begin, m.begin - 40ms);
        EXPECT_LE(s.end, m.end);
    }
    EXPECT_GE(after.begin, m.end);
    EXPECT_TRUE(after.blackout.length == 0ns || after.blackout.begin >= m.blackout.end);
}

TEST(Observer, SleepsBetweenPollsWhereItIsAskedTo) {
    FakeGuest guest;
    guest.run();
    const auto observer = must(Observer::start({guest.ram()}, -1, Deadline::in(10s), 1ms));
    ASSERT_TRUE(observer);
    guest.stand_still(40ms);
    const Measurement m = observer->reset();
    guest.stop();
    EXPECT_LE(m.polls, 2 + static_cast<std::uint64_t>((m.end - m.begin) / 1ms));
    EXPECT_LE(m.blackout.length, guest.longest()) << "more than happened";
    EXPECT_GE(m.blackout.at_most, 40ms);
}

// A thread of this process that was not there before.
class NewThread {
public:
    NewThread()
        : old_(tids()) {}
    pid_t tid() const {
        for (const pid_t t : tids())
            if (old_.count(t) == 0)
                return t;
        return -1;
    }

private:
    static std::set<pid_t> tids() {
        std::set<pid_t> all;
        for (const auto& e : std::filesystem::directory_iterator("/proc/self/task"))
            all.insert(std::stoi(e.path().filename()));
        return all;
    }
    std::set<pid_t> old_;
};

TEST(Observer, ItsOwnStallIsNoBlackout) {
    struct sigaction stall = {}, old = {};
    stall.sa_handler = [](int) {
        const timespec t = {0, 60'000'000};
        ::nanosleep(&t, nullptr);
    };
    ASSERT_EQ(::sigaction(SIGUSR2, &stall, &old), 0);
    FakeGuest guest;
    guest.run();
    const NewThread poller;
    const auto observer = must(Observer::start({guest.ram()}, -1, Deadline::in(10s)));
    ASSERT_TRUE(observer);
    ASSERT_EQ(::syscall(SYS_tgkill, ::getpid(), poller.tid(), SIGUSR2), 0);
    std::this_thread::sleep_for(5ms);
    const Measurement m = observer->snapshot();
    guest.stop();
    ::sigaction(SIGUSR2, &old, nullptr);
    EXPECT_GE(m.own.length, 60ms);
    EXPECT_LE(m.blackout.length, guest.longest());
}

TEST(Observer, WaitsForTheGuestUntilTheDeadline) {
    FakeGuest guest;
    const auto r = Observer::start({guest.ram()}, -1, Deadline::in(20ms));
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.code(), Code::Deadline);
    EXPECT_THAT(r.error().what(), HasSubstr(guest.ram().path));
}

TEST(Observer, RefusesAFileThatEndsBeforeThePage) {
    FakeGuest guest;
    Ram ram = guest.ram();
    ram.offset += 4096;
    const auto r = Observer::start({ram}, -1, Deadline::in(10s));
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.code(), Code::Invalid);
    EXPECT_THAT(r.error().what(), HasSubstr(std::to_string(file_bytes)));
}

TEST(Observer, RefusesAnotherVersion) {
    FakeGuest guest;
    guest.page().header.version = SEGUE_PAGE_VERSION + 1;
    guest.boot();
    const auto r = Observer::start({guest.ram()}, -1, Deadline::in(10s));
    ASSERT_FALSE(r.ok());
    EXPECT_EQ(r.code(), Code::Unsupported);
}

TEST(Observer, RefusesACpuThatIsNotThere) {
    FakeGuest guest;
    guest.boot();
    const auto r = Observer::start({guest.ram()}, 100'000, Deadline::in(10s));
    ASSERT_FALSE(r.ok());
    EXPECT_THAT(r.error().what(), HasSubstr("CPU 100000"));
}

TEST(Observer, FollowsAGuestThatIsCopiedToOtherRam) {
    FakeGuest source, target;
    source.boot();
    source.page().slot[0].counter = 1000;
    const auto observer =
        must(Observer::start({source.ram(), target.ram()}, -1, Deadline::in(10s)));
    ASSERT_TRUE(observer);
    const auto counter = [&] { return observer->snapshot().vcpus[0].counter; };
    EXPECT_EQ(counter(), 1000u);
    target.page().slot[0].counter = 400; // an old copy
    EXPECT_EQ(counter(), 1000u);
    target.page().slot[0].counter = 1007;
    EXPECT_EQ(counter(), 1007u);
    EXPECT_EQ(observer->snapshot().vcpus[0].backward, 0u);
}

TEST(Observer, PrintsWhatTheGuestSaysOfItself) {
    FakeGuest guest;
    guest.page().slot[1].mem_bad_pages = 7;
    Measurement m;
    m.vcpus.resize(2);
    m.blackout = {1500us, 1600us, 1s, 1s + 1500us};
    EXPECT_THAT(text_of(m, guest.page()), HasSubstr("blackout (no vCPU counts): 1.500 ms (at most "
                                                    "1.600 ms), until 1.001500 s\n"));
    EXPECT_THAT(text_of(m, guest.page()), HasSubstr("pages wrong 7"));
    EXPECT_THAT(json_of(m, guest.page()),
                HasSubstr(R"("blackout":{"length_ns":1500000,"at_most_ns":1600000,)"));
    EXPECT_THAT(json_of(m, guest.page()), HasSubstr(R"("mem_bad_pages":7)"));
}

} // namespace
} // namespace segue::observer
