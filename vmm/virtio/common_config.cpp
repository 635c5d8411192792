// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/common_config.hpp"

#include <cstring>
#include <limits>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

// Width of the field at an offset; 0 where none begins.
std::size_t width_at(std::uint64_t at) {
    switch (at) {
    case VIRTIO_PCI_COMMON_DFSELECT:
    case VIRTIO_PCI_COMMON_DF:
    case VIRTIO_PCI_COMMON_GFSELECT:
    case VIRTIO_PCI_COMMON_GF:
    case VIRTIO_PCI_COMMON_Q_DESCHI:
    case VIRTIO_PCI_COMMON_Q_AVAILHI:
    case VIRTIO_PCI_COMMON_Q_USEDHI:
        return 4;
    case VIRTIO_PCI_COMMON_STATUS:
    case VIRTIO_PCI_COMMON_CFGGENERATION:
        return 1;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_USEDLO:
        return 8;
    case VIRTIO_PCI_COMMON_MSIX:
    case VIRTIO_PCI_COMMON_NUMQ:
    case VIRTIO_PCI_COMMON_Q_SELECT:
    case VIRTIO_PCI_COMMON_Q_SIZE:
    case VIRTIO_PCI_COMMON_Q_MSIX:
    case VIRTIO_PCI_COMMON_Q_ENABLE:
    case VIRTIO_PCI_COMMON_Q_NOFF:
        return 2;
    default:
        return 0;
    }
}

bool fits(std::uint64_t at, std::size_t bytes) {
    const std::size_t width = width_at(at);
    return width != 0 && (bytes == width || (width == 8 && bytes == 4));
}

std::uint32_t half(std::uint64_t features, std::uint32_t select) {
    return select < 2 ? static_cast<std::uint32_t>(features >> 32 * select) : 0;
}

// Of the three addresses; `at`: a low or a high half.
std::uint64_t* address(RingPlace& place, std::uint64_t at) {
    if (at < VIRTIO_PCI_COMMON_Q_AVAILLO)
        return &place.descriptors;
    return at < VIRTIO_PCI_COMMON_Q_USEDLO ? &place.driver : &place.device;
}

bool is_high(std::uint64_t at) {
    return (at - VIRTIO_PCI_COMMON_Q_DESCLO) % 8 != 0;
}

} // namespace

void Selected::write(state::Writer& section) const {
    section.put("device_feature_select", device_feature);
    section.put("driver_feature_select", driver_feature);
    section.put("queue_select", queue);
}

Result<Selected> Selected::read(const state::Section& section) {
    SEGUE_ASSIGN(const std::uint64_t device, section.number("device_feature_select"));
    SEGUE_ASSIGN(const std::uint64_t driver, section.number("driver_feature_select"));
    SEGUE_ASSIGN(const std::uint64_t queue, section.number("queue_select"));
    if ((device | driver) > std::numeric_limits<std::uint32_t>::max() || queue > 0xffff)
        return Error(Code::Corrupt, "virtio: a select register is too large");
    return Selected{static_cast<std::uint32_t>(device), static_cast<std::uint32_t>(driver),
                    static_cast<std::uint16_t>(queue)};
}

void CommonConfig::read(std::uint64_t at, std::span<std::byte> data) const {
    const std::uint64_t v = fits(at, data.size()) ? value(at, data.size()) : 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = i < 8 ? static_cast<std::byte>(v >> 8 * i) : std::byte{0};
}

void CommonConfig::write(std::uint64_t at, std::span<const std::byte> data) {
    if (!fits(at, data.size()))
        return;
    std::uint64_t v = 0;
    std::memcpy(&v, data.data(), data.size());
    set(at, data.size(), v);
}

std::uint64_t CommonConfig::value(std::uint64_t at, std::size_t) const {
    switch (at) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        return s_.device_feature;
    case VIRTIO_PCI_COMMON_DF:
        return half(core_.offered(), s_.device_feature);
    case VIRTIO_PCI_COMMON_GFSELECT:
        return s_.driver_feature;
    case VIRTIO_PCI_COMMON_GF:
        return half(core_.accepted(), s_.driver_feature);
    case VIRTIO_PCI_COMMON_MSIX:
        return core_.config_vector();
    case VIRTIO_PCI_COMMON_NUMQ:
        return core_.queues();
    case VIRTIO_PCI_COMMON_STATUS:
        return core_.status();
    case VIRTIO_PCI_COMMON_CFGGENERATION:
        return 0; // the configuration does not change by itself
    case VIRTIO_PCI_COMMON_Q_SELECT:
        return s_.queue;
    default:
        return s_.queue < core_.queues() ? queue_value(at) : 0;
    }
}

std::uint64_t CommonConfig::queue_value(std::uint64_t at) const {
    QueueState q = core_.queue(s_.queue);
    switch (at) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        return q.place.size;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        return q.vector;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        return q.enabled ? 1 : 0;
    case VIRTIO_PCI_COMMON_Q_NOFF:
        return s_.queue;
    default:
        return *address(q.place, at) >> (is_high(at) ? 32 : 0);
    }
}

std::uint16_t CommonConfig::vector(std::uint64_t value) const {
    return value < vectors_ ? static_cast<std::uint16_t>(value) : kNoVector;
}

void CommonConfig::set(std::uint64_t at, std::size_t bytes, std::uint64_t value) {
    switch (at) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        s_.device_feature = static_cast<std::uint32_t>(value);
        return;
    case VIRTIO_PCI_COMMON_GFSELECT:
        s_.driver_feature = static_cast<std::uint32_t>(value);
        return;
    case VIRTIO_PCI_COMMON_GF:
        if (s_.driver_feature < 2) {
            const unsigned shift = 32 * s_.driver_feature;
            const std::uint64_t kept = core_.accepted() & ~(0xffffffffull << shift);
            core_.accept(kept | value << shift);
        }
        return;
    case VIRTIO_PCI_COMMON_MSIX:
        return core_.set_config_vector(vector(value));
    case VIRTIO_PCI_COMMON_STATUS:
        if (value == 0)
            s_ = Selected();
        return core_.set_status(static_cast<std::uint8_t>(value));
    case VIRTIO_PCI_COMMON_Q_SELECT:
        s_.queue = static_cast<std::uint16_t>(value);
        return;
    default:
        if (s_.queue < core_.queues())
            set_queue(at, bytes, value);
    }
}

void CommonConfig::set_queue(std::uint64_t at, std::size_t bytes, std::uint64_t value) {
    RingPlace place = core_.queue(s_.queue).place;
    switch (at) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        place.size = static_cast<std::uint16_t>(value);
        return core_.set_queue(s_.queue, place);
    case VIRTIO_PCI_COMMON_Q_MSIX:
        return core_.set_queue_vector(s_.queue, vector(value));
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        if (value == 1)
            core_.enable_queue(s_.queue);
        return;
    case VIRTIO_PCI_COMMON_NUMQ:
    case VIRTIO_PCI_COMMON_CFGGENERATION:
    case VIRTIO_PCI_COMMON_DF:
    case VIRTIO_PCI_COMMON_Q_NOFF:
        return; // read-only
    default:
        break;
    }
    std::uint64_t& whole = *address(place, at);
    const unsigned shift = is_high(at) ? 32 : 0;
    const std::uint64_t mask = bytes == 8 ? ~0ull : 0xffffffffull << shift;
    whole = (whole & ~mask) | (value << shift & mask);
    core_.set_queue(s_.queue, place);
}

} // namespace segue::vmm::virtio
