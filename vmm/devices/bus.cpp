// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/bus.hpp"

#include <algorithm>
#include <mutex>
#include <type_traits>

namespace segue::vmm {

namespace {

template <class Address>
constexpr bool kPorts = std::is_same_v<Address, std::uint16_t>;
// One more than the last: 64 Ki ports, the 52 bits of guest-physical space.
template <class Address>
constexpr std::uint64_t kEnd = kPorts<Address> ? 0x10000 : 1ull << 52;
template <class Address>
constexpr const char* kWhat = kPorts<Address> ? "I/O port " : "guest-physical address ";

} // namespace

template <class Address>
Status Bus<Address>::attach(Address first, std::uint64_t count, BusDevice<Address>& device) {
    if (count == 0 || first >= kEnd<Address> || count > kEnd<Address> - first)
        return Error(Code::Invalid,
                     kWhat<Address> + std::to_string(first) + ": the range is empty or too long");
    const std::uint64_t end = first + count;
    const std::lock_guard lock(mutex_);
    for (const Range& r : ranges_)
        if (first < r.end && r.first < end)
            return Error(Code::Exists, kWhat<Address> + std::to_string(first) + ": taken");
    ranges_.push_back({first, end, &device});
    return {};
}

template <class Address>
void Bus<Address>::detach(Address first) {
    const std::lock_guard lock(mutex_);
    ranges_.erase(std::remove_if(ranges_.begin(), ranges_.end(),
                                 [&](const Range& r) { return r.first == first; }),
                  ranges_.end());
}

template <class Address>
typename Bus<Address>::Range Bus<Address>::find(std::uint64_t at, std::size_t bytes) const {
    const std::shared_lock lock(mutex_);
    for (const Range& r : ranges_)
        if (at >= r.first && at < r.end && bytes <= r.end - at)
            return r;
    return {0, 0, nullptr};
}

template <class Address>
void Bus<Address>::read(Address at, std::span<std::byte> data) const {
    const Range r = find(at, data.size());
    if (r.device != nullptr)
        r.device->read(static_cast<Address>(at - r.first), data);
    else
        std::fill(data.begin(), data.end(), std::byte{0xff});
}

template <class Address>
void Bus<Address>::write(Address at, std::span<const std::byte> data) const {
    const Range r = find(at, data.size());
    if (r.device != nullptr)
        r.device->write(static_cast<Address>(at - r.first), data);
}

template class Bus<std::uint16_t>;
template class Bus<std::uint64_t>;

} // namespace segue::vmm
