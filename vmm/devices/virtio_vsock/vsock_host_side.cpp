// SPDX-License-Identifier: Apache-2.0
// The device's work for the host's processes, and what an update does with their streams.
#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include <segue/cpp/socket.hpp>

#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint32_t kAnyPort = 0xffffffff; // VMADDR_PORT_ANY
constexpr int kRounds = 32;                    // of events before the guest has its turn

} // namespace

void VirtioVsock::finish(std::span<virtio::Queue>, const virtio::Memory&) {
    std::array<epoll_event, 64> events;
    for (int round = 0; round < kRounds; ++round) {
        const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < n; ++i) {
            const epoll_event& e = events[static_cast<std::size_t>(i)];
            if (e.data.u64 == kListener) {
                callers_ = true;
            } else if (VsockConnection* const c = table_.find(e.data.u64)) {
                c->happened(e.events);
                look_after(*c);
            }
        }
        if (n < static_cast<int>(events.size()))
            break;
    }
    take_callers();
}

// While no driver is there, they wait where they are.
void VirtioVsock::take_callers() {
    while (callers_ && driver_ && !table_.full()) {
        auto stream = sys::unix_accept(host_.listener);
        if (!stream) {
            callers_ = stream.code() != Code::Again; // no descriptor is free: once more, later
            return;
        }
        add({}, std::move(*stream));
    }
}

VsockConnection& VirtioVsock::add(VsockConnectionState state, UniqueFd stream) {
    state.id = s_.next_id++;
    VsockConnection& added = table_.add(std::move(state), std::move(stream));
    watch(added);
    return added;
}

// After whatever has happened to it; it may be gone then.
void VirtioVsock::look_after(VsockConnection& connection) {
    if (connection.state().stage == VsockStage::Greeting)
        greet(connection);
    else if (connection.over())
        end(connection);
    else if (connection.has_to_say())
        table_.queue(connection);
}

void VirtioVsock::greet(VsockConnection& connection) {
    const auto port = connection.greeted();
    if (!port || *port == kAnyPort)
        return end(connection);
    if (!*port)
        return; // the line goes on
    std::uint32_t& mine = s_.next_port;
    do {
        mine =
            mine + 1 < 2 * VirtioVsockState::kFirstPort ? mine + 1 : VirtioVsockState::kFirstPort;
    } while (table_.find(mine, **port) != nullptr);
    connection.request(mine, **port);
    table_.index(connection);
    look_after(connection);
}

void VirtioVsock::end(VsockConnection& connection) {
    const VsockConnectionState& s = connection.state();
    if (connection.known_to_guest())
        s_.resets.push_back({kHost, s.host_port, s.guest_port, VIRTIO_VSOCK_TYPE_STREAM});
    if (connection.watched)
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.stream(), nullptr);
    connection.hang_up();
    table_.remove(s.id);
}

// What has happened by now is told, too.
void VirtioVsock::watch(VsockConnection& connection) noexcept {
    epoll_event e = {};
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    e.data.u64 = connection.state().id;
    if (!std::exchange(connection.watched, true))
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.stream(), &e);
}

Status VirtioVsock::park() {
    if (s_.parked || !host_.pouch.exists())
        return {};
    std::vector<std::pair<std::uint64_t, int>> streams;
    for (const auto& [id, connection] : table_.all())
        streams.emplace_back(id, connection.stream());
    if (Status s = host_.pouch.put(streams); !s)
        return std::move(s)
            .error()
            .while_doing("device '" + facts_.id + "'")
            .with("device", facts_.id);
    s_.parked = true;
    return {};
}

void VirtioVsock::unpark() noexcept {
    s_.parked = false;
    host_.pouch.clear();
    for (auto& [id, connection] : table_.all())
        watch(connection);
}

void VirtioVsock::save(state::Writer& section, bool) const {
    VirtioVsockState s = s_;
    for (const auto& [id, connection] : table_.all())
        s.connections.push_back(connection.state());
    s.write(section);
}

// Each connection has its stream, where they are in the pouch.
Status VirtioVsock::take_streams(const VirtioVsockState& from, VsockTable& to) const {
    std::map<std::uint64_t, UniqueFd> streams;
    const bool there = from.parked && host_.pouch.exists();
    if (there) {
        SEGUE_ASSIGN(streams, host_.pouch.look());
    }
    for (const VsockConnectionState& c : from.connections) {
        UniqueFd stream = std::move(streams[c.id]);
        if (there && !stream)
            return Error(Code::Corrupt, "device '" + facts_.id + "': the stream to port " +
                                            std::to_string(c.guest_port) +
                                            " of the guest has not come with it")
                .with("device", facts_.id);
        to.add(c, std::move(stream));
    }
    return {};
}

// A probe has no stream, and a standby none while the guest runs.
Status VirtioVsock::load(const state::Section& section) {
    SEGUE_ASSIGN(VirtioVsockState s, VirtioVsockState::read(section));
    if (host_.reopened) {
        s.connections.clear();
        s.resets.clear();
        s.tell_reset = true;
        s.parked = false;
    }
    driver_ = false; // until start()
    VsockTable table;
    SEGUE_TRY(take_streams(s, table));
    s.connections.clear();
    s_ = std::move(s);
    table_ = std::move(table);
    for (auto& [id, connection] : table_.all())
        if (connection.has_to_say())
            table_.queue(connection);
    return {};
}

void VirtioVsock::reset() noexcept {
    while (!table_.all().empty()) {
        VsockConnection& c = table_.all().begin()->second;
        c.lost_by_guest();
        end(c);
    }
    const VirtioVsockState before = std::exchange(s_, VirtioVsockState());
    s_.next_id = before.next_id;
    s_.next_port = before.next_port;
    s_.parked = before.parked;
    driver_ = false;
}

} // namespace segue::vmm
