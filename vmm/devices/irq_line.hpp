// SPDX-License-Identifier: Apache-2.0
// irq_line.hpp - a device's interrupt wire.
#pragma once

namespace segue::vmm {

// [any, one at a time]
class IrqLine {
public:
    virtual ~IrqLine() = default;
    IrqLine(const IrqLine&) = delete;
    IrqLine& operator=(const IrqLine&) = delete;

    virtual void set(bool level) noexcept = 0;

protected:
    IrqLine() = default;
};

} // namespace segue::vmm
