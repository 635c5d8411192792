// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/control.hpp"

#include "vmm/devices/virtio_net/features.hpp"

namespace segue::vmm {

namespace {

// One command: class and number, and what follows them.
struct Command {
    const virtio::Chain& chain;
    const virtio::Memory& memory;
    virtio_net_ctrl_hdr what = {};

    // False where there is something else than one T.
    template <class T>
    bool argument(T& to) const {
        return chain.readable_bytes() == sizeof what + sizeof to &&
               virtio::read(memory, chain.readable(), sizeof what,
                            std::as_writable_bytes(std::span(&to, 1))) == sizeof to;
    }
    bool is(std::uint8_t cls, std::uint8_t cmd) const { return what.cls == cls && what.cmd == cmd; }
};

bool set_pairs(const Command& command, unsigned max_pairs, NetState& card) {
    virtio_net_ctrl_mq mq = {};
    if (!command.argument(mq) || mq.virtqueue_pairs < 1 || mq.virtqueue_pairs > max_pairs)
        return false;
    card.pairs = mq.virtqueue_pairs;
    return true;
}

bool set_mac(const Command& command, NetState& card) {
    Mac mac = {};
    if (!command.argument(mac) || !is_of_one_card(mac))
        return false;
    card.mac = mac;
    return true;
}

bool set_offloads(const Command& command, std::uint64_t features, NetState& card) {
    std::uint64_t offloads = 0;
    if (!command.argument(offloads) || (offloads & ~(features & kLeftToGuest)) != 0)
        return false;
    card.offloads = offloads;
    return true;
}

bool done(const Command& command, std::uint64_t features, unsigned max_pairs, NetState& card) {
    const auto has = [&](unsigned feature) { return (features & bit(feature)) != 0; };
    if (has(VIRTIO_NET_F_MQ) && command.is(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET))
        return set_pairs(command, max_pairs, card);
    if (has(VIRTIO_NET_F_CTRL_MAC_ADDR) &&
        command.is(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET))
        return set_mac(command, card);
    if (has(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) &&
        command.is(VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET))
        return set_offloads(command, features, card);
    if (has(VIRTIO_NET_F_GUEST_ANNOUNCE) &&
        command.is(VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK))
        return !(card.announce = false);
    return false;
}

} // namespace

Result<std::uint32_t> obey(const virtio::Chain& chain, const virtio::Memory& memory,
                           std::uint64_t features, unsigned max_pairs, NetState& card) {
    Command command = {chain, memory};
    if (virtio::read(memory, chain.readable(), 0,
                     std::as_writable_bytes(std::span(&command.what, 1))) != sizeof command.what ||
        chain.writable_bytes() == 0)
        return Error(Code::Corrupt, "a control command without its class or room for the answer");
    const std::uint8_t answer =
        done(command, features, max_pairs, card) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    return static_cast<std::uint32_t>(
        virtio::write(memory, chain.writable(), 0, std::as_bytes(std::span(&answer, 1))));
}

} // namespace segue::vmm
