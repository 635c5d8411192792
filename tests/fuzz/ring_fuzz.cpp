// SPDX-License-Identifier: Apache-2.0
// Any bytes as a virtqueue, in guest RAM that they fill, and any chain in it as a block request, as
// a network card's command and as room for a frame: what comes out lies in RAM and is bounded.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "vmm/devices/virtio_block/request.hpp"
#include "vmm/devices/virtio_net/control.hpp"
#include "vmm/devices/virtio_net/receive.hpp"
#include "vmm/virtio/ring.hpp"
#include "vmm/virtio/test_ram.hpp"

namespace {

using namespace segue;
using namespace segue::vmm;
using namespace segue::vmm::virtio;

constexpr RingPlace kPlace = {16, 0x1000, 0x1100, 0x1140};
constexpr std::size_t kMost = 0x2000;     // bytes of an input
constexpr unsigned kMostChains = 0x20000; // a split ring's index goes round once

void must(bool so) {
    if (!so)
        std::abort();
}

void command(const Chain& chain, const Memory& memory) {
    NetState card;
    const auto written = obey(chain, memory, ~0ull, 8, card);
    must(!written || (*written == 1 && chain.writable_bytes() != 0));
    must(card.pairs >= 1 && card.pairs <= 8 && (card.mac[0] & 1) == 0);
}

// Frames into the queue as it is, until it has no room for one.
void receive(const RingFeatures& features, const Memory& memory) {
    Queue queue(kPlace.size, memory);
    queue.set(kPlace);
    must(queue.enable(memory, features).ok());
    Receive to_driver;
    std::vector<std::byte> frame(200, std::byte{0x55});
    for (unsigned n = 0; n < 64; ++n) {
        const auto delivered = to_driver.deliver(frame, n % 8 != 0, queue, memory);
        if (!delivered || !*delivered)
            break;
        frame.resize(frame.size() * 3 % NetState::kMaxFrame + 12);
    }
}

void use(const DiskFacts& disk, const Chain& chain, const Memory& memory) {
    std::uint64_t bytes = 0;
    for (const auto* segments : {&chain.readable(), &chain.writable()})
        for (const Segment& s : *segments) {
            must(s.bytes != 0 && memory.contains(s.at, s.bytes));
            bytes += s.bytes;
        }
    must(bytes == chain.readable_bytes() + chain.writable_bytes() && bytes <= 1ull << 32);
    must(chain.readable().size() + chain.writable().size() <= Chain::kMaxSegments);
    command(chain, memory);
    auto request = BlockRequest::read(disk, chain, memory);
    if (!request)
        return;
    if (request->for_host()) {
        const HostRequest& h = request->host();
        must(h.offset <= disk.bytes && h.bytes <= disk.bytes - h.offset);
        std::uint64_t mapped = 0;
        for (const iovec& p : h.pieces)
            mapped += p.iov_len;
        must(h.pieces.empty() || mapped == h.bytes);
        (void)request->finished_by(-95); // EOPNOTSUPP
        (void)request->finished_by(512);
    }
    must(request->complete(memory) <= chain.writable_bytes());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static TestRam ram;
    if (size == 0)
        return 0;
    const RingFeatures features = {(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
    DiskFacts disk;
    disk.id = "disk0";
    disk.bytes = 1 << 16;
    disk.read_only = (data[0] & 8) != 0;
    std::vector<std::byte> bytes(kMost);
    std::memcpy(bytes.data(), data + 1, std::min(size - 1, kMost));
    must(ram.memory().write(kPlace.descriptors, bytes));
    auto ring = make_ring(ram.memory(), kPlace, features, first_position(features));
    must(ring.ok());
    Chain chain;
    for (unsigned n = 0; n < kMostChains; ++n) {
        (void)(*ring)->listen(n % 2 == 0);
        const auto got = (*ring)->pop(chain);
        if (!got || !*got)
            break;
        use(disk, chain, ram.memory());
        (*ring)->push(chain, 1);
        (void)(*ring)->wants_interrupt();
    }
    must(ram.memory().write(kPlace.descriptors, bytes));
    receive(features, ram.memory());
    return 0;
}
