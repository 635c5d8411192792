// SPDX-License-Identifier: Apache-2.0
// channel.hpp - one channel of a mode: the host's frames over a transport's bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/wait.hpp"
#include "core/plugin/adapters/transport.hpp"
#include "core/update/runs.hpp"

namespace segue::update {

// What follows a frame's header. Numbers are part of the wire format.
enum class Frame : std::uint32_t {
    Preamble = 1,  // first on every connection of a PEER
    Inventory = 2, // descriptors; answered by Ack
    Ack = 3,
    State = 4,      // a whole state container
    Pages = 5,      // a Run, then its bytes unless it is zero
    Mode = 6,       // the mode's own bytes
    Manifest = 7,   // the machine manifest: first on "main" where no peer could be told otherwise
    RamEnd = 8,     // no more Pages: the RunTotals of those before
    End = 9,        // last on a channel that rests: the number of frames before
    RamPlaces = 10, // where RAM lies in the channel's file, beside the frames, which go on behind
    Engine = 11,    // a message of the engine's own: on a connection named "engine" only
};

struct FrameHeader {
    Frame type = Frame::Preamble;
    std::uint32_t fds = 0;
    std::uint64_t length = 0; // bytes that follow
};

using Nonce = std::array<std::byte, 16>;

// Move-only owner of one open channel. One thread at a time.
class Channel {
public:
    Channel(plugin::Channel wire, std::string name)
        : wire_(std::move(wire))
        , name_(std::move(name)) {}

    // At most 8 pieces; `fds` (128 at most) go with the first byte.
    Status send(Frame type, std::span<const segue_iov> pieces, std::span<const int> fds,
                const Waiter& wait);
    Status send(Frame type, std::span<const std::byte> bytes, std::span<const int> fds,
                const Waiter& wait);
    // The header of the next frame; CORRUPT where it is another than `type` or longer than `limit`.
    Result<FrameHeader> expect(Frame type, std::uint64_t limit, const Waiter& wait);
    // The header of the next frame, whatever it is. CORRUPT: longer than `limit`.
    Result<FrameHeader> next(std::uint64_t limit, const Waiter& wait);
    // What to say of a frame that is not the one that was due.
    Error unexpected(const FrameHeader& came, Frame due) const;
    // The bytes that follow it, in one or several calls; their descriptors gather in fds().
    Status receive(std::span<std::byte> out, const Waiter& wait);
    std::vector<UniqueFd>& fds() { return fds_; }

    // The first words on a connection: {magic, format, nonce, name, index}.
    Status greet(const Nonce& nonce, std::uint32_t index, const Waiter& wait);
    Status greeted(const Nonce& nonce, std::uint32_t index, const Waiter& wait);
    // Whoever it is: takes the name that was said, and says the rest.
    struct Greeting {
        Nonce nonce;
        std::uint32_t index;
    };
    Result<Greeting> greeted_by_any(const Waiter& wait);
    // The same from a channel that was written before this process knew of it: any nonce will do.
    Status greeted_at_rest(const Waiter& wait);
    // What a channel that rests ends with; nothing is sent after it.
    Status end(const Waiter& wait);
    // The frame that stands where that is due. CORRUPT unless it is that, of all frames that came,
    // and the end of the transport's bytes follows.
    Status ended(const FrameHeader& last, const Waiter& wait);
    // SEGUE_FINISH_*; waits until it is done.
    Status finish(std::uint32_t how, const Waiter& wait);

    // Bytes of a frame's header.
    static const std::uint64_t kHeader;
    // Where the manifest's bytes begin on a seekable "main".
    static const std::uint64_t kManifestOffset;

    plugin::Channel& wire() { return wire_; }
    const std::string& name() const { return name_; }
    ChannelRam& ram() { return ram_; }

    // Of the next frame in the channel's bytes.
    std::uint64_t position() const { return position_; }
    // Only where wire().seekable(): the next frame lies at `at`. Beside the frames: write_at() and
    // read_at(), all of `bytes`.
    void seek(std::uint64_t at);
    Status write_at(std::uint64_t at, std::span<const std::byte> bytes, const Waiter& wait);
    Status read_at(std::uint64_t at, std::span<std::byte> out, const Waiter& wait);

private:
    Result<struct RawPreamble> receive_preamble(const Waiter& wait);
    Status write_all(std::span<segue_iov> pieces, std::span<const int> fds, const Waiter& wait);
    Status wait_ready(plugin::Direction direction, const Waiter& wait);

    plugin::Channel wire_;
    std::string name_;
    std::vector<UniqueFd> fds_;
    std::uint64_t sent_ = 0, received_ = 0; // frames
    std::uint64_t position_ = 0;
    bool seeks_ = false; // the transport does not know the position any more
    ChannelRam ram_;
};

} // namespace segue::update
