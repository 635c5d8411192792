// SPDX-License-Identifier: Apache-2.0
// transport.hpp - transport plugins, as core uses them. Nothing here blocks: Code::Again means poll
// what ready() names, then call again.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <segue/abi/transport.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/plugin/adapters/call.hpp"

namespace segue::plugin {

using TransportInstance = std::shared_ptr<Instance<segue_transport>>;

enum class Direction { Read, Write };

// What to poll(2): a borrowed fd (-1: none, wait a little) and events.
struct Ready {
    int fd = -1;
    short events = 0;
};

// A listener or a channel of a plugin; move-only, released at its end.
class TransportHandle {
public:
    TransportHandle() = default;
    TransportHandle(TransportInstance instance, void* handle)
        : instance_(std::move(instance))
        , handle_(handle) {}
    TransportHandle(TransportHandle&& o) noexcept
        : instance_(std::move(o.instance_))
        , handle_(std::exchange(o.handle_, nullptr)) {}
    TransportHandle& operator=(TransportHandle&& o) noexcept;
    TransportHandle(const TransportHandle&) = delete;
    TransportHandle& operator=(const TransportHandle&) = delete;
    ~TransportHandle() { release(); }

    explicit operator bool() const { return handle_ != nullptr; }
    // A plugin that names events of both directions is polled for `direction` alone.
    Ready ready(Direction direction) const;
    void release();

protected:
    friend class Transport;
    const segue_transport& table() const { return instance_->table; }

    TransportInstance instance_;
    void* handle_ = nullptr;
};

// One connection. Both directions may be used at a time, each by one thread.
class Channel : public TransportHandle {
public:
    using TransportHandle::TransportHandle;

    // Bytes read, at least one; Closed at the end. Descriptors that came along are appended.
    Result<std::uint64_t> read(std::span<const segue_iov> to, std::vector<UniqueFd>& fds);
    // Bytes taken, at least one; the fds (borrowed, at most SEGUE_TRANSPORT_MAX_FDS) are on their
    // way then.
    Result<std::uint64_t> write(std::span<const segue_iov> from, std::span<const int> fds = {});
    Status finish(std::uint32_t how); // SEGUE_FINISH_*

    bool seekable() const { return (table().caps & SEGUE_TRANSPORT_SEEKABLE) != 0; }
    // Unsupported unless it is.
    Result<std::uint64_t> read_at(std::uint64_t at, std::span<const segue_iov> to);
    Result<std::uint64_t> write_at(std::uint64_t at, std::span<const segue_iov> from);
    Result<int> backing(); // borrowed

private:
    Result<std::uint64_t> moved(const char* function, const Status& status, std::uint64_t done,
                                std::span<const segue_iov> iov) const;
};

class Listener : public TransportHandle {
public:
    using TransportHandle::TransportHandle;
    Result<Channel> accept();
};

// One configured transport. Listeners and channels keep the plugin's instance alive. [update]
class Transport {
public:
    static Result<Transport> create(const LoadedPlugin& plugin, const PluginConfig& config);

    std::uint64_t caps() const { return instance_->table.caps; }
    const std::string& name() const { return instance_->name(); }
    // Whether this host could serve such a channel; creates nothing.
    Status check();
    Result<Listener> listen();
    // Again: nobody listens yet, or the connection is being made: call again with the same
    // `channel`, which is empty at first and may be polled once it is not. Any other error leaves
    // it empty.
    Status connect(Channel& channel);

private:
    explicit Transport(TransportInstance instance)
        : instance_(std::move(instance)) {}
    TransportInstance instance_;
};

} // namespace segue::plugin
