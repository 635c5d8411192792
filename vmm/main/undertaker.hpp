// SPDX-License-Identifier: Apache-2.0
// undertaker.hpp - lets this process end, or become another program, before its memory and its VM
// do.
//
// The kernel unmaps guest RAM page by page, and ends a KVM VM or a vhost after grace periods: 20 ms
// and more in which a holder would wait for our end, or execve for itself, the guest standing
// still.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// A process that shares our memory and keeps some of our descriptors open, until this process has
// ended or executed another program; then it ends, and the kernel takes both apart. [main, update]
class Undertaker {
public:
    // It keeps `kept` and, of our descriptors, only those: what we close afterwards is closed. An
    // orphan, so that nobody has to reap it.
    static Result<std::unique_ptr<Undertaker>> start(std::vector<int> kept);
    // Not needed after all: it ends before this returns.
    ~Undertaker();
    Undertaker(const Undertaker&) = delete;
    Undertaker& operator=(const Undertaker&) = delete;

private:
    struct Order;
    static int bury(void* order) noexcept;
    static int between(void* order) noexcept;
    explicit Undertaker(std::unique_ptr<Order> order);

    std::unique_ptr<Order> order_; // the child reads it as long as it lives
};

} // namespace segue::vmm
