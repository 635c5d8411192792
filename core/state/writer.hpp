// SPDX-License-Identifier: Apache-2.0
// writer.hpp - builds a state container: header, sections, trailer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/state/header.hpp"

namespace segue::state {

// Appends sections to one buffer. Within a section: one flat map, text keys to unsigned, signed,
// bool, text or bytes, in CBOR (RFC 8949), each key once. With enough reserve() nothing is
// allocated after that, so a save in the pause touches no new page. Not thread-safe.
class Writer {
public:
    explicit Writer(const Header& header);

    // Bytes for the whole container; touches them.
    void reserve(std::size_t bytes);
    // Starts again for the same guest, keeping the buffer.
    void restart(const Header& header);

    // name and instance: at most 31 bytes; both together once a container (the Reader refuses it).
    void begin(std::string_view name, std::string_view instance, std::uint32_t revision);
    void put(std::string_view key, std::uint64_t value);
    void put_signed(std::string_view key, std::int64_t value);
    void put_flag(std::string_view key, bool value);
    void put_text(std::string_view key, std::string_view value);
    void put_bytes(std::string_view key, std::span<const std::byte> value);
    void end();

    // Writes the trailer; the bytes live until the next call. No begin() after it.
    std::span<const std::byte> finish();

private:
    void put_key(std::string_view key);

    std::vector<std::byte> out_;
    std::size_t section_ = 0; // offset of the open section's header, 0: none
    std::uint32_t sections_ = 0;
    std::uint32_t fields_ = 0; // of the open section
};

} // namespace segue::state
