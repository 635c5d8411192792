// SPDX-License-Identifier: Apache-2.0
#include "core/update/stream.hpp"

#include <array>
#include <cstring>

#include <segue/cpp/fd_passing.hpp>

#include "core/state/error_codec.hpp"
#include "core/update/channel.hpp"

namespace segue::update {

namespace {

constexpr std::uint32_t kMagic = 0x31574745; // "EGW1"

struct RawMessage {
    std::uint32_t magic, type, length, fds;
};

// All of `out`, and the descriptors that come along.
Status receive_all(int fd, std::span<std::byte> out, std::vector<UniqueFd>& fds,
                   const Waiter& wait) {
    while (!out.empty()) {
        const segue_iov iov = {out.data(), out.size()};
        auto n = sys::recv_fds(fd, {&iov, 1}, fds);
        if (n.code() == Code::Again) {
            SEGUE_TRY(wait.until(fd, POLLIN));
            continue;
        }
        if (!n)
            return std::move(n).error();
        out = out.subspan(*n);
    }
    return {};
}

} // namespace

Stream::Stream() = default;
Stream::Stream(UniqueFd connected)
    : fd_(std::move(connected)) {}
Stream::Stream(Channel connected)
    : channel_(std::make_unique<Channel>(std::move(connected))) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

void Stream::close() {
    fd_.reset();
    channel_.reset();
}

Status Stream::send_over_channel(MessageType type, std::span<const std::byte> body,
                                 const Waiter& wait) const {
    auto number = static_cast<std::uint32_t>(type);
    const std::array<segue_iov, 2> pieces = {
        {{&number, sizeof number}, {const_cast<std::byte*>(body.data()), body.size()}}};
    return channel_->send(Frame::Engine, pieces, {}, wait);
}

Result<Message> Stream::receive_over_channel(const Waiter& wait) const {
    Message m;
    std::uint32_t number = 0;
    SEGUE_ASSIGN(const FrameHeader h,
                 channel_->expect(Frame::Engine, kMaxMessage + sizeof number, wait));
    if (h.length < sizeof number)
        return Error(Code::Corrupt, "a message of the engine stream without a type");
    SEGUE_TRY(channel_->receive(std::as_writable_bytes(std::span(&number, 1)), wait));
    m.type = static_cast<MessageType>(number);
    m.body.resize(h.length - sizeof number);
    SEGUE_TRY(channel_->receive(m.body, wait));
    return m;
}

Status Stream::send(MessageType type, std::span<const std::byte> body, std::span<const int> fds,
                    const Waiter& wait) const {
    if (body.size() > kMaxMessage)
        return Error(Code::Invalid, "a message of " + std::to_string(body.size()) +
                                        " bytes is too large for the engine stream");
    if (channel_)
        return send_over_channel(type, body, wait);
    RawMessage frame = {kMagic, static_cast<std::uint32_t>(type),
                        static_cast<std::uint32_t>(body.size()),
                        static_cast<std::uint32_t>(fds.size())};
    std::array<segue_iov, 2> iov = {
        {{&frame, sizeof frame}, {const_cast<std::byte*>(body.data()), body.size()}}};
    std::size_t first = 0;
    while (first < iov.size()) {
        auto n = sys::send_fds(fd_.get(), std::span(iov).subspan(first), fds);
        if (n.code() == Code::Again) {
            SEGUE_TRY(wait.until(fd_.get(), POLLOUT));
            continue;
        }
        if (!n)
            return std::move(n).error();
        fds = {};
        for (std::size_t left = *n; first < iov.size();) {
            const std::size_t here = std::min<std::size_t>(left, iov[first].len);
            iov[first].base = static_cast<std::byte*>(iov[first].base) + here;
            iov[first].len -= here;
            left -= here;
            if (iov[first].len != 0)
                break;
            ++first;
        }
    }
    return {};
}

Result<Message> Stream::receive(const Waiter& wait) const {
    if (channel_)
        return receive_over_channel(wait);
    Message m;
    RawMessage frame = {};
    SEGUE_TRY(receive_all(fd_.get(), std::as_writable_bytes(std::span(&frame, 1)), m.fds, wait));
    if (frame.magic != kMagic || frame.length > kMaxMessage)
        return Error(Code::Corrupt,
                     "the engine stream carries something else than Segue's messages");
    m.type = static_cast<MessageType>(frame.type);
    m.body.resize(frame.length);
    SEGUE_TRY(receive_all(fd_.get(), m.body, m.fds, wait));
    if (m.fds.size() != frame.fds)
        return Error(Code::Corrupt, "the engine stream lost a descriptor on the way");
    return m;
}

Result<Message> Stream::expect(MessageType type, const Waiter& wait) const {
    SEGUE_ASSIGN(Message m, receive(wait));
    if (m.type == MessageType::Refused)
        return refusal(m);
    if (m.type != type)
        return Error(Code::Corrupt,
                     "the other side sent message " +
                         std::to_string(static_cast<std::uint32_t>(m.type)) + " where " +
                         std::to_string(static_cast<std::uint32_t>(type)) + " was due");
    return m;
}

// What a code says of the other side's own waits must not be read as ours: a CLOSED of its own is
// no end of it, a PAUSED no doubt who owns the guest.
Error refusal(const Message& message) {
    Error said = state::decode_error(message.body);
    switch (said.code()) {
    case Code::Again:
    case Code::Cancelled:
    case Code::Deadline:
    case Code::Phase:
    case Code::Paused:
    case Code::Closed: {
        Error refused = Error(Code::Refused, said.what()).way_out(said.way_out());
        for (const auto& [key, value] : said.details())
            refused = std::move(refused).with(key, value);
        return refused;
    }
    default:
        return said;
    }
}

std::optional<Error> last_refusal(const Stream& stream, const Waiter& wait) {
    while (const auto m = stream.receive(wait))
        if (m->type == MessageType::Refused)
            return refusal(*m);
    return std::nullopt;
}

Status Stream::refuse(const Error& why, const Waiter& wait) const {
    return send(MessageType::Refused, state::encode_error(why), {}, wait);
}

} // namespace segue::update
