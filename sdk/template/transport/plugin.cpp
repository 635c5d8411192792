// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "acme-transport", between two processes of one host: a unix socket in the
// abstract namespace, which needs no folder. Change what is inside.
#include <segue/cpp/unix_stream.hpp>

namespace {

using namespace segue;

class AcmeListener final : public Listener {
public:
    explicit AcmeListener(UniqueFd fd)
        : fd_(std::move(fd)) {}

    Ready ready() override { return {fd_.get(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        SEGUE_ASSIGN(UniqueFd peer, sys::unix_accept(fd_.get()));
        SEGUE_TRY(sys::check_peer(peer.get())); // anybody can reach an abstract name
        return std::unique_ptr<Channel>(std::make_unique<UnixStream>(std::move(peer)));
    }

private:
    UniqueFd fd_;
};

class AcmeTransport final : public Transport {
public:
    explicit AcmeTransport(const sys::UnixAddress& address)
        : address_(address) {}

    static Result<std::unique_ptr<AcmeTransport>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(const std::string name, config.text("name"));
        SEGUE_ASSIGN(const auto address, sys::unix_address("acme-transport/" + name, true));
        return std::make_unique<AcmeTransport>(address);
    }

    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_ASSIGN(UniqueFd fd, sys::unix_socket());
        if (::bind(fd.get(), address_.get(), address_.size) != 0 || ::listen(fd.get(), 16) != 0) {
            const Code code = errno == EADDRINUSE ? Code::Exists : Code::Io;
            return Error(code, std::string("listen: ") + std::strerror(errno))
                .way_out("set another 'name'");
        }
        return std::unique_ptr<Listener>(std::make_unique<AcmeListener>(std::move(fd)));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(UniqueFd fd, sys::unix_connect(address_));
        SEGUE_TRY(sys::check_peer(fd.get()));
        channel = std::make_unique<UnixStream>(std::move(fd));
        return {};
    }

private:
    sys::UnixAddress address_;
};

constexpr segue_option options[] = {required(string_option("name", "what both sides call it"))};
constexpr Info info = {
    .summary = "a unix stream socket without a file",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS | SEGUE_TRANSPORT_MULTI |
            SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(AcmeTransport, info);
