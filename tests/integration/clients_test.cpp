// SPDX-License-Identifier: Apache-2.0
// clients_test.cpp - what a client of the control socket sees while updates go on: nothing, or that
// it is to ask again.
#include <atomic>
#include <future>
#include <iostream>
#include <thread>

#include "tests/integration/update_test.hpp"
#include "tests/support/visit.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::HttpAnswer;
using test::Visit;

constexpr const char* kPath = "/healthz";

// Opens a connection 50 times a second, whether or not the earlier ones have their answer, and
// demands a whole answer on each: a refusal, a reset, an end before the last byte and every status
// but 200 (and "ask again", where `again_`) is a complaint.
class Monitor {
public:
    Monitor(std::string socket, bool again)
        : socket_(std::move(socket))
        , again_(again)
        , thread_([this] { run(); }) {}

    // Once everybody has an answer.
    std::vector<std::string> stop() {
        over_ = true;
        thread_.join();
        std::vector<std::string> complaints;
        for (auto& asked : asked_)
            if (std::string wrong = asked.get(); !wrong.empty())
                complaints.push_back(std::move(wrong));
        return complaints;
    }
    // So far.
    unsigned answers() const { return answers_; }
    unsigned told_to_ask_again() const { return again_told_; }

private:
    void run() {
        for (auto next = Clock::now(); !over_; std::this_thread::sleep_until(next += 20ms))
            asked_.push_back(std::async(std::launch::async, [this] { return ask(); }));
    }
    std::string ask() {
        const auto a = test::visit(socket_, kPath, patience());
        if (!a)
            return a.error().what();
        ++answers_;
        if (again_ && a->status == 503 && a->has("Retry-After: 1")) {
            ++again_told_;
            return "";
        }
        return a->status == 200 ? "" : a->head;
    }

    const std::string socket_;
    const bool again_;
    std::atomic<bool> over_{false};
    std::atomic<unsigned> answers_{0}, again_told_{0};
    std::vector<std::future<std::string>> asked_; // the thread's, until it has ended
    std::thread thread_;
};

// Asks on one connection, again and again. That may be closed between two answers only, which is:
// behind the last byte of an answer, before the next request. The client knows it by that answer
// ("Connection: close", RFC 9112 section 9.6), by an end of file before it asks, or because its
// request is not taken (EPIPE). A request that was taken gets its whole answer. It comes back as
// often as that happens.
class Regular {
public:
    explicit Regular(std::string socket)
        : socket_(std::move(socket))
        , thread_([this] { run(); }) {}

    std::vector<std::string> stop() {
        over_ = true;
        thread_.join();
        return complaints_;
    }
    unsigned answers() const { return answers_; }
    unsigned connections() const { return connections_; }

private:
    void run() {
        while (!over_) {
            auto v = Visit::open(socket_, patience());
            ++connections_;
            const Status s = v ? stay(*v) : Status(v.error());
            if (!s)
                complaints_.push_back(s.error().what());
        }
    }
    // Until it is closed, or enough.
    Status stay(const Visit& v) {
        bool first = true; // it was taken in: it must be heard once
        for (; !over_; std::this_thread::sleep_for(3ms), first = false) {
            if (!first && v.ended())
                return {};
            const Status asked = v.ask(kPath, true);
            if (!first && asked.code() == Code::Closed)
                return {};
            SEGUE_TRY(asked);
            SEGUE_ASSIGN(const HttpAnswer a, v.answer(patience()));
            if (a.status != 200)
                return Error(Code::Internal, a.head);
            ++answers_;
            if (a.has("Connection: Close"))
                return {};
        }
        return {};
    }

    const std::string socket_;
    std::atomic<bool> over_{false};
    std::atomic<unsigned> answers_{0}, connections_{0};
    std::vector<std::string> complaints_; // the thread's, until it has ended
    std::thread thread_;
};

class ClientTest : public UpdateTest {
protected:
    void boot_for(const std::string& mode) {
        test::GuestSpec spec = usual_spec();
        spec.modes = {mode};
        spec.backend = "file";
        spec.at_rest = "transport = 'file'";
        boot(spec);
        socket_ = guest_->places().api_socket();
    }
    std::string socket_;
};

class Clients : public ClientTest, public testing::WithParamInterface<const char*> {};

TEST_P(Clients, SeeNoRefusalNoResetAndNoGap) {
    boot_for(GetParam());
    Monitor monitor(socket_, false);
    Regular regular(socket_);
    for (int i = 0; i < 4; ++i) {
        const unsigned before = regular.answers();
        move();
        for (const Deadline limit = patience(); regular.answers() == before && !limit.passed();)
            std::this_thread::sleep_for(1ms);
    }
    EXPECT_THAT(regular.stop(), testing::IsEmpty());
    EXPECT_GE(regular.connections(), 5u) << "every generation has its own";
    EXPECT_THAT(monitor.stop(), testing::IsEmpty());
    EXPECT_GT(monitor.answers(), 5u);
}
INSTANTIATE_TEST_SUITE_P(InOneGo, Clients, testing::Values("cpr-transfer", "cpr-exec"),
                         [](const auto& mode) {
                             return std::string(mode.index == 0 ? "Transfer" : "Exec");
                         });

// No refusal, no reset and no empty answer here either: an answer, or when to ask again.
TEST_F(ClientTest, AreToldToAskAgainByAHolder) {
    boot_for("cpr-reboot");
    Monitor monitor(socket_, true);
    std::chrono::nanoseconds gap{}, longest{};
    constexpr int kFew = 5, kMany = 100; // until one was there at the right moment
    int updates = 0;
    for (; updates < kFew || (monitor.told_to_ask_again() == 0 && updates < kMany); ++updates) {
        const report::UpdateRecord r = update();
        ASSERT_STREQ(report::name_of(r.status), "completed") << (r.error ? r.error->what() : "");
        EXPECT_GT(r.unanswered.count(), 0) << "the gap is in the record";
        gap += r.unanswered;
        longest = std::max(longest, r.unanswered);
    }
    EXPECT_THAT(monitor.stop(), testing::IsEmpty());
    EXPECT_GT(monitor.told_to_ask_again(), 0u);
    EXPECT_EQ(test::visit(socket_, kPath, patience())->status, 200) << "once it is over";
    const auto us = [](auto t) {
        return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(t).count());
    };
    std::cout << "the gap of " << updates << " updates by cpr-reboot: " << us(gap / updates)
              << " us on average, longest " << us(longest) << " us; " << monitor.told_to_ask_again()
              << " of " << monitor.answers() << " requests were told to ask again\n";
}

} // namespace
} // namespace segue::integration
