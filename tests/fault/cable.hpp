// SPDX-License-Identifier: Apache-2.0
// cable.hpp - two hosts made of namespaces, the second in another boot, and the cable between them:
// packets go through this process, which delays, loses or keeps them as a test wants it.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/temp_dir.hpp"

namespace segue::fault {

enum class Host { A, B };

// Everything is gone with it and with the processes that were started in it. Needs root and
// /dev/net/tun. [main]
class Cable {
public:
    // Each host has one address, 10.91.0.1 and 10.91.0.2, on an interface of its own (a tun).
    static Result<std::unique_ptr<Cable>> lay();
    ~Cable();
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;

    static std::string address(Host host) { return host == Host::A ? "10.91.0.1" : "10.91.0.2"; }
    // Runs `f` on a thread that is on that host: what it starts stays there.
    void on(Host host, const std::function<void()>& f) const;

    // A tap for a VMM there to open.
    Status add_tap(Host host, const std::string& name) const;

    // Nothing comes from `host` any more; both: as if cut.
    void cut_from(Host host) { cut_.at(index(host)) = true; }
    void cut() {
        cut_from(Host::A);
        cut_from(Host::B);
    }
    void mend() {
        for (auto& c : cut_)
            c = false;
    }
    // Of the packets of both directions, from here on.
    void lose(unsigned percent) { loss_ = percent; }
    void delay(std::chrono::milliseconds time) { delay_ms_ = static_cast<unsigned>(time.count()); }
    std::uint64_t lost() const { return lost_; }

private:
    struct End {
        UniqueFd net, mounts, tun; // namespaces, and the interface's other side
    };
    Cable() = default;
    static std::size_t index(Host host) { return host == Host::A ? 0 : 1; }
    Status make_end(Host host, End& end) const;
    void carry();

    TempDir dir_;
    std::array<End, 2> ends_;
    std::array<std::atomic<bool>, 2> cut_{};
    std::atomic<unsigned> loss_ = 0, delay_ms_ = 0;
    std::atomic<std::uint64_t> lost_ = 0;
    UniqueFd stop_;
    std::thread thread_;
};

} // namespace segue::fault
