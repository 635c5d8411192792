// SPDX-License-Identifier: Apache-2.0
// socket_port.hpp - a port's end that is a unix socket, for one client at a time.
#pragma once

#include <memory>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"
#include "vmm/devices/stream_pouch.hpp"
#include "vmm/devices/virtio_console/host_port.hpp"

namespace segue::vmm {

// The descriptors are the inventory's; -1: none, a probe's. A client comes and goes while the guest
// runs, also after an update has passed the inventory, so its connection travels in the pouch.
struct PortSocket {
    int listening = -1;
    StreamPouch pouch;
};

// First boot, or a start of what was saved: listens at `path`, for this user alone. EXISTS where
// anything else is there. [main]
Result<PortSocket> open_port_socket(const std::string& item, const std::string& path,
                                    inventory::Inventory& inventory);
// A later generation: finds it there. [main]
Result<PortSocket> adopt_port_socket(const std::string& item,
                                     const inventory::Inventory& inventory);

// Output waits for the client; without one it goes nowhere, as on an unplugged line. A second
// client is hung up on at once.
class SocketPort final : public HostPort {
public:
    static Result<std::unique_ptr<HostPort>> create(PortSocket socket);

    int event() const override { return epoll_.get(); }
    void watch(bool input, bool room) override;
    std::size_t read(std::span<std::byte> to) override;
    std::size_t write(std::span<const std::byte> from) override;
    Status park() override;
    void unpark() noexcept override;
    Status arrive() override;

private:
    SocketPort(PortSocket socket, UniqueFd epoll);
    void accept();
    void watch_client(unsigned events);
    void hang_up();

    PortSocket socket_;
    UniqueFd epoll_;
    UniqueFd client_;
    unsigned watched_ = 0; // of the client
};

} // namespace segue::vmm
