// SPDX-License-Identifier: Apache-2.0
// virtio_console.hpp - one port between the guest and a pseudo-terminal of the host's.
#pragma once

#include <memory>
#include <string>

#include "vmm/devices/console/pty.hpp"
#include "vmm/devices/console/ring.hpp"
#include "vmm/devices/virtio_console/state.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.3, with port 0 alone: a console, or a port with a name. The host's end never holds
// the guest up: where nobody reads, the oldest of 64 KiB give way. Input is read only while the
// port is open in the guest, and kept until the guest has room.
class VirtioConsole final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-console";

    static Result<std::unique_ptr<VirtioConsole>> create(std::string id, std::string port, Pty pty);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    bool takes_requests(unsigned index) const override { return index % 2 != 0; } // what it sends
    int event() const override { return epoll_.get(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    void start(std::uint64_t features) override;
    void save(state::Writer& section, bool settled) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    VirtioConsole(std::string id, std::string port, Pty pty, UniqueFd epoll);
    void take_input(const virtio::Queue& receive);
    void write_output();
    void watch(const virtio::Queue& receive);
    Status deliver_input(virtio::Queue& receive, const virtio::Memory& memory);
    Status tell_guest(virtio::Queue& control, const virtio::Memory& memory);
    void hear(const virtio::Chain& chain, const virtio::Memory& memory);
    void say(std::uint16_t event);

    virtio::ModelFacts facts_;
    const std::string port_; // "": a console
    Pty pty_;
    UniqueFd epoll_;
    std::uint32_t watched_ = 0;
    VirtioConsoleState s_; // but for the output
    mutable ByteRing out_{VirtioConsoleState::kOutput};
};

} // namespace segue::vmm
