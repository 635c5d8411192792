// SPDX-License-Identifier: Apache-2.0
// section.hpp - one section of a container: named fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/field.hpp"

namespace segue::state {

// `why`, named after the section, which stands in the details too.
Error section_error(std::string_view name, std::string_view instance, Error why);

// One section. A missing or mistyped key is CORRUPT and names section and key.
class Section {
public:
    // `rest` begins with a section, which is checked and taken off it.
    static Result<Section> parse(std::span<const std::byte>& rest);

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

} // namespace segue::state
