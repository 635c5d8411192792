// SPDX-License-Identifier: Apache-2.0
// output.hpp - what commands print, and how they reach a guest.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>

#include "core/base/places.hpp"
#include "core/cli/exit_code.hpp"
#include "core/control/client.hpp"

namespace segue::cli {

void out(std::string_view text); // to stdout, at once
// "segue: WHAT" and the way out on a line of its own, to stderr; gives the code to exit with.
ExitCode fail(const Error& error);
ExitCode finish(const Status& status);

Result<control::Client> client_of(const Places& places, const std::string& guest,
                                  std::chrono::milliseconds timeout = std::chrono::seconds(10));

// "256M given back, 512M wanted"
std::string balloon_text(const control::BalloonInfo& balloon);

// The folder that our own executable lies in.
Result<std::string> own_folder();

} // namespace segue::cli
