// SPDX-License-Identifier: Apache-2.0

#include <atomic>
#include <deque>
#include <map>

#include "vmm/virtio/driver_ring.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

class SplitDriver final : public DriverRing {
public:
    SplitDriver(TestRam& ram, const RingPlace& place, const RingFeatures& features,
                std::uint64_t tables)
        : DriverRing(ram, place, features, tables) {
        for (std::uint16_t i = 0; i < place.size; ++i)
            free_.push_back(i);
    }

    bool add(const std::vector<Buffer>& buffers, std::uint16_t token) override {
        const std::size_t needed = features_.indirect ? 1 : buffers.size();
        if (free_.size() < needed)
            return false;
        std::vector<std::uint16_t> taken(free_.begin(),
                                         free_.begin() + static_cast<std::ptrdiff_t>(needed));
        free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(needed));
        const std::uint16_t head = taken[0];
        const auto put = [&](std::uint64_t at, std::size_t i, std::uint16_t next) {
            const bool last = i + 1 == buffers.size();
            ram_.poke(at, vring_desc{buffers[i].at, buffers[i].bytes,
                                     static_cast<__virtio16>((last ? 0 : VRING_DESC_F_NEXT) |
                                                             (buffers[i].writable ? 2 : 0)),
                                     last ? __virtio16{0} : next});
        };
        if (features_.indirect) {
            const auto at = table(head, buffers, [&](std::uint64_t d, std::size_t i) {
                put(d, i, static_cast<std::uint16_t>(i + 1));
            });
            ram_.poke(place_.descriptors + 16ull * head,
                      vring_desc{at, static_cast<__virtio32>(16 * buffers.size()),
                                 VRING_DESC_F_INDIRECT, 0});
        } else {
            for (std::size_t i = 0; i < buffers.size(); ++i)
                put(place_.descriptors + 16ull * taken[i], i,
                    i + 1 < taken.size() ? taken[i + 1] : std::uint16_t{0});
        }
        out_[head] = {token, taken};
        ram_.poke(place_.driver + 4 + 2ull * (next_ % place_.size), head);
        ++next_;
        ram_.memory().store<std::uint16_t>(place_.driver + 2, next_);
        ++added_;
        return true;
    }
    std::optional<Used> take() override {
        if (ram_.memory().load<std::uint16_t>(place_.device + 2) == last_used_)
            return std::nullopt;
        const auto e =
            ram_.peek<vring_used_elem>(place_.device + 4 + 8ull * (last_used_ % place_.size));
        ++last_used_;
        const auto [token, taken] = out_.at(static_cast<std::uint16_t>(e.id));
        out_.erase(static_cast<std::uint16_t>(e.id));
        free_.insert(free_.end(), taken.begin(), taken.end());
        return Used{token, e.len};
    }
    bool must_notify() override {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const auto old = static_cast<std::uint16_t>(next_ - added_);
        const bool some = std::exchange(added_, std::uint16_t{0}) != 0;
        if (features_.event_index)
            return some &&
                   passes(ram_.memory().load<std::uint16_t>(place_.device + 4 + 8ull * place_.size),
                          next_, old);
        return some && ram_.memory().load<std::uint16_t>(place_.device) == 0;
    }
    void ask(bool interrupts) override {
        if (features_.event_index)
            ram_.memory().store<std::uint16_t>(
                place_.driver + 4 + 2ull * place_.size,
                static_cast<std::uint16_t>(interrupts ? last_used_ : last_used_ - 1));
        else
            ram_.memory().store<std::uint16_t>(place_.driver, interrupts ? 0 : 1);
    }

private:
    struct Out {
        std::uint16_t token;
        std::vector<std::uint16_t> taken;
    };
    std::deque<std::uint16_t> free_;
    std::map<std::uint16_t, Out> out_; // by head
    std::uint16_t next_ = 0, last_used_ = 0, added_ = 0;
};

} // namespace

std::unique_ptr<DriverRing> make_split_driver(TestRam& ram, const RingPlace& place,
                                              const RingFeatures& features, std::uint64_t tables) {
    return std::make_unique<SplitDriver>(ram, place, features, tables);
}

} // namespace segue::vmm::virtio
