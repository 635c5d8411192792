// SPDX-License-Identifier: Apache-2.0
// stream.hpp - the engine stream: core's own connection between the two sides of one update, which
// no mode sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/wait.hpp"

namespace segue::update {

class Channel;

enum class MessageType : std::uint32_t {
    Hello = 1,   // outgoing: the machine manifest; with it the ownership record, where there is one
    Ready = 2,   // incoming: complete and rehearsed
    Refused = 3, // incoming: why not
    Go = 4,      // outgoing: the word says OFFERED
    Loaded = 5,  // incoming: the state is in; only where no word is shared, or in a rehearsal
    Run = 6,     // outgoing: relinquished; only where no word is shared
    Running = 7, // incoming: the guest runs here; between two hosts echoed: that was heard
    Welcome = 8, // incoming: HELLO is accepted, the channels listen
    Items = 9,   // outgoing, to a holder: descriptors of the inventory, by name; none: that was all
    Rehearsed = 11, // incoming, in a rehearsal: a save would say the same
    Hold = 10,      // outgoing, to a holder: the control socket is yours to answer 503 on
};

struct Message {
    MessageType type = MessageType::Refused;
    std::vector<std::byte> body;
    std::vector<UniqueFd> fds;
};

inline constexpr std::size_t kMaxMessage = 4u << 20; // bytes

// Move-only owner of one connected stream socket; or, between two hosts, of a connection over a
// transport, which carries no descriptors. [update]
class Stream {
public:
    Stream();
    explicit Stream(UniqueFd connected);
    explicit Stream(Channel connected);
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    Status send(MessageType type, std::span<const std::byte> body, std::span<const int> fds,
                const Waiter& wait) const;
    // CLOSED at a hang-up, CORRUPT for what is no message.
    Result<Message> receive(const Waiter& wait) const;
    // The same, but any other type is an error; REFUSED carries the other side's own words.
    Result<Message> expect(MessageType type, const Waiter& wait) const;

    // For a Refused body: an Error crosses as a state container.
    Status refuse(const Error& why, const Waiter& wait) const;

    // -1 where it goes over a transport.
    int fd() const { return fd_.get(); }
    void close();

private:
    Status send_over_channel(MessageType type, std::span<const std::byte> body,
                             const Waiter& wait) const;
    Result<Message> receive_over_channel(const Waiter& wait) const;

    UniqueFd fd_;
    std::unique_ptr<Channel> channel_;
};

// Why the other side refuses, from its message REFUSED.
Error refusal(const Message& message);
// The same, where that was still on its way when something else broke; what came before is skipped.
std::optional<Error> last_refusal(const Stream& stream, const Waiter& wait);

} // namespace segue::update
