// SPDX-License-Identifier: Apache-2.0
// host_port.hpp - the host's end of a console's port.
#pragma once

#include <cstddef>
#include <span>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// Never blocks. [device's worker]
class HostPort {
public:
    virtual ~HostPort() = default;
    HostPort(const HostPort&) = delete;
    HostPort& operator=(const HostPort&) = delete;

    // Whether output waits for its reader; else the oldest gives way to the newest.
    bool lossless() const { return lossless_; }
    // Readable when something that is watched can be done. [any]
    virtual int event() const = 0;
    virtual void watch(bool input, bool room) = 0;
    // How many bytes; 0: none for now.
    virtual std::size_t read(std::span<std::byte> to) = 0;
    virtual std::size_t write(std::span<const std::byte> from) = 0;

    // As virtio::Model's park() and unpark(); arrive() is the next generation's, as often as a
    // state is loaded. [update]
    virtual Status park() { return {}; }
    virtual void unpark() noexcept {}
    virtual Status arrive() { return {}; }

protected:
    explicit HostPort(bool lossless)
        : lossless_(lossless) {}

private:
    const bool lossless_;
};

} // namespace segue::vmm
