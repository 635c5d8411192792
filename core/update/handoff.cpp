// SPDX-License-Identifier: Apache-2.0
#include "core/update/handoff.hpp"

#include <segue/cpp/sys.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::update {

namespace {

constexpr std::size_t kMaxHandoff = 1u << 20;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

} // namespace

Result<UniqueFd> make_handoff(int record, const ExecFds& fds) {
    state::Writer out{state::Header{}};
    out.begin("handoff", "", 1);
    out.put("record", static_cast<std::uint64_t>(record));
    out.end();
    fds.write(out);
    SEGUE_ASSIGN(UniqueFd memfd, sys::memfd("segue:handoff", MFD_ALLOW_SEALING));
    SEGUE_TRY(sys::pwrite_all(memfd.get(), out.finish(), 0));
    SEGUE_TRY(sys::seal(memfd.get(), kSeals));
    return memfd;
}

Result<Handoff> take_handoff(UniqueFd memfd, ExecFds& fds) {
    SEGUE_ASSIGN(const int seals, sys::seals(memfd.get()));
    SEGUE_ASSIGN(const auto st, sys::stat(memfd.get()));
    if ((seals & kSeals) != kSeals || st.st_size <= 0 ||
        static_cast<std::size_t>(st.st_size) > kMaxHandoff)
        return Error(Code::Corrupt, "what came through execve is no sealed handoff");
    std::vector<std::byte> bytes(static_cast<std::size_t>(st.st_size));
    SEGUE_TRY(sys::pread_all(memfd.get(), bytes, 0));
    SEGUE_ASSIGN(const state::Reader in, state::Reader::parse(bytes));
    SEGUE_ASSIGN(const state::Section* s, in.take("handoff"));
    SEGUE_ASSIGN(const std::uint64_t record, s->number("record"));
    if (record > 0x7fffffff || ::fcntl(static_cast<int>(record), F_SETFD, FD_CLOEXEC) != 0)
        return Error(Code::Corrupt, "the ownership record did not come through execve");
    Handoff h{UniqueFd(static_cast<int>(record))};
    SEGUE_TRY(fds.read(in));
    return h;
}

} // namespace segue::update
