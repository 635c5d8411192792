// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/virtio_console.hpp"

#include <linux/virtio_console.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <segue/cpp/sys.hpp>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

namespace {

enum QueueIndex : unsigned { Receive, Transmit, ControlReceive, ControlTransmit }; // 5.3.2
constexpr std::uint32_t kClass = 0x078000;                                         // communication
constexpr std::uint64_t kMultiport = 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
constexpr std::size_t kPiece = 512;     // copied at a time
constexpr std::size_t kMost = 32 << 10; // in a chain of Linux's driver

} // namespace

VirtioConsole::VirtioConsole(std::string id, std::string port, std::unique_ptr<HostPort> host)
    : facts_{kName,      std::move(id),   VirtioConsoleState::kRevision, VIRTIO_ID_CONSOLE, kClass,
             kMultiport, {64, 64, 64, 64}}
    , port_(std::move(port))
    , host_(std::move(host)) {}

void VirtioConsole::read_config(std::uint32_t at, std::span<std::byte> data) const {
    virtio_console_config c = {};
    c.max_nr_ports = 1;
    virtio::read_structure(c, at, data);
}

// Without ports a driver has no way to say that it listens: it does.
void VirtioConsole::start(std::uint64_t features) {
    if ((features & kMultiport) == 0)
        s_.guest_open = true;
}

Result<bool> VirtioConsole::serve(unsigned index, std::span<virtio::Queue> queues,
                                  const virtio::Memory& memory) {
    virtio::Queue& queue = queues[index];
    const auto always = [] { return true; };
    switch (index) {
    case Receive:
        SEGUE_TRY(deliver_input(queue, memory));
        watch(queue);
        return false;
    case Transmit:
        return queue.drain(
            [this] { return has_room(); },
            [&](const virtio::Chain& chain) -> Status {
                std::array<std::byte, kPiece> piece;
                for (std::uint64_t at = 0;; at += piece.size()) {
                    const std::size_t n = virtio::read(
                        memory, chain.readable(), at,
                        std::span(piece).first(std::min(chain.readable_bytes() - at, kPiece)));
                    for (std::size_t i = 0; i < n; ++i)
                        out_.push(piece[i]);
                    if (n < piece.size())
                        break;
                }
                queue.push(chain, 0);
                write_output();
                watch(queues[Receive]);
                return {};
            });
    case ControlReceive:
        SEGUE_TRY(tell_guest(queue, memory));
        return false;
    default:
        return queue.drain(always, [&](const virtio::Chain& chain) -> Status {
            hear(chain, memory);
            queue.push(chain, 0);
            SEGUE_TRY(tell_guest(queues[ControlReceive], memory));
            watch(queues[Receive]);
            return {};
        });
    }
}

void VirtioConsole::finish(std::span<virtio::Queue> queues, const virtio::Memory&) {
    write_output();
    take_input(queues[Receive]);
    watch(queues[Receive]);
}

void VirtioConsole::take_input(const virtio::Queue& receive) {
    if (!s_.input.empty() || !s_.guest_open || !receive.enabled())
        return;
    s_.input.resize(VirtioConsoleState::kInput);
    s_.input.resize(host_->read(s_.input));
}

void VirtioConsole::write_output() {
    while (!out_.empty()) {
        const std::size_t n = host_->write(out_.front());
        if (n == 0)
            return; // nobody reads for now
        out_.pop(n);
    }
}

// If not yet, the driver is served when there is.
bool VirtioConsole::has_room() const {
    return !host_->lossless() || out_.size() + kMost <= VirtioConsoleState::kOutput;
}

// What the thread waits for: input while it is wanted, room while there is output.
void VirtioConsole::watch(const virtio::Queue& receive) {
    host_->watch(s_.input.empty() && s_.guest_open && receive.enabled(), !out_.empty());
}

Status VirtioConsole::deliver_input(virtio::Queue& receive, const virtio::Memory& memory) {
    virtio::Chain chain;
    while (!s_.input.empty()) {
        SEGUE_ASSIGN(const bool got, receive.pop(chain));
        if (!got && !receive.listen(true))
            return {}; // the driver tells when there is room
        if (!got)
            continue;
        const std::size_t n = virtio::write(memory, chain.writable(), 0,
                                            std::span(s_.input).first(std::min<std::uint64_t>(
                                                s_.input.size(), chain.writable_bytes())));
        s_.input.erase(s_.input.begin(), s_.input.begin() + static_cast<std::ptrdiff_t>(n));
        receive.push(chain, static_cast<std::uint32_t>(n));
    }
    return {};
}

void VirtioConsole::say(std::uint16_t event) {
    if (s_.messages.size() < VirtioConsoleState::kMessages) // who asks for more does not listen
        s_.messages.push_back(static_cast<std::uint8_t>(event));
}

// 5.3.6.2: what the driver says of itself and of port 0.
void VirtioConsole::hear(const virtio::Chain& chain, const virtio::Memory& memory) {
    virtio_console_control c = {};
    if (virtio::read(memory, chain.readable(), 0, std::as_writable_bytes(std::span(&c, 1))) !=
        sizeof c)
        return;
    if (c.event == VIRTIO_CONSOLE_DEVICE_READY && c.value == 1)
        say(VIRTIO_CONSOLE_PORT_ADD);
    if (c.id != 0)
        return;
    if (c.event == VIRTIO_CONSOLE_PORT_READY && c.value == 1) {
        say(port_.empty() ? VIRTIO_CONSOLE_CONSOLE_PORT : VIRTIO_CONSOLE_PORT_NAME);
        say(VIRTIO_CONSOLE_PORT_OPEN);
    }
    if (c.event == VIRTIO_CONSOLE_PORT_OPEN)
        s_.guest_open = c.value != 0;
}

Status VirtioConsole::tell_guest(virtio::Queue& control, const virtio::Memory& memory) {
    virtio::Chain chain;
    while (!s_.messages.empty()) {
        SEGUE_ASSIGN(const bool got, control.pop(chain));
        if (!got && !control.listen(true))
            return {};
        if (!got)
            continue;
        const virtio_console_control c = {0, s_.messages.front(), 1};
        std::vector<std::byte> message(sizeof c);
        std::memcpy(message.data(), &c, sizeof c);
        if (c.event == VIRTIO_CONSOLE_PORT_NAME) {
            const auto name = std::as_bytes(std::span(port_));
            message.insert(message.end(), name.begin(), name.end());
        }
        const std::size_t n = virtio::write(memory, chain.writable(), 0, message);
        control.push(chain, static_cast<std::uint32_t>(n));
        s_.messages.erase(s_.messages.begin());
    }
    return {};
}

void VirtioConsole::save(state::Writer& section, bool) const {
    VirtioConsoleState s = s_;
    const auto output = out_.linear();
    s.output.assign(output.begin(), output.end());
    s.write(section);
}

Status VirtioConsole::load(const state::Section& section) {
    SEGUE_ASSIGN(s_, VirtioConsoleState::read(section));
    out_.clear();
    for (const std::byte b : s_.output)
        out_.push(b);
    s_.output.clear();
    return host_->arrive();
}

// What the guest wrote before still is to be seen.
void VirtioConsole::reset() noexcept {
    s_ = VirtioConsoleState();
}

} // namespace segue::vmm
