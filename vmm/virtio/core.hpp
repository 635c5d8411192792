// SPDX-License-Identifier: Apache-2.0
// core.hpp - a virtio device behind its transport: status, features, queues, and a thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"
#include "vmm/virtio/lending.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm::virtio {

// The transport's way of telling the driver. With the device's lock held.
class Interrupts {
public:
    virtual ~Interrupts() = default;
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    virtual void tell_used(std::uint16_t vector) noexcept = 0;
    virtual void tell_config(std::uint16_t vector) noexcept = 0;
    // Signalled, it is tell_used(vector), until Core::rewire(); -1: only tell_used() itself is.
    virtual int line(std::uint16_t vector) const noexcept = 0;

protected:
    Interrupts() = default;
};

// What of the transport's a configuration may leave out.
struct Offer {
    bool packed = true; // VIRTIO_F_RING_PACKED
};

// Virtio 1.2, chapters 2 and 3. One thread does the device's work; whoever calls from a vCPU finds
// the lock held only for as long as that thread looks at a ring. A driver's reset is over when
// nothing is in flight: status reads as 0 from then on (2.4.2). [any]
class Core {
public:
    // `ram` and `interrupts` outlive it.
    static Result<std::unique_ptr<Core>> create(std::unique_ptr<Model> model, const GuestRam& ram,
                                                Interrupts& interrupts, const Offer& offer);
    ~Core();

    const ModelFacts& facts() const { return model_->facts(); }
    // Signalled, whoever serves the queue looks at it.
    int doorbell(unsigned queue) const;
    // Interrupts::line() may have changed.
    void rewire();

    // The driver's registers.
    std::uint64_t offered() const;
    std::uint64_t accepted() const;
    void accept(std::uint64_t features); // until FEATURES_OK
    std::uint8_t status() const;
    void set_status(std::uint8_t status);
    std::uint16_t config_vector() const;
    void set_config_vector(std::uint16_t vector);
    unsigned queues() const { return static_cast<unsigned>(queues_.size()); }
    QueueState queue(unsigned index) const;
    void set_queue(unsigned index, const RingPlace& place); // until it is enabled
    void set_queue_vector(unsigned index, std::uint16_t vector);
    void enable_queue(unsigned index);
    void read_config(std::uint32_t at, std::span<std::byte> data) const;
    void write_config(std::uint32_t at, std::span<const std::byte> data);

    // update.md's verbs.
    Status settle(Deadline deadline);
    void activate() noexcept;
    unsigned requests_waiting() const;
    // A server, which writes into the driver's buffers, may have its queues.
    bool writes_unseen() const { return lending_ != nullptr; }
    CoreState state() const;
    void save_model(state::Writer& section) const;
    // All or nothing; parked.
    Status load(const CoreState& state, const state::Section& model);
    void reset() noexcept;

private:
    Core(std::unique_ptr<Model> model, const GuestRam& ram, Interrupts& interrupts,
         const Offer& offer);
    void loop();
    bool wait_for_work();
    void work();
    bool serving() const;
    Result<bool> serve_all();
    Result<bool> serve(unsigned index);
    void start_model();
    void hear();
    bool lend(unsigned index);
    void rewire(unsigned index);
    Status take_back(unsigned index);
    Status take_all_back();
    void fail(const Error& why);
    void begin_reset();
    void end_reset();
    RingFeatures ring_features() const;

    std::unique_ptr<Model> model_;
    const Memory memory_;
    Interrupts& interrupts_;
    UniqueFd doorbell_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool active_ = false;
    bool quit_ = false;
    bool idle_ = false;             // the thread waits for activate()
    bool resetting_ = false;        // until nothing is in flight
    bool loaded_ = false;           // what the driver was told may not have reached it
    const std::uint64_t supported_; // features
    std::uint64_t offered_;
    std::uint8_t status_ = 0;
    std::uint64_t features_ = 0;
    std::uint16_t config_vector_ = kNoVector;
    std::vector<Queue> queues_;
    std::unique_ptr<Lending> lending_; // nullptr: there is nobody to lend queues to
    unsigned failures_ = 0;            // that were shown
    bool alone_ = false;               // it was said that nobody takes the queues
    std::thread thread_;
};

} // namespace segue::vmm::virtio
