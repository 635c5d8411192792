// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/run_vmm.hpp"

int main(int argc, char** argv) {
    return segue::vmm::run_vmm(argc, argv, nullptr);
}
