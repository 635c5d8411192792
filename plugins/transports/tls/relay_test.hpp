// SPDX-License-Identifier: Apache-2.0
// relay_test.hpp - for tests: whoever sits between two hosts, and peers that speak no TLS.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include <segue/cpp/unique_fd.hpp>

namespace segue::test {

// "127.0.0.1:PORT" only; blocking sockets.
UniqueFd raw_listen(const std::string& address);
UniqueFd raw_connect(const std::string& address);

// Takes one connection and passes it on, in a thread of its own.
class Relay {
public:
    Relay(const std::string& at, std::string to);
    ~Relay() { cut(); }

    // Ends both connections, as a cable or a killed process does: without a word of TLS.
    void cut();
    // Of the next bytes towards the listening side one is changed.
    void change_a_byte() { change_ = true; }
    // All that has crossed, both ways.
    std::string seen();

private:
    void run(const std::string& to);
    bool pass(int from, int to, bool forward);

    UniqueFd listener_;
    std::mutex mutex_;
    std::string seen_;
    std::atomic<bool> change_ = false;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

} // namespace segue::test
