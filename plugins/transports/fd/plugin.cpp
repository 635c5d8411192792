// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "fd": the socket that whoever started this process left open for it. For
// processes that may reach nothing themselves. Good for one update.
#include "inherited.hpp"

#include <segue/cpp/unix_stream.hpp>

namespace {

using namespace segue;
using namespace segue::fd_transport;

// Both ends are connected from the start, so each says that it is there: first the one that
// listens.
constexpr char kListening = 'l', kConnecting = 'c';

Status say(int fd, char word) {
    if (sys::retry([&] { return ::send(fd, &word, 1, MSG_NOSIGNAL); }) == 1)
        return {};
    return Error::from_errno(errno, "greet the other end");
}

// AGAIN: nothing was said yet.
Status hear(int fd, char word) {
    char heard = 0;
    const auto n = sys::retry([&] { return ::recv(fd, &heard, 1, 0); });
    if (n == 1 && heard == word)
        return {};
    if (n == 1)
        return Error(Code::Io, "the other end does not greet as transport \"fd\" does")
            .way_out("give one end of the socketpair to 'out' here and the other to 'in' there");
    if (n == 0)
        return Error(Code::Closed, "the other end was closed");
    if (errno == EAGAIN)
        return Error(Code::Again, "the other end has not said that it is there");
    return Error::from_errno(errno, "hear the other end");
}

class Door final : public Listener {
public:
    explicit Door(UniqueFd fd)
        : fd_(std::move(fd)) {}
    Ready ready() override { return {fd_.get(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        if (!fd_)
            return Error(Code::Again, "one connection is all there is");
        SEGUE_TRY(hear(fd_.get(), kConnecting));
        return std::unique_ptr<Channel>(std::make_unique<UnixStream>(std::move(fd_)));
    }

private:
    UniqueFd fd_;
};

class FdTransport final : public Transport {
public:
    FdTransport(std::uint64_t out, std::uint64_t in)
        : out_(out)
        , in_(in) {}

    static Result<std::unique_ptr<FdTransport>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(const std::uint64_t out, config.number("out"));
        SEGUE_ASSIGN(const std::uint64_t in, config.number("in"));
        return std::make_unique<FdTransport>(out, in);
    }

    Status check() override { return check_inherited(out_, "out"); }
    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_ASSIGN(UniqueFd fd, take_inherited(in_, "in"));
        SEGUE_TRY(say(fd.get(), kListening));
        return std::unique_ptr<Listener>(std::make_unique<Door>(std::move(fd)));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        if (!taken_) {
            SEGUE_ASSIGN(taken_, take_inherited(out_, "out"));
        }
        SEGUE_TRY(hear(taken_.get(), kListening));
        SEGUE_TRY(say(taken_.get(), kConnecting));
        channel = std::make_unique<UnixStream>(std::move(taken_));
        return {};
    }

private:
    std::uint64_t out_, in_;
    UniqueFd taken_; // until the other end listens
};

constexpr segue_option options[] = {
    number_option(
        SEGUE_OPTION_UINT, "out",
        "number of the inherited, connected unix socket over which a guest leaves; 0: none", "0", 0,
        1 << 20),
    number_option(SEGUE_OPTION_UINT, "in", "number of the one over which a guest comes; 0: none",
                  "0", 0, 1 << 20),
};
constexpr Info info = {
    .summary = "an inherited unix socket, for one update",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS | SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(FdTransport, info);
