// SPDX-License-Identifier: Apache-2.0
// copy_floor.hpp - what a copy between two processes costs with nothing around it: memcpy.
#pragma once

#include <cstdint>

#include <segue/cpp/result.hpp>

namespace segue::bench {

// What is filled: memory of the other process alone, or a memfd, whose pages cost more to make.
enum class Fills { Private, Memfd };

struct FloorTimes {
    double seconds = 0, cpu_s = 0;
};

// In which another process, on one thread, copies `mib` MiB of this one's memory, half of
// it zeros and half random, into memory that nobody has touched: as the new side of an update has
// to fill. The source's pages are there, and mapped, before.
Result<FloorTimes> copy_floor(unsigned mib, Fills fills);

} // namespace segue::bench
