// SPDX-License-Identifier: Apache-2.0
// unix_stream.hpp - a transport's Channel over a connected unix stream socket, descriptors
// included.
#pragma once

#include <segue/cpp/fd_passing.hpp>
#include <segue/cpp/socket.hpp>
#include <segue/cpp/transport.hpp>

namespace segue {

class UnixStream final : public Channel {
public:
    explicit UnixStream(UniqueFd fd)
        : fd_(std::move(fd)) {}

    // Of both directions: the host polls for the one that it waits for.
    Ready ready() override { return {fd_.get(), POLLIN | POLLOUT}; }

    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>& fds, std::uint32_t) override {
        return sys::recv_fds(fd_.get(), to, fds);
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int> fds) override {
        return sys::send_fds(fd_.get(), from, fds);
    }
    // A socket has nothing to make durable: END and SEAL are a half-close.
    Status finish(std::uint32_t how) override {
        const int what = how == SEGUE_FINISH_ABORT ? SHUT_RDWR : SHUT_WR;
        if (::shutdown(fd_.get(), what) != 0 && errno != ENOTCONN)
            return Error::from_errno(errno, "shutdown");
        return {};
    }

private:
    UniqueFd fd_;
};

} // namespace segue
