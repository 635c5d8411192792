// SPDX-License-Identifier: Apache-2.0
// cpu_fit.hpp - whether a guest that has seen one CPU can go on with another.
#pragma once

#include <segue/cpp/result.hpp>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

// `shown` is what the guest was shown, on whatever host; `host` what this one could show at most
// (host_cpuid with nesting). REFUSED names all features that are missing (detail "features"), or
// what else differs: the vendor, address bits, counters, where XSAVE puts a component.
Status fits_host(const CpuidEntries& shown, const CpuidEntries& host);

} // namespace segue::vmm
