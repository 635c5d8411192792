// SPDX-License-Identifier: Apache-2.0
#include "core/cli/state_file.hpp"

#include <segue/cpp/sys.hpp>

#include "core/update/rested.hpp"

namespace segue::cli {
namespace {

constexpr off_t kMaxState = off_t{1} << 30; // bytes

Result<std::vector<std::byte>> read_all(int fd) {
    SEGUE_ASSIGN(const auto s, sys::stat(fd));
    if (s.st_size > kMaxState)
        return Error(Code::Invalid,
                     std::to_string(s.st_size) + " bytes are too many for a state file");
    std::vector<std::byte> bytes(static_cast<std::size_t>(s.st_size));
    SEGUE_TRY(sys::pread_all(fd, bytes, 0));
    return bytes;
}

Status add(std::vector<NamedContainer>& to, const std::string& name, std::vector<std::byte> bytes) {
    auto reader = state::Reader::parse(bytes);
    if (!reader)
        return name.empty() ? std::move(reader).error()
                            : std::move(reader).error().while_doing("its " + name);
    to.push_back({name, std::move(bytes), std::move(*reader)});
    return {};
}

Result<std::vector<NamedContainer>> read(const std::string& path) {
    SEGUE_ASSIGN(const auto fd, sys::open(path, O_RDONLY));
    std::vector<NamedContainer> all;
    SEGUE_ASSIGN(auto rested, update::read_rested(fd.get()));
    if (!rested) {
        SEGUE_ASSIGN(auto bytes, read_all(fd.get()));
        SEGUE_TRY(add(all, "", std::move(bytes)));
        return all;
    }
    if (!rested->whole)
        return Error(Code::Corrupt, "it was not written to its end");
    SEGUE_TRY(add(all, "manifest", std::move(rested->manifest)));
    SEGUE_TRY(add(all, "state", std::move(rested->state)));
    return all;
}

} // namespace

Result<std::vector<NamedContainer>> read_state_file(const std::string& path) {
    auto all = read(path);
    if (!all)
        return std::move(all).error().while_doing(path);
    return all;
}

} // namespace segue::cli
