// SPDX-License-Identifier: Apache-2.0
// fault_vmm_main.cpp - segue-vmm as it is shipped, with a Report that the tests can hold.
#include <cstdlib>

#include "tests/fault/barrier_report.hpp"
#include "vmm/main/run_vmm.hpp"

int main(int argc, char** argv) {
    const char* socket = std::getenv(segue::fault::kBarrierVariable);
    segue::fault::BarrierReport barrier(socket != nullptr ? socket : "");
    return segue::vmm::run_vmm(argc, argv, &barrier);
}
