// SPDX-License-Identifier: Apache-2.0
// pipe_end.hpp - a command at the other end of a pipe.
#pragma once

#include <optional>
#include <string>

#include <segue/cpp/command.hpp>
#include <segue/cpp/transport.hpp>

namespace segue::exec_transport {

// Feeds a command, or reads what it prints; one way. Its error output is read all the while, so
// that it never waits for us, and the last of it goes into the error. Ends with the object.
class PipeEnd final : public Channel {
public:
    enum class Way { ToCommand, FromCommand };

    static Result<std::unique_ptr<PipeEnd>> start(const Host& host, const std::string& command,
                                                  Way way);

    Ready ready() override { return {any_.get(), POLLIN}; }
    // Closed only once the command has ended well.
    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>& fds,
                               std::uint32_t room) override;
    Result<std::uint64_t> write(ConstIov from, std::span<const int> fds) override;
    // SEAL: it has read all and ended well. ABORT: it is killed; its files are its own.
    Status finish(std::uint32_t how) override;

private:
    PipeEnd(const Host& host, std::string text, Command command)
        : host_(host)
        , text_(std::move(text))
        , command_(std::move(command)) {}

    Status watch(int fd, std::uint32_t events);
    bool over();
    void listen_to_errors();
    Status verdict();
    Error failed(const std::string& why);

    Host host_;
    std::string text_;
    Command command_;
    UniqueFd any_;  // epoll: data, errors, the end
    UniqueFd data_; // our end of the pipe
    // The command's end, held too: a write does not raise SIGPIPE then, and what it never read can
    // be counted.
    UniqueFd unread_;
    UniqueFd errors_;
    std::string said_;              // the last of the error output
    std::optional<Status> verdict_; // once it has ended
};

} // namespace segue::exec_transport
