// SPDX-License-Identifier: Apache-2.0
// state.hpp - a virtio socket device's saved state besides that of every virtio device, revision 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

enum class VsockStage : std::uint8_t {
    Greeting,  // the host's end has not said yet to which port it wants
    Requested, // the guest has not answered yet
    Open,
    Draining, // gone for the guest; the host has not read all of it
};

// What the guest is to be told of a connection; bits.
enum VsockSay : std::uint8_t {
    kSayRequest = 1,
    kSayResponse = 2,
    kSayShutdown = 4,
    kSayCredit = 8,
};

// Counts of bytes are modulo 2^32, as in 5.10.6.3.
struct VsockConnectionState {
    static constexpr std::uint32_t kRoom = 64 << 10; // for what the host has not read

    std::uint64_t id = 0; // never used again
    VsockStage stage = VsockStage::Greeting;
    std::uint32_t host_port = 0, guest_port = 0;
    std::uint32_t guest_room = 0, guest_took = 0; // its buf_alloc and fwd_cnt, as it said last
    std::uint32_t sent = 0;                       // to the guest
    std::uint32_t passed_on = 0;                  // of the guest's: our fwd_cnt
    std::uint32_t told = 0;                       // the fwd_cnt that the guest knows
    std::uint8_t say = 0;                         // kSay*
    std::uint8_t guest_shut = 0, host_shut = 0;   // VIRTIO_VSOCK_SHUTDOWN_*, of each side
    bool asked = false;                           // for credit, and not answered
    std::vector<std::byte> line;                  // of the greeting, so far
    std::vector<std::byte> output;                // of the guest's, not written yet

    bool operator==(const VsockConnectionState&) const = default;
};

// A packet that answers one of no connection: RST.
struct VsockReset {
    std::uint64_t host_cid = 0;
    std::uint32_t host_port = 0, guest_port = 0;
    std::uint32_t type = 0;
    bool operator==(const VsockReset&) const = default;
};

struct VirtioVsockState {
    static constexpr std::uint32_t kRevision = 1;
    static constexpr std::size_t kConnections = 1024;
    static constexpr std::uint32_t kFirstPort = 1u << 30; // of the host's, for who connects by path

    std::uint64_t next_id = 1;
    std::uint32_t next_port = kFirstPort;
    bool parked = false;     // the streams are in the pouch
    bool tell_reset = false; // VIRTIO_VSOCK_EVENT_TRANSPORT_RESET
    std::vector<VsockConnectionState> connections;
    std::vector<VsockReset> resets;

    void write(state::Writer& section) const;
    static Result<VirtioVsockState> read(const state::Section& section);
    bool operator==(const VirtioVsockState&) const = default;
};

} // namespace segue::vmm
