// SPDX-License-Identifier: Apache-2.0
// pty_port.hpp - a port's end that is a pseudo-terminal.
#pragma once

#include <cstdint>
#include <memory>

#include <segue/cpp/result.hpp>

#include "vmm/devices/console/pty.hpp"
#include "vmm/devices/virtio_console/host_port.hpp"

namespace segue::vmm {

// Whether anybody reads cannot be known: the oldest output gives way.
class PtyPort final : public HostPort {
public:
    // Without a master, as in a probe, it is there and nothing comes.
    static Result<std::unique_ptr<HostPort>> create(Pty pty);

    int event() const override { return epoll_.get(); }
    void watch(bool input, bool room) override;
    std::size_t read(std::span<std::byte> to) override;
    std::size_t write(std::span<const std::byte> from) override;

private:
    PtyPort(Pty pty, UniqueFd epoll);

    Pty pty_;
    UniqueFd epoll_;
    std::uint32_t watched_ = 0;
};

} // namespace segue::vmm
