// SPDX-License-Identifier: Apache-2.0
// virtio_net.hpp - a network card.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vmm/devices/virtio_net/announcer.hpp"
#include "vmm/devices/virtio_net/receive.hpp"
#include "vmm/devices/virtio_net/state.hpp"
#include "vmm/devices/virtio_net/tap.hpp"
#include "vmm/devices/virtio_net/vhost_net.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

struct NetConfig {
    std::string id;
    Mac mac = {};
    unsigned queues = 1; // pairs
    unsigned mtu = 0;    // 0: the driver is told nothing
    bool offloads = true;
    bool packed = true; // a new guest is offered packed rings
};

// Virtio 1.2, 5.1. A wire between the driver and a tap: frames are copied as they are, headers and
// all, and who is to see which is the tap's bridge's and the driver's business. A frame is read
// where the driver has given room, else it waits in the tap, where it goes on to the next
// generation; a driver that takes the device gets none of those from before. Where there is a
// vhost, that has the data queues of the pairs that the driver uses, once no frame waits here. On a
// tap that is new to a guest that goes on, the card makes itself known, and asks the driver to
// (5.1.6.5.4).
class VirtioNet final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-net";

    // The tap's descriptors outlive it. `vhost`: of that tap; nullptr: there is none.
    static Result<std::unique_ptr<VirtioNet>> create(const NetConfig& config, Tap tap,
                                                     std::unique_ptr<VhostNet> vhost = nullptr);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    bool takes_requests(unsigned index) const override {
        return index % 2 != 0 || index == control_queue();
    }
    int event() const override { return epoll_.get(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    virtio::QueueServer* server() override { return vhost_.get(); }
    bool lends(unsigned index) const override {
        return !tell_tap_ && index < control_queue() && index / 2 < s_.pairs &&
               (index % 2 != 0 || s_.waiting[index / 2].empty());
    }
    bool config_changed() override { return std::exchange(tell_driver_, false); }
    void start(std::uint64_t features) override;
    void unpark() noexcept override;
    void save(state::Writer& section, bool) const override { s_.write(section); }
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    VirtioNet(const NetConfig& config, Tap tap, std::unique_ptr<VhostNet> vhost, UniqueFd epoll,
              Announcer announcer);
    bool has(unsigned feature) const { return (features_ >> feature & 1) != 0; }
    unsigned control_queue() const;
    Result<bool> receive(unsigned pair, virtio::Queue& queue, const virtio::Memory& memory);
    std::span<std::byte> read_frame(unsigned pair);
    Status send(unsigned pair, const virtio::Chain& chain, const virtio::Memory& memory);
    Status obey_driver(const virtio::Chain& chain, virtio::Queue& queue,
                       const virtio::Memory& memory);
    void tell_tap();
    void discard();
    void watch(unsigned pair);
    void announce();
    void warn(const char* what, int why);

    virtio::ModelFacts facts_;
    const NetConfig config_;
    const Tap tap_;
    std::unique_ptr<VhostNet> vhost_;
    UniqueFd epoll_;
    Announcer announcer_;
    NetState s_;
    std::uint64_t features_ = 0;
    bool tell_tap_ = false;              // it does not know what the driver wants
    bool tell_driver_ = false;           // s_.announce is new
    bool elsewhere_ = false;             // this network has not seen the card yet
    std::vector<bool> listed_, watched_; // in epoll_, a pair each; nothing to read until it says so
    std::vector<std::byte> frame_;
    std::vector<iovec> pieces_;
    Receive to_driver_;
    bool other_queues_ = false; // a command has changed which of them are used
    bool warned_ = false;
};

} // namespace segue::vmm
