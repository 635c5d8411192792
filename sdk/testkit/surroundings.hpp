// SPDX-License-Identifier: Apache-2.0
// surroundings.hpp - what a plugin could have changed in its process without being asked.
#pragma once

#include <map>
#include <string>

namespace segue::testkit {

// By name: "descriptor socket", "thread", "signal 13", "umask". Descriptors are counted by what
// they are open to.
using Surroundings = std::map<std::string, std::string>;

Surroundings holdings(); // descriptors, threads, children
Surroundings settings(); // signals, umask, folder, locale
Surroundings files_in(const std::string& dir);

// "" where both are the same, else each difference: "umask: 022 before, 0 afterwards".
std::string difference(const Surroundings& before, const Surroundings& after);

} // namespace segue::testkit
