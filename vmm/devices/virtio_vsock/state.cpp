// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/state.hpp"

#include <cstring>
#include <set>
#include <span>

#include "vmm/devices/virtio_vsock/greeting.hpp"

namespace segue::vmm {

namespace {

// As they lie in the state; little-endian, as the machine is.
struct ConnectionRecord {
    std::uint64_t id;
    std::uint32_t host_port, guest_port, guest_room, guest_took, sent, passed_on, told;
    std::uint32_t line_bytes, output_bytes;
    std::uint8_t stage, say, guest_shut, host_shut, asked, unused[7];
};
static_assert(sizeof(ConnectionRecord) == 56);

struct ResetRecord {
    std::uint64_t host_cid;
    std::uint32_t host_port, guest_port, type, unused;
};
static_assert(sizeof(ResetRecord) == 24);

constexpr std::size_t kResets = 2 * VirtioVsockState::kConnections;

Error corrupt(const char* what) {
    return Error(Code::Corrupt, std::string("virtio-vsock: ") + what);
}

template <class T>
void append(std::vector<std::byte>& to, const T& record) {
    const auto bytes = std::as_bytes(std::span(&record, 1));
    to.insert(to.end(), bytes.begin(), bytes.end());
}

template <class T>
Result<std::vector<T>> records(const state::Section& section, const char* key, std::size_t most) {
    SEGUE_ASSIGN(const auto bytes, section.bytes(key));
    if (bytes.size() % sizeof(T) != 0 || bytes.size() / sizeof(T) > most)
        return corrupt(key);
    std::vector<T> all(bytes.size() / sizeof(T));
    if (!all.empty())
        std::memcpy(all.data(), bytes.data(), bytes.size());
    return all;
}

// The next `n` of what is left; false: there are fewer.
bool cut(std::span<const std::byte>& left, std::size_t n, std::vector<std::byte>& to) {
    if (n > left.size())
        return false;
    to.assign(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(n));
    left = left.subspan(n);
    return true;
}

ConnectionRecord record_of(const VsockConnectionState& c) {
    return {c.id,
            c.host_port,
            c.guest_port,
            c.guest_room,
            c.guest_took,
            c.sent,
            c.passed_on,
            c.told,
            static_cast<std::uint32_t>(c.line.size()),
            static_cast<std::uint32_t>(c.output.size()),
            static_cast<std::uint8_t>(c.stage),
            c.say,
            c.guest_shut,
            c.host_shut,
            c.asked,
            {}};
}

VsockConnectionState connection_of(const ConnectionRecord& r) {
    return {r.id,
            static_cast<VsockStage>(r.stage),
            r.host_port,
            r.guest_port,
            r.guest_room,
            r.guest_took,
            r.sent,
            r.passed_on,
            r.told,
            r.say,
            r.guest_shut,
            r.host_shut,
            r.asked != 0,
            {},
            {}};
}

} // namespace

void VirtioVsockState::write(state::Writer& section) const {
    section.put("next_id", next_id);
    section.put("next_port", next_port);
    section.put_flag("parked", parked);
    section.put_flag("tell_reset", tell_reset);
    std::vector<std::byte> table, bytes, replies;
    for (const VsockConnectionState& c : connections) {
        append(table, record_of(c));
        bytes.insert(bytes.end(), c.line.begin(), c.line.end());
        bytes.insert(bytes.end(), c.output.begin(), c.output.end());
    }
    for (const VsockReset& r : resets)
        append(replies, ResetRecord{r.host_cid, r.host_port, r.guest_port, r.type, 0});
    section.put_bytes("connections", table);
    section.put_bytes("bytes", bytes);
    section.put_bytes("resets", replies);
}

Result<VirtioVsockState> VirtioVsockState::read(const state::Section& section) {
    VirtioVsockState s;
    SEGUE_ASSIGN(s.next_id, section.number("next_id"));
    SEGUE_ASSIGN(const std::uint64_t port, section.number("next_port"));
    if (port < kFirstPort || port >= 2ull * kFirstPort)
        return corrupt("next_port");
    s.next_port = static_cast<std::uint32_t>(port);
    SEGUE_ASSIGN(s.parked, section.flag("parked"));
    SEGUE_ASSIGN(s.tell_reset, section.flag("tell_reset"));
    SEGUE_ASSIGN(const auto table, records<ConnectionRecord>(section, "connections", kConnections));
    SEGUE_ASSIGN(auto left, section.bytes("bytes"));
    std::set<std::uint64_t> ids;
    for (const ConnectionRecord& r : table) {
        VsockConnectionState c = connection_of(r);
        if (r.stage > static_cast<std::uint8_t>(VsockStage::Draining) || r.id == 0 ||
            r.id >= s.next_id || !ids.insert(r.id).second || r.line_bytes > kGreetingBytes ||
            r.output_bytes > VsockConnectionState::kRoom || !cut(left, r.line_bytes, c.line) ||
            !cut(left, r.output_bytes, c.output))
            return corrupt("a connection");
        s.connections.push_back(std::move(c));
    }
    SEGUE_ASSIGN(const auto resets, records<ResetRecord>(section, "resets", kResets));
    for (const ResetRecord& r : resets)
        s.resets.push_back({r.host_cid, r.host_port, r.guest_port, r.type});
    return s;
}

} // namespace segue::vmm
