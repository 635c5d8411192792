// SPDX-License-Identifier: Apache-2.0
// model.hpp - what makes a virtio device a disk, a network card or a console.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/virtio/queue.hpp"
#include "vmm/virtio/queue_server.hpp"

namespace segue::vmm::virtio {

// What does not change while the device exists.
struct ModelFacts {
    std::string section;               // of its saved state: "virtio-blk"
    std::string id;                    // of the configuration: "disk0"; at most 31 bytes
    std::uint32_t revision = 1;        // of the section
    std::uint16_t type = 0;            // VIRTIO_ID_*, chapter 5
    std::uint32_t class_code = 0;      // of its PCI function
    std::uint64_t features = 0;        // of the device type; those of the rings come from Core
    std::vector<std::uint16_t> queues; // their largest sizes, powers of two
    std::uint64_t withheld = 0; // features that a new guest is not offered; one that has them may
};

// A device type of chapter 5. Called with the device's lock held, but for submit() and event(); by
// the device's worker, but where it says otherwise. It may use guest RAM from the first serve() on
// until in_flight() is 0 again.
class Model {
public:
    virtual ~Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    virtual const ModelFacts& facts() const = 0;
    // Device configuration (4.1.4.6); beyond it reads as zeros. [vcpu]
    virtual void read_config(std::uint32_t at, std::span<std::byte> data) const = 0;
    virtual void write_config(std::uint32_t, std::span<const std::byte>) {}

    // Takes what is available of queue `index`; true where there may be more at once. CORRUPT: the
    // driver has broken the rules, and the device needs a reset.
    virtual Result<bool> serve(unsigned index, std::span<Queue> queues, const Memory& memory) = 0;
    // Gives the host what serve() has prepared, without the lock: this may take its time.
    virtual void submit() {}
    // Readable when the host has done something; -1: none. [any]
    virtual int event() const { return -1; }
    // Gives finished requests back.
    virtual void finish(std::span<Queue>, const Memory&) {}
    // Whether the driver is to be told that the configuration is another one; once each time.
    virtual bool config_changed() { return false; }
    // Requests that are taken and not given back. [any]
    virtual std::size_t in_flight() const { return 0; }

    // Whether what the driver makes available in queue `index` asks for something; else it is room
    // for what the host may say.
    virtual bool takes_requests(unsigned /*index*/) const { return true; }

    // Who could serve queues instead of serve(); nullptr: nobody. [any]
    virtual QueueServer* server() { return nullptr; }
    // Whether it is to have queue `index` now; asked again whenever the worker looks at its queues.
    virtual bool lends(unsigned /*index*/) const { return false; }

    // The driver's features are known, the queues open. Also after load(). [vcpu]
    virtual void start(std::uint64_t /*features*/) {}
    // The device rests until unpark(), its worker too: what save() cannot write down is put where
    // the next generation's load() finds it. An error is one of settle(). [update]
    virtual Status park() { return {}; }
    // It goes on; here, where the next generation did not, or there. [update]
    virtual void unpark() noexcept {}
    // `settled`: nothing is in flight, nor will be before load(). [any]
    virtual void save(state::Writer&, bool /*settled*/) const {}
    virtual Status load(const state::Section&) { return {}; }
    virtual void reset() noexcept {}

protected:
    Model() = default;
};

// read_config() of a model whose device configuration is `structure`.
template <class T>
void read_structure(const T& structure, std::uint32_t at, std::span<std::byte> data) {
    const auto bytes = std::as_bytes(std::span(&structure, 1));
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = at + i < bytes.size() ? bytes[at + i] : std::byte{0};
}

} // namespace segue::vmm::virtio
