// SPDX-License-Identifier: Apache-2.0
// Any bytes as a state container: refused, or read to the last field. Most inputs die at a
// checksum, so each is also tried as the payload of a section in a container that is right
// otherwise.
#include <cstdlib>

#include "core/report/codec.hpp"
#include "core/state/inspect.hpp"
#include "core/state/reader.hpp"
#include "core/state/sample.hpp"

namespace {

using namespace segue;
using namespace segue::state;

void use(std::span<const std::byte> container) {
    const auto reader = Reader::parse(container);
    if (!reader)
        return;
    if (inspect_text(*reader).empty() || inspect_json(*reader).empty())
        std::abort();
    (void)report::load_record(*reader).ok();
    (void)reader->all_taken().ok();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    use(bytes);
    use(forge("update", bytes));
    return 0;
}
