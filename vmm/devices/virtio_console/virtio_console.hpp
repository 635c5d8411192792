// SPDX-License-Identifier: Apache-2.0
// virtio_console.hpp - one port between the guest and the host.
#pragma once

#include <memory>
#include <string>

#include "vmm/devices/console/ring.hpp"
#include "vmm/devices/virtio_console/host_port.hpp"
#include "vmm/devices/virtio_console/state.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.3, with port 0 alone: a console, or a port with a name. The host's end keeps
// 64 KiB of output for who reads it; then the oldest give way, or the guest waits, as the end is.
// Input is read only while the port is open in the guest, and kept until the guest has room.
class VirtioConsole final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-console";

    VirtioConsole(std::string id, std::string port, std::unique_ptr<HostPort> host);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    bool takes_requests(unsigned index) const override { return index % 2 != 0; } // what it sends
    int event() const override { return host_->event(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    void start(std::uint64_t features) override;
    Status park() override { return host_->park(); }
    void unpark() noexcept override { host_->unpark(); }
    void save(state::Writer& section, bool settled) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    bool has_room() const;
    void take_input(const virtio::Queue& receive);
    void write_output();
    void watch(const virtio::Queue& receive);
    Status deliver_input(virtio::Queue& receive, const virtio::Memory& memory);
    Status tell_guest(virtio::Queue& control, const virtio::Memory& memory);
    void hear(const virtio::Chain& chain, const virtio::Memory& memory);
    void say(std::uint16_t event);

    virtio::ModelFacts facts_;
    const std::string port_; // "": a console
    std::unique_ptr<HostPort> host_;
    VirtioConsoleState s_; // but for the output
    mutable ByteRing out_{VirtioConsoleState::kOutput};
};

} // namespace segue::vmm
