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

namespace segue::state {

enum class Type : std::uint8_t { Unsigned, Signed, Flag, Text, Bytes };

// One value of a section; text and bytes point into the container.
struct Field {
    std::string_view key;
    Type type = Type::Unsigned;
    std::uint64_t number = 0;         // Unsigned, Flag; Signed as two's complement
    std::span<const std::byte> bytes; // Text, Bytes
};

// One section. A missing or mistyped key is CORRUPT and names section and key.
class Section {
public:
    std::string_view name() const { return name_; }
    std::string_view instance() const { return instance_; }
    std::uint32_t revision() const { return revision_; }
    const std::vector<Field>& fields() const { return fields_; }

    const Field* find(std::string_view key) const; // nullptr: absent
    Result<std::uint64_t> number(std::string_view key) const;
    Result<std::int64_t> signed_number(std::string_view key) const;
    Result<bool> flag(std::string_view key) const;
    Result<std::string_view> text(std::string_view key) const;
    Result<std::span<const std::byte>> bytes(std::string_view key) const;
    // Copies `key` into `out`, whose size it must have.
    Status copy(std::string_view key, std::span<std::byte> out) const;

private:
    friend class Reader;
    Result<const Field*> need(std::string_view key, Type type) const;
    std::string_view name_, instance_;
    std::uint32_t revision_ = 0;
    std::vector<Field> fields_;
    mutable bool taken_ = false;
};

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
    Header header_;
    std::vector<Section> sections_;
};

} // namespace segue::state
