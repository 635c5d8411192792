// SPDX-License-Identifier: Apache-2.0
// barrier_report.hpp - a Report that waits at each edge for the test's word.
#pragma once

#include <unistd.h>

#include <fstream>
#include <string>

#include <segue/cpp/socket.hpp>

#include "core/base/wait.hpp"
#include "core/report/report.hpp"
#include "tests/fault/dirty_logging.hpp"
#include "tests/fault/edge.hpp"

namespace segue::fault {

// Tells the edge over a connection of its own and goes on when that is closed: so a test that is
// gone holds nobody. [update]
class BarrierReport final : public report::Report {
public:
    explicit BarrierReport(std::string socket)
        : socket_(std::move(socket)) {}

    void phase(report::Phase phase, const report::UpdateRecord& record) override {
        wait_at(report::name_of(phase), record);
    }
    Status switching_over(const report::UpdateRecord& record) override {
        wait_at(report::name_of(record.switch_over), record);
        return {};
    }
    void ended(const report::UpdateRecord& record) override { wait_at("ended", record); }

private:
    void wait_at(const char* phase, const report::UpdateRecord& record) const {
        // An image that came by execve is both: the state that it read names it.
        const bool old = record.from_pid == ::getpid() && record.to_pid != ::getpid();
        const char* side = old ? "old " : "new ";
        const Edge edge = std::string(side) + phase;
        if (a_slot_logs_writes())
            std::ofstream(socket_ + kDirtySuffix, std::ios::app) << edge + "\n";
        const auto address = sys::unix_address(socket_);
        const auto test = address ? sys::unix_connect(*address) : address.error();
        if (!test)
            return;
        (void)::send(test->get(), edge.data(), edge.size(), MSG_NOSIGNAL);
        (void)Waiter{}.until(test->get(), POLLIN).ok();
    }

    std::string socket_;
};

} // namespace segue::fault
