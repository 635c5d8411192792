// SPDX-License-Identifier: Apache-2.0
// spoilt.cpp - transport "spoilt": a unix socket that spoils what the outgoing side writes, from
// one byte of the state on.
#include <algorithm>
#include <vector>

#include "plugins/transports/unix/address.hpp"

#include <segue/cpp/unix_stream.hpp>

namespace {

using namespace segue;

// The state container begins behind the preamble's frame and its own frame's header.
constexpr std::uint64_t kFrameHeader = 24, kPreamble = 56;
constexpr std::uint64_t kState = kFrameHeader + kPreamble + kFrameHeader;

enum class Way {
    None,
    Flip,  // one bit of the byte
    Cut,   // nothing from there on, and the end
    Lose,  // nothing from there on, and no end: the writer believes that it went
    Stall, // nothing from there on is taken
};

Way way_of(const std::string& text) {
    constexpr const char* names[] = {"none", "flip", "cut", "lose", "stall"};
    const auto at = std::find(std::begin(names), std::end(names), text);
    return static_cast<Way>(at - std::begin(names));
}

class SpoiltStream final : public Channel {
public:
    SpoiltStream(UniqueFd fd, Way way, std::uint64_t at)
        : wire_(std::move(fd))
        , way_(way)
        , at_(kState + at) {}

    Ready ready() override { return stalls_ ? Ready{} : wire_.ready(); }
    Status finish(std::uint32_t how) override { return wire_.finish(how); }
    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>& fds,
                               std::uint32_t room) override {
        return wire_.read(to, fds, room);
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int> fds) override {
        const segue_iov& piece = from.front();
        if (way_ == Way::None || sent_ + piece.len <= at_)
            return pass(piece, fds);
        if (sent_ < at_) // up to the byte
            return pass({piece.base, at_ - sent_}, fds);
        switch (way_) {
        case Way::Flip: {
            std::byte spoilt = *static_cast<std::byte*>(piece.base) ^ std::byte{1};
            SEGUE_ASSIGN(const std::uint64_t n, pass({&spoilt, 1}, fds)); // AGAIN: not yet
            way_ = Way::None;
            return n;
        }
        case Way::Cut:
            SEGUE_TRY(wire_.finish(SEGUE_FINISH_END));
            return piece.len;
        case Way::Lose:
            return piece.len;
        default:
            stalls_ = true;
            return Error(Code::Again, "stalled");
        }
    }

private:
    Result<std::uint64_t> pass(segue_iov piece, std::span<const int> fds) {
        SEGUE_ASSIGN(const std::uint64_t n, wire_.write({&piece, 1}, fds));
        sent_ += n;
        return n;
    }

    UnixStream wire_;
    Way way_;
    std::uint64_t at_, sent_ = 0;
    bool stalls_ = false;
};

class PlainListener final : public Listener {
public:
    explicit PlainListener(unix_transport::Address address)
        : address_(std::move(address)) {}
    Ready ready() override { return {address_.fd(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        SEGUE_ASSIGN(UniqueFd peer, sys::unix_accept(address_.fd()));
        return std::unique_ptr<Channel>(std::make_unique<UnixStream>(std::move(peer)));
    }

private:
    unix_transport::Address address_;
};

class Spoilt final : public Transport {
public:
    Spoilt(std::string path, Way way, std::uint64_t at)
        : path_(std::move(path))
        , way_(way)
        , at_(at) {}
    static Result<std::unique_ptr<Spoilt>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        SEGUE_ASSIGN(const std::string way, config.text("way"));
        SEGUE_ASSIGN(const std::uint64_t at, config.number("at"));
        return std::make_unique<Spoilt>(std::move(path), way_of(way), at);
    }
    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_ASSIGN(auto address, unix_transport::Address::take(path_, 1));
        return std::unique_ptr<Listener>(std::make_unique<PlainListener>(std::move(address)));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(const auto to, sys::unix_address(path_));
        SEGUE_ASSIGN(UniqueFd fd, sys::unix_connect(to));
        channel = std::make_unique<SpoiltStream>(std::move(fd), way_, at_);
        return {};
    }

private:
    std::string path_;
    Way way_;
    std::uint64_t at_;
};

constexpr segue_option options[] = {
    path_option("path", "the socket's file; left out: in the guest's run directory"),
    string_option("way", "none, flip, cut, lose or stall", "none"),
    number_option(SEGUE_OPTION_UINT, "at", "the first byte of the state that is spoilt", "0"),
};
constexpr Info info = {.summary = "spoils what it carries",
                       .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS |
                               SEGUE_TRANSPORT_BIDIRECTIONAL,
                       .options = options};

} // namespace

SEGUE_EXPORT_TRANSPORT(Spoilt, info);
