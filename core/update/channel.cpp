// SPDX-License-Identifier: Apache-2.0
#include "core/update/channel.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/update/raw_frame.hpp"

namespace segue::update {

struct RawPreamble {
    std::uint32_t format, index;
    Nonce nonce;
    char name[32];
};

namespace {

constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kMaxPieces = 8;

// Moves `pieces` on by `n` bytes; gives what is left.
std::span<segue_iov> advance(std::span<segue_iov> pieces, std::uint64_t n) {
    while (!pieces.empty() && n >= pieces.front().len) {
        n -= pieces.front().len;
        pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) {
        pieces.front().base = static_cast<std::byte*>(pieces.front().base) + n;
        pieces.front().len -= n;
    }
    return pieces;
}

RawPreamble preamble(const Nonce& nonce, std::uint32_t index, const std::string& name) {
    RawPreamble p = {kFormat, index, nonce, {}};
    std::strncpy(p.name, name.c_str(), sizeof p.name - 1);
    return p;
}

} // namespace

Status Channel::wait_ready(plugin::Direction direction, const Waiter& wait) {
    const plugin::Ready ready = wire_.ready(direction);
    Status s = ready.fd < 0 ? wait.nap(1) : wait.until(ready.fd, ready.events);
    if (s)
        return s;
    return std::move(s).error().while_doing("wait for channel " + name_).with("channel", name_);
}

Status Channel::write_all(std::span<segue_iov> pieces, std::span<const int> fds,
                          const Waiter& wait) {
    while (!pieces.empty()) {
        auto n = seeks_ ? wire_.write_at(position_, pieces) : wire_.write(pieces, fds);
        if (n.code() == Code::Again) {
            SEGUE_TRY(wait_ready(plugin::Direction::Write, wait));
            continue;
        }
        if (!n)
            return std::move(n).error().with("channel", name_);
        fds = {};
        position_ += *n;
        pieces = advance(pieces, *n);
    }
    return {};
}

void Channel::seek(std::uint64_t at) {
    position_ = at;
    seeks_ = true;
}

Status Channel::write_at(std::uint64_t at, std::span<const std::byte> bytes, const Waiter& wait) {
    const std::uint64_t frames = std::exchange(position_, at);
    const bool sought = std::exchange(seeks_, true);
    segue_iov piece = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    const Status s = write_all({&piece, bytes.empty() ? 0u : 1u}, {}, wait);
    position_ = frames;
    seeks_ = sought;
    return s;
}

Status Channel::read_at(std::uint64_t at, std::span<std::byte> out, const Waiter& wait) {
    const std::uint64_t frames = std::exchange(position_, at);
    const bool sought = std::exchange(seeks_, true);
    const Status s = receive(out, wait);
    position_ = frames;
    seeks_ = sought;
    return s;
}

Status Channel::send(Frame type, std::span<const segue_iov> pieces, std::span<const int> fds,
                     const Waiter& wait) {
    if (pieces.size() > kMaxPieces)
        return Error(Code::Invalid, "too many pieces in one message");
    std::array<segue_iov, kMaxPieces + 1> all;
    RawHeader h = {kFrameMagic, static_cast<std::uint32_t>(type),
                   static_cast<std::uint32_t>(fds.size()), 0, 0};
    all[0] = {&h, sizeof h};
    std::size_t n = 1;
    for (const segue_iov& piece : pieces) {
        h.length += piece.len;
        if (piece.len != 0)
            all[n++] = piece;
    }
    ++sent_;
    return write_all(std::span(all).first(n), fds, wait);
}

Status Channel::send(Frame type, std::span<const std::byte> bytes, std::span<const int> fds,
                     const Waiter& wait) {
    const segue_iov piece = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    return send(type, {&piece, 1}, fds, wait);
}

Result<FrameHeader> Channel::next(std::uint64_t limit, const Waiter& wait) {
    RawHeader h = {};
    SEGUE_TRY(receive(std::as_writable_bytes(std::span(&h, 1)), wait));
    if (h.magic != kFrameMagic)
        return Error(Code::Corrupt, "channel " + name_ + " carries something else than frames")
            .with("channel", name_);
    if (h.length > limit)
        return Error(Code::Corrupt, "channel " + name_ + " announced " + std::to_string(h.length) +
                                        " bytes, more than the " + std::to_string(limit) +
                                        " that can be")
            .with("channel", name_);
    ++received_;
    return FrameHeader{static_cast<Frame>(h.type), h.fds, h.length};
}

Result<FrameHeader> Channel::expect(Frame type, std::uint64_t limit, const Waiter& wait) {
    SEGUE_ASSIGN(const FrameHeader h, next(limit, wait));
    if (h.type == type)
        return h;
    return unexpected(h, type);
}

Error Channel::unexpected(const FrameHeader& came, Frame due) const {
    const auto number = [](Frame f) { return std::to_string(static_cast<std::uint32_t>(f)); };
    return Error(Code::Corrupt, "channel " + name_ + " brought a frame of type " +
                                    number(came.type) + " where " + number(due) + " was due")
        .way_out("both sides must use the same mode: compare 'segue plugins' of both versions")
        .with("channel", name_);
}

Status Channel::receive(std::span<std::byte> out, const Waiter& wait) {
    while (!out.empty()) {
        const segue_iov piece = {out.data(), out.size()};
        auto n = seeks_ ? wire_.read_at(position_, {&piece, 1}) : wire_.read({&piece, 1}, fds_);
        if (n.code() == Code::Again) {
            SEGUE_TRY(wait_ready(plugin::Direction::Read, wait));
            continue;
        }
        if (!n)
            return std::move(n).error().with("channel", name_);
        position_ += *n;
        out = out.subspan(*n);
    }
    return {};
}

Status Channel::greet(const Nonce& nonce, std::uint32_t index, const Waiter& wait) {
    const RawPreamble p = preamble(nonce, index, name_);
    return send(Frame::Preamble, std::as_bytes(std::span(&p, 1)), {}, wait);
}

Result<RawPreamble> Channel::receive_preamble(const Waiter& wait) {
    SEGUE_ASSIGN(const FrameHeader h, expect(Frame::Preamble, sizeof(RawPreamble), wait));
    RawPreamble got = {};
    if (h.length != sizeof got)
        return Error(Code::Corrupt, "channel " + name_ + ": short preamble");
    SEGUE_TRY(receive(std::as_writable_bytes(std::span(&got, 1)), wait));
    return got;
}

Status Channel::greeted(const Nonce& nonce, std::uint32_t index, const Waiter& wait) {
    SEGUE_ASSIGN(const RawPreamble got, receive_preamble(wait));
    const RawPreamble want = preamble(nonce, index, name_);
    if (std::memcmp(&got, &want, sizeof got) != 0)
        return Error(Code::Refused, "somebody else connected to channel " + name_)
            .with("channel", name_);
    return {};
}

Result<Channel::Greeting> Channel::greeted_by_any(const Waiter& wait) {
    SEGUE_ASSIGN(const RawPreamble got, receive_preamble(wait));
    if (got.format != kFormat || std::memchr(got.name, 0, sizeof got.name) == nullptr)
        return Error(Code::Refused, "a connection of another format");
    name_ = got.name;
    return Greeting{got.nonce, got.index};
}

Status Channel::greeted_at_rest(const Waiter& wait) {
    SEGUE_ASSIGN(const RawPreamble got, receive_preamble(wait));
    const RawPreamble want = preamble(got.nonce, 0, name_);
    if (std::memcmp(&got, &want, sizeof got) != 0)
        return Error(Code::Refused, "channel " + name_ +
                                        " was written as another channel, or by "
                                        "another version")
            .with("channel", name_);
    return {};
}

Status Channel::end(const Waiter& wait) {
    const std::uint64_t frames = sent_;
    return send(Frame::End, std::as_bytes(std::span(&frames, 1)), {}, wait);
}

Status Channel::ended(const FrameHeader& last, const Waiter& wait) {
    const auto wrong = [this](const std::string& why) {
        return Error(Code::Corrupt, "what rests on channel " + name_ + " is not whole: " + why)
            .way_out("check the disk or the command behind update.channels." + name_)
            .with("channel", name_);
    };
    std::uint64_t written = 0;
    if (last.type != Frame::End || last.length != sizeof written)
        return wrong("something else stands where its end was due");
    SEGUE_TRY(receive(std::as_writable_bytes(std::span(&written, 1)), wait));
    const std::uint64_t came = received_ - 1; // without this one
    if (written != came)
        return wrong(std::to_string(written) + " frames were written, " + std::to_string(came) +
                     " came");
    std::byte more{};
    Status s = receive({&more, 1}, wait);
    if (s)
        return wrong("something stands behind its end");
    return s.code() == Code::Closed ? Status() : s;
}

Status Channel::finish(std::uint32_t how, const Waiter& wait) {
    for (;;) {
        Status s = wire_.finish(how);
        if (s.code() != Code::Again)
            return s;
        SEGUE_TRY(wait_ready(plugin::Direction::Write, wait));
    }
}

const std::uint64_t Channel::kHeader = sizeof(RawHeader);
const std::uint64_t Channel::kManifestOffset = 2 * sizeof(RawHeader) + sizeof(RawPreamble);

} // namespace segue::update
