// SPDX-License-Identifier: Apache-2.0
// transport.hpp - a transport plugin in C++: derive from the three classes, then
// SEGUE_EXPORT_TRANSPORT(YourTransport, info). <segue/abi/transport.h> says what each must do.
#pragma once

#include <poll.h>

#include <memory>
#include <vector>

#include <segue/abi/transport.h>
#include <segue/cpp/plugin.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue {

using ConstIov = std::span<const segue_iov>;

// What to poll: a borrowed fd (-1: none, wait a little) and poll(2) events.
struct Ready {
    int fd = -1;
    std::uint32_t events = 0;
};

// What a listener and a channel have in common. Nothing in them ever blocks: they answer
// Code::Again. Destroying one releases it. [one thread at a time per direction]
class TransportHandle {
public:
    virtual ~TransportHandle() = default;
    TransportHandle(const TransportHandle&) = delete;
    TransportHandle& operator=(const TransportHandle&) = delete;
    virtual Ready ready() = 0;

protected:
    TransportHandle() = default;
};

class Channel : public TransportHandle {
public:
    // Gives the bytes read, at least one; Closed at the end. Descriptors that came along are
    // appended to `fds`; more than `room` is an error that the caller of this makes.
    virtual Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>& fds,
                                       std::uint32_t room) = 0;
    // Gives the bytes taken, at least one; the fds are borrowed and go with the first byte.
    virtual Result<std::uint64_t> write(ConstIov from, std::span<const int> fds) = 0;
    virtual Status finish(std::uint32_t how) = 0; // SEGUE_FINISH_*

    // Only of transports that are SEEKABLE.
    virtual Result<std::uint64_t> read_at(std::uint64_t, ConstIov) { return not_seekable(); }
    virtual Result<std::uint64_t> write_at(std::uint64_t, ConstIov) { return not_seekable(); }
    virtual Result<int> backing() { return not_seekable(); } // borrowed

private:
    static Error not_seekable() { return {Code::Unsupported, "this transport cannot seek"}; }
};

class Listener : public TransportHandle {
public:
    virtual Result<std::unique_ptr<Channel>> accept() = 0;
};

// A derived class has `static Result<std::unique_ptr<T>> create(const Config&, const Host&)`.
class Transport {
public:
    virtual ~Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    virtual Status check() { return {}; }
    virtual Result<std::unique_ptr<Listener>> listen() = 0;
    // Called again with the same `channel` (empty at first) as long as it answers Again.
    virtual Status connect(std::unique_ptr<Channel>& channel) = 0;

protected:
    Transport() = default;
};

} // namespace segue

#include <segue/cpp/transport_table.hpp>
