// SPDX-License-Identifier: Apache-2.0
// `segue inspect`: a state file as text.
#include "core/state/inspect.hpp"

#include <vector>

#include <segue/cpp/sys.hpp>

#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"

namespace segue::cli {
namespace {

constexpr off_t kMaxState = off_t{1} << 30; // bytes; RAM is not part of what is read here

Result<std::vector<std::byte>> read_state(const std::string& path) {
    SEGUE_ASSIGN(const auto fd, sys::open(path, O_RDONLY));
    SEGUE_ASSIGN(const auto s, sys::stat(fd.get()));
    if (s.st_size > kMaxState)
        return Error(Code::Invalid, path + " has " + std::to_string(s.st_size) +
                                        " bytes: too long for a state file");
    std::vector<std::byte> bytes(static_cast<std::size_t>(s.st_size));
    SEGUE_TRY(sys::pread_all(fd.get(), bytes, 0));
    return bytes;
}

Status show(const std::string& path, bool json) {
    SEGUE_ASSIGN(const auto bytes, read_state(path));
    auto reader = state::Reader::parse(bytes);
    if (!reader)
        return std::move(reader).error().while_doing(path);
    out(json ? state::inspect_json(*reader) + "\n" : state::inspect_text(*reader));
    return {};
}

} // namespace

ExitCode inspect(const std::string& file, bool json) {
    return finish(show(file, json));
}

} // namespace segue::cli
