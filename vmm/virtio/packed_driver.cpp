// SPDX-License-Identifier: Apache-2.0

#include <atomic>
#include <deque>
#include <map>

#include "vmm/virtio/driver_ring.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

class PackedDriver final : public DriverRing {
public:
    PackedDriver(TestRam& ram, const RingPlace& place, const RingFeatures& features,
                 std::uint64_t tables)
        : DriverRing(ram, place, features, tables)
        , room_(place.size) {
        for (std::uint16_t i = 0; i < place.size; ++i)
            ids_.push_back(i);
    }

    bool add(const std::vector<Buffer>& buffers, std::uint16_t token) override {
        const auto needed = static_cast<std::uint16_t>(features_.indirect ? 1 : buffers.size());
        if (room_ < needed)
            return false;
        const std::uint16_t id = ids_.front();
        ids_.pop_front();
        out_[id] = {token, needed};
        const std::uint64_t head = place_.descriptors + 16ull * next_;
        std::uint16_t head_flags = 0;
        if (features_.indirect) {
            const auto at = table(id, buffers, [&](std::uint64_t d, std::size_t i) {
                ram_.poke(d, vring_packed_desc{buffers[i].at, buffers[i].bytes, 0,
                                               static_cast<__le16>(buffers[i].writable ? 2 : 0)});
            });
            head_flags =
                put(at, static_cast<std::uint32_t>(16 * buffers.size()), id, VRING_DESC_F_INDIRECT);
        } else {
            for (std::size_t i = 0; i < buffers.size(); ++i) {
                const auto flags =
                    static_cast<std::uint16_t>((i + 1 < buffers.size() ? VRING_DESC_F_NEXT : 0) |
                                               (buffers[i].writable ? VRING_DESC_F_WRITE : 0));
                const std::uint64_t at = place_.descriptors + 16ull * next_;
                const std::uint16_t f = put(buffers[i].at, buffers[i].bytes, id, flags);
                if (i == 0)
                    head_flags = f;
                else
                    ram_.memory().store<std::uint16_t>(at + 14, f);
            }
        }
        ram_.memory().store<std::uint16_t>(head + 14, head_flags); // last of all
        room_ = static_cast<std::uint16_t>(room_ - needed);
        added_ = static_cast<std::uint16_t>(added_ + needed);
        return true;
    }
    std::optional<Used> take() override {
        const std::uint64_t at = place_.descriptors + 16ull * last_used_;
        const auto flags = ram_.memory().load<std::uint16_t>(at + 14);
        if (((flags & 0x80) != 0) != used_wrap_ || ((flags & 0x8000) != 0) != used_wrap_)
            return std::nullopt;
        const auto d = ram_.peek<vring_packed_desc>(at);
        const auto id = static_cast<std::uint16_t>(d.id);
        const auto [token, places] = out_.at(id);
        out_.erase(id);
        ids_.push_back(id);
        room_ = static_cast<std::uint16_t>(room_ + places);
        last_used_ = static_cast<std::uint16_t>(last_used_ + places);
        if (last_used_ >= place_.size) {
            last_used_ = static_cast<std::uint16_t>(last_used_ - place_.size);
            used_wrap_ = !used_wrap_;
        }
        return Used{token, d.len};
    }
    bool must_notify() override {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const auto old = static_cast<std::uint16_t>(next_ - added_);
        const bool some = std::exchange(added_, std::uint16_t{0}) != 0;
        const auto flags = ram_.memory().load<std::uint16_t>(place_.device + 2);
        if (flags != VRING_PACKED_EVENT_FLAG_DESC)
            return some && flags == VRING_PACKED_EVENT_FLAG_ENABLE;
        const auto wanted = ram_.memory().load<std::uint16_t>(place_.device);
        auto event = static_cast<std::uint16_t>(wanted & 0x7fff);
        if (((wanted & 0x8000) != 0) != wrap_)
            event = static_cast<std::uint16_t>(event - place_.size);
        return some && passes(event, next_, old);
    }
    void ask(bool interrupts) override {
        ram_.memory().store<std::uint16_t>(
            place_.driver, static_cast<std::uint16_t>(last_used_ | (used_wrap_ ? 0x8000 : 0)));
        const std::uint16_t flags = !interrupts             ? VRING_PACKED_EVENT_FLAG_DISABLE
                                    : features_.event_index ? VRING_PACKED_EVENT_FLAG_DESC
                                                            : VRING_PACKED_EVENT_FLAG_ENABLE;
        ram_.memory().store<std::uint16_t>(place_.driver + 2, flags);
    }

private:
    // All but the flags, which it gives.
    std::uint16_t put(std::uint64_t at, std::uint32_t bytes, std::uint16_t id,
                      std::uint16_t flags) {
        const std::uint64_t to = place_.descriptors + 16ull * next_;
        ram_.poke(to, at);
        ram_.poke(to + 8, bytes);
        ram_.poke(to + 12, id);
        const auto all = static_cast<std::uint16_t>(flags | (wrap_ ? 0x80 : 0x8000));
        if (++next_ == place_.size) {
            next_ = 0;
            wrap_ = !wrap_;
        }
        return all;
    }
    struct Out {
        std::uint16_t token, places;
    };
    std::deque<std::uint16_t> ids_;
    std::map<std::uint16_t, Out> out_; // by id
    std::uint16_t room_, next_ = 0, last_used_ = 0, added_ = 0;
    bool wrap_ = true, used_wrap_ = true;
};

} // namespace

std::unique_ptr<DriverRing> make_packed_driver(TestRam& ram, const RingPlace& place,
                                               const RingFeatures& features, std::uint64_t tables) {
    return std::make_unique<PackedDriver>(ram, place, features, tables);
}

} // namespace segue::vmm::virtio
