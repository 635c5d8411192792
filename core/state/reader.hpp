// SPDX-License-Identifier: Apache-2.0
// reader.hpp - reads a state container that may come from anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/header.hpp"
#include "core/state/section.hpp"

namespace segue::state {

// A checked view of a container. parse() verifies magic, version, every length, checksum and CBOR
// item and the trailer before anything is believed; it allocates in proportion to the bytes that
// are there, never to what they claim. The bytes must outlive the Reader. Not thread-safe.
class Reader {
public:
    static Result<Reader> parse(std::span<const std::byte> container);

    const Header& header() const { return header_; }
    // In the order of the container; does not mark them as restored.
    const std::vector<Section>& sections() const { return sections_; }
    // The one section of this name and instance, marked as restored; NOT_FOUND names it.
    Result<const Section*> take(std::string_view name, std::string_view instance = "") const;
    // All sections of a name, marked as restored.
    std::vector<const Section*> take_all(std::string_view name) const;
    // An error that names the first section that nobody took.
    Status all_taken() const;

private:
    Status check_unique() const;

    Header header_;
    std::vector<Section> sections_;
};

} // namespace segue::state
