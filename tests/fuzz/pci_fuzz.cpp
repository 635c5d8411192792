// SPDX-License-Identifier: Apache-2.0
// Any writes of a guest to a virtio device's configuration space and BAR, and any bytes as its
// saved state: the VMM stands, and reads say something.
#include <cstdlib>
#include <cstring>

#include "vmm/pci/fake_host.hpp"
#include "vmm/pci/root.hpp"
#include "vmm/virtio/pci_device.hpp"
#include "vmm/virtio/test_ram.hpp"

namespace {

using namespace segue;
using namespace segue::vmm;

class Sink final : public virtio::Model {
public:
    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t, std::span<std::byte>) const override {}
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory&) override {
        virtio::Queue& q = queues[index];
        return q.drain([] { return true; },
                       [&](const virtio::Chain& chain) -> Status {
                           q.push(chain, 0);
                           return {};
                       });
    }

private:
    virtio::ModelFacts facts_ = {"virtio-sink", "sink0", 1, 42, 0xff0000, 1, {16, 16}};
};

struct NoReset final : PortDevice {
    void read(std::uint16_t, std::span<std::byte>) override {}
    void write(std::uint16_t, std::span<const std::byte>) override {}
};

// One access of a guest; 16 bytes of an input.
struct Access {
    std::uint8_t where; // ECAM, BAR, port
    std::uint8_t log2_bytes;
    std::uint16_t offset;
    std::uint32_t high; // where the BAR may be by now
    std::uint64_t value;
};

void access(Buses& buses, const Access& a) {
    std::uint64_t value = a.value;
    const auto data =
        std::as_writable_bytes(std::span(&value, 1)).first(std::size_t{1} << a.log2_bytes % 4);
    const std::uint64_t bar = pci::Endpoint::bar_window(1) + (a.high & 0xffff8000);
    switch (a.where % 3) {
    case 0:
        buses.mmio.write(kEcam + (1 << 15) + a.offset, data);
        return buses.mmio.read(kEcam + (1 << 15) + a.offset, data);
    case 1:
        buses.mmio.write(bar + a.offset, data);
        return buses.mmio.read(bar + a.offset, data);
    default:
        buses.ports.write(static_cast<std::uint16_t>(0xcf8 + a.offset % 8), data);
        return buses.ports.read(static_cast<std::uint16_t>(0xcf8 + a.offset % 8), data);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static virtio::TestRam ram;
    Buses buses;
    pci::FakeHost host(buses.mmio);
    NoReset no_reset;
    pci::Root root;
    auto device = virtio::PciDevice::create(host, 1, std::make_unique<Sink>(), ram.ram()).value();
    if (!root.attach_to(buses, no_reset) || !root.plug(1, *device))
        std::abort();
    device->activate();
    for (; size >= sizeof(Access); size -= sizeof(Access), data += sizeof(Access)) {
        Access a = {};
        std::memcpy(&a, data, sizeof a);
        access(buses, a);
    }
    state::Writer writer{state::Header()};
    writer.begin("virtio-sink", "sink0", 1);
    device->save(writer);
    writer.end();
    const auto saved = state::Reader::parse(writer.finish());
    if (!saved || !device->settle(Deadline::never()))
        std::abort();
    // What a guest can bring about can be carried, unless its rings are no more.
    (void)device->load(**saved->take("virtio-sink", "sink0")).ok();
    return 0;
}
