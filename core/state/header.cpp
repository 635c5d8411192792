// SPDX-License-Identifier: Apache-2.0
#include "core/state/header.hpp"

#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"

namespace segue::state {

using namespace layout;

Result<Header> read_header(std::span<const std::byte> in) {
    if (in.size() < kHeaderSize || text_of(in.first(kMagic.size())) != kMagic)
        return Error(Code::Corrupt, "this is not a Segue state container: it does not begin with "
                                    "a header and its magic 'SEGUEST1'");
    const auto format = load<std::uint32_t>(in, kFormat);
    if (format != kFormatVersion)
        return Error(Code::Unsupported, "the state container has format version " +
                                            std::to_string(format) + ", this program reads " +
                                            std::to_string(kFormatVersion))
            .way_out("read it with the version of Segue that wrote it")
            .with("format", std::to_string(format));
    if (load<std::uint64_t>(in, kHeaderChecksum) !=
        checksum(in.first(kWordOffset), in.subspan(kAfterWord, kHeaderChecksum - kAfterWord)))
        return Error(Code::Corrupt, "the state container's header does not match its checksum");
    Header header;
    std::memcpy(header.guest.data(), &in[kGuest], header.guest.size());
    header.generation = load<std::uint32_t>(in, kGeneration);
    header.attempt = load<std::uint32_t>(in, kAttempt);
    header.word = load<std::uint64_t>(in, kWordOffset);
    SEGUE_ASSIGN(header.machine, load_name(in, kMachine));
    SEGUE_ASSIGN(header.creator, load_name(in, kCreator));
    return header;
}

} // namespace segue::state
