// SPDX-License-Identifier: Apache-2.0
// bench_vmm.hpp - the VMM next to this program, with a guest, in folders of its own.
#pragma once

#include <string>

#include "core/base/places.hpp"
#include "core/base/spawn.hpp"
#include "core/base/temp_dir.hpp"
#include "core/control/client.hpp"

namespace segue::bench {

// Gone with this, whichever process has the guest by then. [one thread]
class BenchVmm {
public:
    static constexpr std::chrono::seconds kPatience{60};

    BenchVmm();
    ~BenchVmm();
    BenchVmm(const BenchVmm&) = delete;
    BenchVmm& operator=(const BenchVmm&) = delete;

    // Until it answers. `config`: TOML without the guest's name and kernel, which is the metronome
    // of this build; `[guest]` comes first.
    Status start(const std::string& guest, const std::string& config);
    // An update has given the guest to another process: waits for the end of the one before.
    void owned_by(pid_t pid);

    pid_t owner() const { return owner_; }
    // Of all processes that had the guest, whole.
    double cpu_seconds() const;
    const control::Client& client() const { return client_; }
    std::string operator/(const std::string& file) const { return dir_ / file; }

private:
    TempDir dir_;
    GuestPlaces places_;
    control::Client client_;
    Child first_;
    pid_t owner_ = 0;
    double spent_ = 0; // CPU seconds, of those that have ended
};

} // namespace segue::bench
