// SPDX-License-Identifier: Apache-2.0
// ram_convert.hpp - moving RAM into memory that another process can be given, for a mode, typed:
// <segue/abi/ram_convert.h>.
#pragma once

#include <segue/abi/ram_convert.h>
#include <segue/cpp/host.hpp>

namespace segue {

// May be copied; lives as long as the mode's instance. [update]
class RamConvert {
public:
    explicit RamConvert(const Host& host)
        : t_(host.service<segue_host_ram_convert>(SEGUE_RAM_CONVERT_ID)) {}

    // The next piece, of which at most about `copy` bytes are copied.
    Result<segue_converted> next(std::uint64_t copy) const {
        segue_converted done = {};
        done.size = sizeof done;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->convert(t_->h, copy, &done, e); }));
        return done;
    }

private:
    const segue_host_ram_convert* t_;
};

} // namespace segue
