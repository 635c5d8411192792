// SPDX-License-Identifier: Apache-2.0
// Prints the sample container. A frozen sample is made once for each released format version and
// never again:
//   cmake --build --preset dev --target state_sample
//   build/dev/bin/state_sample > core/state/testdata/v1.segue
#include <cstdio>

#include "core/state/sample.hpp"

int main() {
    const auto bytes = segue::state::make_sample();
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}
