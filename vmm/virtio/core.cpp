// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/core.hpp"

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

constexpr std::uint64_t bit(unsigned n) {
    return 1ull << n;
}

constexpr std::uint64_t kOfEveryDevice =
    bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_RING_F_INDIRECT_DESC) | bit(VIRTIO_RING_F_EVENT_IDX);
// What a driver may set (2.1).
constexpr std::uint8_t kDriversStatus = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                                        VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK |
                                        VIRTIO_CONFIG_S_FAILED;

constexpr unsigned kShownFailures = 10;

} // namespace

Core::Core(std::unique_ptr<Model> model, const GuestRam& ram, Interrupts& interrupts,
           const Offer& offer)
    : model_(std::move(model))
    , memory_(ram)
    , interrupts_(interrupts)
    , supported_(facts().features | kOfEveryDevice | (offer.packed ? bit(VIRTIO_F_RING_PACKED) : 0))
    , offered_(supported_ & ~facts().withheld) {
    for (const std::uint16_t size : facts().queues)
        queues_.emplace_back(size, memory_);
}

Result<std::unique_ptr<Core>> Core::create(std::unique_ptr<Model> model, const GuestRam& ram,
                                           Interrupts& interrupts, const Offer& offer) {
    std::unique_ptr<Core> core(new Core(std::move(model), ram, interrupts, offer));
    SEGUE_ASSIGN(core->doorbell_, sys::event());
    if (QueueServer* server = core->model_->server()) {
        SEGUE_ASSIGN(core->lending_, Lending::create(*server));
    }
    core->thread_ = std::thread([c = core.get()] { c->loop(); });
    return core;
}

std::uint64_t Core::offered() const {
    const std::lock_guard lock(mutex_);
    return offered_;
}

std::uint64_t Core::accepted() const {
    const std::lock_guard lock(mutex_);
    return features_;
}

void Core::accept(std::uint64_t features) {
    const std::lock_guard lock(mutex_);
    if ((status_ & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
        features_ = features;
}

RingFeatures Core::ring_features() const {
    return {(features_ & bit(VIRTIO_F_RING_PACKED)) != 0,
            (features_ & bit(VIRTIO_RING_F_INDIRECT_DESC)) != 0,
            (features_ & bit(VIRTIO_RING_F_EVENT_IDX)) != 0};
}

std::uint8_t Core::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

// 3.1.1: FEATURES_OK stays off where the driver wants what was not offered, or is a legacy one;
// without it there is no DRIVER_OK. No bit is cleared but by a reset.
void Core::set_status(std::uint8_t status) {
    const std::lock_guard lock(mutex_);
    if (status == 0)
        return begin_reset();
    if (resetting_)
        return;
    const bool acceptable =
        (features_ & ~offered_) == 0 && (features_ & bit(VIRTIO_F_VERSION_1)) != 0;
    const std::uint8_t before = status_;
    status_ |= status & kDriversStatus;
    if (!acceptable)
        status_ &= static_cast<std::uint8_t>(~VIRTIO_CONFIG_S_FEATURES_OK);
    if ((status_ & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
        status_ &= static_cast<std::uint8_t>(~VIRTIO_CONFIG_S_DRIVER_OK);
    if ((status_ & ~before & VIRTIO_CONFIG_S_DRIVER_OK) != 0) {
        start_model();
        sys::signal_event(doorbell_.get());
    }
}

std::uint16_t Core::config_vector() const {
    const std::lock_guard lock(mutex_);
    return config_vector_;
}

void Core::set_config_vector(std::uint16_t vector) {
    const std::lock_guard lock(mutex_);
    config_vector_ = vector;
}

QueueState Core::queue(unsigned index) const {
    const std::lock_guard lock(mutex_);
    return queues_[index].state();
}

void Core::set_queue(unsigned index, const RingPlace& place) {
    const std::lock_guard lock(mutex_);
    if (!queues_[index].enabled())
        queues_[index].set(place);
}

void Core::set_queue_vector(unsigned index, std::uint16_t vector) {
    const std::lock_guard lock(mutex_);
    queues_[index].set_vector(vector);
    rewire(index);
}

void Core::enable_queue(unsigned index) {
    const std::lock_guard lock(mutex_);
    if (queues_[index].enabled() || resetting_ || (status_ & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
        return;
    if (const Status s = queues_[index].enable(memory_, ring_features()); !s)
        return fail(s.error());
    sys::signal_event(doorbell_.get());
}

void Core::read_config(std::uint32_t at, std::span<std::byte> data) const {
    const std::lock_guard lock(mutex_);
    model_->read_config(at, data);
}

void Core::write_config(std::uint32_t at, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    model_->write_config(at, data);
    sys::signal_event(doorbell_.get());
}

// 2.1.2: told once; what the driver does from then on changes nothing until it resets the device.
void Core::fail(const Error& why) {
    if ((status_ & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
        return;
    if (failures_ < kShownFailures) // a guest may do this all day
        log::warn("device '" + facts().id + "' needs a reset by the guest: " + why.what() +
                  (++failures_ == kShownFailures ? "; further ones are not shown" : ""));
    status_ |= VIRTIO_CONFIG_S_NEEDS_RESET;
    (void)take_all_back().ok(); // it is broken already
    if ((status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
        interrupts_.tell_config(config_vector_);
}

void Core::begin_reset() {
    resetting_ = true;
    if (const Status s = take_all_back(); !s)
        log::warn("device '" + facts().id + "': " + s.error().what());
    for (Queue& q : queues_)
        q.close();
    if (model_->in_flight() == 0)
        end_reset();
    else
        sys::signal_event(doorbell_.get());
}

void Core::end_reset() {
    resetting_ = false;
    status_ = 0;
    features_ = 0;
    config_vector_ = kNoVector;
    model_->reset();
}

} // namespace segue::vmm::virtio
