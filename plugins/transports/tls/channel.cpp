// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

namespace tls {

using namespace segue;

Status TlsChannel::connect(const tcp::TcpAddress& to,
                           const std::shared_ptr<const Context>& context) {
    if (!handshake_) {
        SEGUE_TRY(to.connect(socket_));
        SEGUE_ASSIGN(handshake_, Handshake::begin(context, std::move(socket_), Role::Connects));
    }
    SEGUE_TRY(handshake_->go_on());
    open_ = handshake_->take();
    handshake_.reset();
    return {};
}

Ready TlsChannel::ready() {
    if (open_)
        return {open_->fd(), POLLIN | POLLOUT};
    if (handshake_)
        return {handshake_->fd(), POLLIN};
    return {socket_.get(), POLLOUT};
}

Result<std::uint64_t> TlsChannel::read(ConstIov to, std::vector<UniqueFd>&, std::uint32_t) {
    return open_->read(to);
}

Result<std::uint64_t> TlsChannel::write(ConstIov from, std::span<const int>) {
    return open_->write(from);
}

// A connection has nothing to make durable: END and SEAL say that no more comes.
Status TlsChannel::finish(std::uint32_t how) {
    if (how != SEGUE_FINISH_ABORT)
        return open_->end();
    open_->abort();
    return {};
}

} // namespace tls
