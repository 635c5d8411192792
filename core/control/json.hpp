// SPDX-License-Identifier: Apache-2.0
// json.hpp - what goes over the control socket, as JSON text and back.
#pragma once

#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>

#include "core/control/service.hpp"

namespace segue::control {

// One line, no line feed in it. Times of phases are nanoseconds of CLOCK_MONOTONIC. [any]
std::string to_json(const VmInfo& vm);
std::string to_json(const report::UpdateRecord& record);
std::string to_json(const UpdateRequest& request);
std::string to_json(const std::vector<report::UpdateRecord>& records); // {"updates": [...]}
std::string to_json(const report::Verdict& verdict);
std::string to_json(const std::vector<PluginInfo>& plugins); // {"plugins": [...]}
std::string balloon_to_json(std::uint64_t bytes);            // {"bytes": N}
// RFC 9457 "problem+json": type, title, status, detail; and code, way_out, phase, details.
std::string to_problem(const Error& error, int http_status);

// INVALID says what is malformed or missing. Unknown keys are skipped in answers (a newer VMM may
// say more) and refused in requests (a misspelt option must not be ignored).
Result<VmInfo> vm_from_json(std::string_view text);
Result<report::UpdateRecord> record_from_json(std::string_view text);
Result<report::Verdict> verdict_from_json(std::string_view text);
Result<UpdateRequest> request_from_json(std::string_view text);
Result<std::uint64_t> balloon_from_json(std::string_view text);
// {"runs":"here"} or "there"
Result<bool> resolution_from_json(std::string_view source);
std::string resolution_to_json(bool here);
Result<std::vector<report::UpdateRecord>> records_from_json(std::string_view text);
Result<std::vector<PluginInfo>> plugins_from_json(std::string_view text);
// The error that a problem tells; where the body is none, one that says so.
Error error_from_problem(std::string_view text, int http_status);

} // namespace segue::control
