// SPDX-License-Identifier: Apache-2.0
// transport.cpp - a transport that breaks one rule, which its option names; without one it keeps
// them all.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include <segue/cpp/unix_stream.hpp>

namespace {

using namespace segue;

// Takes every tenth piece, and does not send it.
class LossyStream final : public Channel {
public:
    explicit LossyStream(UniqueFd fd)
        : stream_(std::move(fd)) {}
    Ready ready() override { return stream_.ready(); }
    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>& fds,
                               std::uint32_t room) override {
        return stream_.read(to, fds, room);
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int> fds) override {
        if (++writes_ % 10 == 0)
            return from[0].len;
        return stream_.write(from, fds);
    }
    Status finish(std::uint32_t how) override { return stream_.finish(how); }

private:
    UnixStream stream_;
    unsigned writes_ = 0;
};

class BadListener final : public Listener {
public:
    BadListener(UniqueFd fd, bool waits)
        : fd_(std::move(fd))
        , waits_(waits) {}
    Ready ready() override { return {fd_.get(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        pollfd p = {fd_.get(), POLLIN, 0};
        if (waits_)
            (void)::poll(&p, 1, -1);
        SEGUE_ASSIGN(UniqueFd peer, sys::unix_accept(fd_.get()));
        return std::unique_ptr<Channel>(std::make_unique<UnixStream>(std::move(peer)));
    }

private:
    UniqueFd fd_;
    bool waits_;
};

class BadTransport final : public Transport {
public:
    BadTransport(std::string way, const sys::UnixAddress& address, std::string dir)
        : way_(std::move(way))
        , address_(address)
        , dir_(std::move(dir)) {}

    static Result<std::unique_ptr<BadTransport>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string way, config.text("way"));
        SEGUE_ASSIGN(std::string dir, config.text("dir"));
        SEGUE_ASSIGN(const auto address, sys::unix_address("bad" + dir, true));
        if (way == "leak")
            (void)::dup(2); // NOLINT
        if (way == "thread")
            std::thread([] { ::pause(); }).detach();
        if (way == "umask")
            ::umask(0);
        if (way == "signal")
            ::signal(SIGUSR1, SIG_IGN);
        if (way == "exit")
            ::exit(3);
        return std::make_unique<BadTransport>(std::move(way), address, std::move(dir));
    }
    Status check() override {
        if (way_ == "check")
            SEGUE_TRY(sys::open(dir_ + "/left", O_CREAT | O_WRONLY));
        return {};
    }
    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_ASSIGN(UniqueFd fd, sys::unix_socket());
        if (::bind(fd.get(), address_.get(), address_.size) != 0 || ::listen(fd.get(), 16) != 0)
            return Error::from_errno(errno, "listen");
        if (way_ == "file")
            SEGUE_TRY(sys::open(dir_ + "/left", O_CREAT | O_WRONLY));
        return std::unique_ptr<Listener>(
            std::make_unique<BadListener>(std::move(fd), way_ == "block"));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(UniqueFd fd, sys::unix_connect(address_));
        if (way_ == "drop")
            channel = std::make_unique<LossyStream>(std::move(fd));
        else
            channel = std::make_unique<UnixStream>(std::move(fd));
        return {};
    }

private:
    std::string way_;
    sys::UnixAddress address_;
    std::string dir_;
};

constexpr segue_option options[] = {string_option("way", "which rule to break", "none"),
                                    required(path_option("dir", "a folder"))};
constexpr Info info = {.summary = "breaks the contract",
                       .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS |
                               SEGUE_TRANSPORT_MULTI | SEGUE_TRANSPORT_BIDIRECTIONAL,
                       .options = options};

} // namespace

SEGUE_EXPORT_TRANSPORT(BadTransport, info);
