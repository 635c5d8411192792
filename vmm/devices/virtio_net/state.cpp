// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/state.hpp"

#include <algorithm>
#include <cstring>

namespace segue::vmm {

namespace {

std::string waiting_key(std::size_t pair) {
    return "waiting." + std::to_string(pair);
}

Result<Mac> get_mac(const state::Section& section, const char* key) {
    SEGUE_ASSIGN(const auto bytes, section.bytes(key));
    Mac mac = {};
    if (bytes.size() != mac.size())
        return Error(Code::Corrupt, std::string("virtio-net: ") + key + " is no address");
    std::memcpy(mac.data(), bytes.data(), mac.size());
    return mac;
}

} // namespace

void NetState::write(state::Writer& section) const {
    section.put_bytes("burnt_in", std::as_bytes(std::span(burnt_in)));
    section.put_bytes("mac", std::as_bytes(std::span(mac)));
    section.put_flag("fresh", fresh);
    if (announce)
        section.put_flag("announce", true);
    section.put("pairs", pairs);
    section.put("offloads", offloads);
    for (std::size_t i = 0; i < waiting.size(); ++i)
        if (!waiting[i].empty())
            section.put_bytes(waiting_key(i), waiting[i]);
}

Result<NetState> NetState::read(const state::Section& section, std::size_t max_pairs) {
    NetState s;
    SEGUE_ASSIGN(s.burnt_in, get_mac(section, "burnt_in"));
    SEGUE_ASSIGN(s.mac, get_mac(section, "mac"));
    SEGUE_ASSIGN(s.fresh, section.flag("fresh"));
    s.announce = section.find("announce") != nullptr;
    SEGUE_ASSIGN(const std::uint64_t pairs, section.number("pairs"));
    if (pairs < 1 || pairs > max_pairs)
        return Error(Code::Corrupt, "virtio-net: " + std::to_string(pairs) + " pairs of queues");
    s.pairs = static_cast<unsigned>(pairs);
    SEGUE_ASSIGN(s.offloads, section.number("offloads"));
    s.waiting.resize(max_pairs);
    for (std::size_t i = 0; i < max_pairs; ++i) {
        if (section.find(waiting_key(i)) == nullptr)
            continue;
        SEGUE_ASSIGN(const auto frame, section.bytes(waiting_key(i)));
        if (frame.size() > kMaxFrame)
            return Error(Code::Corrupt, "virtio-net: a frame that is longer than frames are");
        s.waiting[i].assign(frame.begin(), frame.end());
    }
    return s;
}

} // namespace segue::vmm
