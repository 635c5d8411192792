// SPDX-License-Identifier: Apache-2.0
#include "core/report/journal.hpp"

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"

namespace segue::report {

constexpr std::size_t kMaxLine = 64u << 10; // bytes

void Journal::ended(const UpdateRecord& record) {
    if (const auto written = append(record); !written)
        log::error("journal of update " + record.id + ": " + written.error().what());
}

Status Journal::append(const UpdateRecord& record) const {
    const std::string line = encode_(record) + "\n";
    if (line.size() > kMaxLine)
        return Error(Code::Invalid, "append to " + path_ + ": a line of " +
                                        std::to_string(line.size()) + " bytes, at most " +
                                        std::to_string(kMaxLine) + " are taken");
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(path_, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW));
    const auto n = sys::retry([&] { return ::write(fd.get(), line.data(), line.size()); });
    if (n < 0)
        return Error::from_errno(errno, "append to " + path_);
    if (static_cast<std::size_t>(n) != line.size())
        return Error(Code::Io, "append to " + path_ + ": only " + std::to_string(n) + " of " +
                                   std::to_string(line.size()) + " bytes were written")
            .way_out("make room on that file system");
    if (::fdatasync(fd.get()) != 0)
        return Error::from_errno(errno, "sync " + path_);
    return {};
}

} // namespace segue::report
