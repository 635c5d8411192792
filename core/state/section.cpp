// SPDX-License-Identifier: Apache-2.0
#include "core/state/section.hpp"

#include <algorithm>

#include "core/state/cbor.hpp"
#include "core/state/checksum.hpp"
#include "core/state/layout.hpp"

namespace segue::state {

using namespace layout;

namespace {

using Bytes = std::span<const std::byte>;

std::string title(std::string_view name, std::string_view instance) {
    std::string text = "section '" + std::string(name) + "'";
    if (!instance.empty())
        text += " (instance '" + std::string(instance) + "')";
    return text;
}

Error corrupt(std::string why) {
    return Error(Code::Corrupt, std::move(why));
}

} // namespace

Error section_error(std::string_view name, std::string_view instance, Error why) {
    return std::move(why)
        .while_doing(title(name, instance))
        .with("section", std::string(name))
        .with("instance", std::string(instance));
}

Result<Section> Section::parse(Bytes& rest) {
    if (rest.size() < kPayload)
        return corrupt("the state container ends inside a section's header");
    Section section;
    SEGUE_ASSIGN(section.name_, load_name(rest, kName));
    SEGUE_ASSIGN(section.instance_, load_name(rest, kInstance));
    const auto bad = [&](Error why) {
        return section_error(section.name_, section.instance_, std::move(why));
    };
    if (section.name_.empty())
        return corrupt("a section has no name");
    const auto length = load<std::uint64_t>(rest, kLength);
    if (length > rest.size() - kPayload)
        return bad(corrupt("it claims " + std::to_string(length) + " bytes, " +
                           std::to_string(rest.size() - kPayload) + " are there"));
    const Bytes payload = rest.subspan(kPayload, length);
    if (load<std::uint64_t>(rest, kSectionChecksum) !=
        checksum(rest.first(kSectionChecksum), payload))
        return bad(corrupt("it does not match its checksum"));
    section.revision_ = load<std::uint32_t>(rest, kRevision);
    auto fields = cbor::read_map(payload);
    if (!fields)
        return bad(std::move(fields).error());
    section.fields_ = std::move(fields).value();
    rest = rest.subspan(kPayload + length);
    return section;
}

const Field* Section::find(std::string_view key) const {
    const auto it =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.key == key; });
    return it == fields_.end() ? nullptr : &*it;
}

Result<const Field*> Section::need(std::string_view key, Type type) const {
    constexpr const char* names[] = {"an unsigned number", "a number", "a bool", "text", "bytes"};
    const Field* field = find(key);
    if (field != nullptr && field->type == type)
        return field;
    const std::string what = field == nullptr
                                 ? "is missing"
                                 : std::string("is not ") + names[static_cast<std::size_t>(type)];
    return section_error(name_, instance_, corrupt("key '" + std::string(key) + "' " + what))
        .with("key", std::string(key));
}

Result<std::uint64_t> Section::number(std::string_view key) const {
    SEGUE_ASSIGN(const Field* field, need(key, Type::Unsigned));
    return field->number;
}

Result<std::int64_t> Section::signed_number(std::string_view key) const {
    const Field* positive = find(key);
    if (positive != nullptr && positive->type == Type::Unsigned && positive->number >> 63 == 0)
        return static_cast<std::int64_t>(positive->number);
    SEGUE_ASSIGN(const Field* field, need(key, Type::Signed));
    return static_cast<std::int64_t>(field->number);
}

Result<bool> Section::flag(std::string_view key) const {
    SEGUE_ASSIGN(const Field* field, need(key, Type::Flag));
    return field->number != 0;
}

Result<std::string_view> Section::text(std::string_view key) const {
    SEGUE_ASSIGN(const Field* field, need(key, Type::Text));
    return text_of(field->bytes);
}

Result<Bytes> Section::bytes(std::string_view key) const {
    SEGUE_ASSIGN(const Field* field, need(key, Type::Bytes));
    return field->bytes;
}

Status Section::copy(std::string_view key, std::span<std::byte> out) const {
    SEGUE_ASSIGN(const Bytes from, bytes(key));
    if (from.size() != out.size())
        return section_error(name_, instance_,
                             corrupt("key '" + std::string(key) + "' has " +
                                     std::to_string(from.size()) + " bytes, " +
                                     std::to_string(out.size()) + " are expected"))
            .with("key", std::string(key));
    std::copy(from.begin(), from.end(), out.begin());
    return {};
}

} // namespace segue::state
