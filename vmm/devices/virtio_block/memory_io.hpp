// SPDX-License-Identifier: Apache-2.0
// memory_io.hpp - a host whose disk is a buffer and which answers when it is told to, for tests.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include <segue/cpp/sys.hpp>

#include "vmm/devices/virtio_block/host_io.hpp"

namespace segue::vmm {

class MemoryIo final : public HostIo {
public:
    // What the host has, which outlives its users.
    struct Host {
        explicit Host(std::size_t bytes)
            : disk(bytes) {}
        std::vector<std::byte> disk;
        std::mutex mutex;
        bool hold = false;                 // answers nothing
        std::size_t most = ~std::size_t{}; // bytes of one answer
        std::function<int(HostRequest::Kind)> error = [](HostRequest::Kind) { return 0; };
        std::vector<HostRequest::Kind> seen;
    };

    explicit MemoryIo(Host& host)
        : host_(host)
        , event_(sys::event().value()) {}

    void prepare(const HostRequest& request, std::uint64_t token) override {
        prepared_.push_back({&request, token});
    }
    void submit() override {
        const std::lock_guard lock(host_.mutex);
        asked_.insert(asked_.end(), prepared_.begin(), prepared_.end());
        prepared_.clear();
        if (!asked_.empty())
            sys::signal_event(event_.get());
    }
    int event() const override { return event_.get(); }
    std::optional<HostAnswer> next() override {
        const std::lock_guard lock(host_.mutex);
        if (asked_.empty() || host_.hold) {
            sys::clear_event(event_.get());
            return std::nullopt;
        }
        const auto [request, token] = asked_.front();
        asked_.pop_front();
        return HostAnswer{token, answer(*request)};
    }
    // How many it has been asked and has not answered. [test]
    std::size_t waiting() const {
        const std::lock_guard lock(host_.mutex);
        return asked_.size();
    }
    // From here on the host answers. [test]
    void let_go() {
        const std::lock_guard lock(host_.mutex);
        host_.hold = false;
        sys::signal_event(event_.get());
    }

private:
    std::int32_t answer(const HostRequest& r) {
        host_.seen.push_back(r.kind);
        if (const int e = host_.error(r.kind); e != 0)
            return -e;
        using Kind = HostRequest::Kind;
        if (r.kind == Kind::PunchHole || r.kind == Kind::ZeroRange)
            std::memset(host_.disk.data() + r.offset, 0, r.bytes);
        if (r.kind != Kind::Read && r.kind != Kind::Write && r.kind != Kind::DurableWrite)
            return 0;
        std::size_t done = 0;
        for (const iovec& piece : r.pieces) {
            const std::size_t n = std::min(piece.iov_len, host_.most - done);
            std::byte* const at = host_.disk.data() + r.offset + done;
            if (r.kind == Kind::Read)
                std::memcpy(piece.iov_base, at, n);
            else
                std::memcpy(at, piece.iov_base, n);
            done += n;
        }
        return static_cast<std::int32_t>(done);
    }
    struct Asked {
        const HostRequest* request;
        std::uint64_t token;
    };
    Host& host_;
    UniqueFd event_;
    std::deque<Asked> prepared_, asked_;
};

} // namespace segue::vmm
