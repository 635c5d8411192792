// SPDX-License-Identifier: Apache-2.0
// fake_agent.hpp - says what a test wants to whoever speaks with a guest agent.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"

namespace segue::control {

// One client, on a thread of its own, until this ends.
class FakeAgent {
public:
    // `answer`: to a line that was heard; "": hangs up, "..." says nothing. In it "%" stands for
    // the number that the line ends with, as guest-sync-delimited's does.
    FakeAgent(const std::string& socket, std::function<std::string(const std::string& line)> answer)
        : listener_(listen_unix(socket, 0600).value())
        , answer_(std::move(answer))
        , thread_([this] { serve(); }) {}
    ~FakeAgent() {
        over_.store(true);
        thread_.join();
    }
    FakeAgent(const FakeAgent&) = delete;
    FakeAgent& operator=(const FakeAgent&) = delete;

    static constexpr const char* kSynchronised = "\xff{\"return\": %}\n";

private:
    void serve() {
        while (!over_.load()) {
            const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (client)
                speak(client.get());
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    void speak(int client) {
        for (std::string line; listen(client, line); line.clear()) {
            std::string text = answer_(line);
            if (text.empty())
                return;
            if (text == "...")
                continue;
            if (const auto at = text.find('%'); at != text.npos) {
                const auto number = line.rfind(": ") + 2;
                text.replace(at, 1, line.substr(number, line.rfind("}}") - number));
            }
            (void)sys::write_all(client, std::as_bytes(std::span(text))).ok();
        }
    }
    // A line; false at the end.
    bool listen(int client, std::string& line) const {
        while (!over_.load()) {
            pollfd p = {client, POLLIN, 0};
            char c = 0;
            if (::poll(&p, 1, 10) != 1)
                continue;
            if (::read(client, &c, 1) != 1)
                return false;
            line += c;
            if (c == '\n')
                return true;
        }
        return false;
    }

    const UniqueFd listener_;
    const std::function<std::string(const std::string&)> answer_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

} // namespace segue::control
