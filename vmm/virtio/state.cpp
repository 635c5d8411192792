// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/state.hpp"

#include <limits>

namespace segue::vmm::virtio {

namespace {

template <class T>
Status get(const state::Section& section, const std::string& key, T& to) {
    SEGUE_ASSIGN(const std::uint64_t value, section.number(key));
    if (value > std::numeric_limits<T>::max())
        return Error(Code::Corrupt, "virtio: " + key + " is too large");
    to = static_cast<T>(value);
    return {};
}

std::string key_of(std::size_t queue, const char* field) {
    return "q" + std::to_string(queue) + "." + field; // short: no allocation in the pause
}

void write_queue(state::Writer& section, std::size_t i, const QueueState& q) {
    section.put(key_of(i, "max"), q.max_size);
    section.put(key_of(i, "size"), q.place.size);
    section.put(key_of(i, "desc"), q.place.descriptors);
    section.put(key_of(i, "driver"), q.place.driver);
    section.put(key_of(i, "device"), q.place.device);
    section.put(key_of(i, "vector"), q.vector);
    section.put_flag(key_of(i, "enabled"), q.enabled);
    section.put(key_of(i, "avail"), q.position.next_avail);
    section.put(key_of(i, "used"), q.position.next_used);
}

Status read_queue(const state::Section& section, std::size_t i, QueueState& q) {
    SEGUE_TRY(get(section, key_of(i, "max"), q.max_size));
    SEGUE_TRY(get(section, key_of(i, "size"), q.place.size));
    SEGUE_TRY(get(section, key_of(i, "desc"), q.place.descriptors));
    SEGUE_TRY(get(section, key_of(i, "driver"), q.place.driver));
    SEGUE_TRY(get(section, key_of(i, "device"), q.place.device));
    SEGUE_TRY(get(section, key_of(i, "vector"), q.vector));
    SEGUE_ASSIGN(q.enabled, section.flag(key_of(i, "enabled")));
    SEGUE_TRY(get(section, key_of(i, "avail"), q.position.next_avail));
    return get(section, key_of(i, "used"), q.position.next_used);
}

} // namespace

void CoreState::write(state::Writer& section) const {
    section.put("offered", offered);
    section.put("status", status);
    section.put("features", features);
    section.put("config_vector", config_vector);
    section.put("queues", queues.size());
    for (std::size_t i = 0; i < queues.size(); ++i)
        write_queue(section, i, queues[i]);
}

Result<CoreState> CoreState::read(const state::Section& section, std::size_t queues) {
    CoreState s;
    SEGUE_TRY(get(section, "offered", s.offered));
    SEGUE_TRY(get(section, "status", s.status));
    SEGUE_TRY(get(section, "features", s.features));
    SEGUE_TRY(get(section, "config_vector", s.config_vector));
    SEGUE_ASSIGN(const std::uint64_t there, section.number("queues"));
    if (there != queues)
        return Error(Code::Unsupported, "virtio: the guest's device has " + std::to_string(there) +
                                            " queues, this VMM makes " + std::to_string(queues))
            .way_out("update to a VMM that makes the guest's device");
    s.queues.resize(queues);
    for (std::size_t i = 0; i < queues; ++i)
        SEGUE_TRY(read_queue(section, i, s.queues[i]));
    return s;
}

} // namespace segue::vmm::virtio
