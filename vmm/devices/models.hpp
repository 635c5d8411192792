// SPDX-License-Identifier: Apache-2.0
// models.hpp - the device models that a configuration may name, without what makes them work.
#pragma once

#include "core/config/device_models.hpp"

namespace segue::vmm {

config::DeviceModels device_models();

} // namespace segue::vmm
