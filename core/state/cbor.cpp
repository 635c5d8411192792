// SPDX-License-Identifier: Apache-2.0
#include "core/state/cbor.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include <cbor/encoding.h>
#include <cbor/streaming.h>

#include "core/base/utf8.hpp"

namespace segue::state::cbor {

namespace {

// One item, as libcbor's streaming decoder tells it. Other: what a section may not hold (floats,
// tags, null, arrays, indefinite lengths).
struct Item {
    enum class Kind { Other, Map, Unsigned, Negative, Flag, Text, Bytes };
    Kind kind = Kind::Other;
    std::uint64_t number = 0;
    std::span<const std::byte> bytes;
};

template <Item::Kind kind, class Number>
void on_number(void* item, Number value) {
    *static_cast<Item*>(item) = {kind, static_cast<std::uint64_t>(value), {}};
}

template <Item::Kind kind>
void on_bytes(void* item, cbor_data data, std::size_t size) {
    *static_cast<Item*>(item) = {kind, 0, {reinterpret_cast<const std::byte*>(data), size}};
}

cbor_callbacks make_callbacks() {
    using Kind = Item::Kind;
    cbor_callbacks c = cbor_empty_callbacks; // what is not set here leaves Kind::Other
    c.uint8 = on_number<Kind::Unsigned, std::uint8_t>;
    c.uint16 = on_number<Kind::Unsigned, std::uint16_t>;
    c.uint32 = on_number<Kind::Unsigned, std::uint32_t>;
    c.uint64 = on_number<Kind::Unsigned, std::uint64_t>;
    c.negint8 = on_number<Kind::Negative, std::uint8_t>;
    c.negint16 = on_number<Kind::Negative, std::uint16_t>;
    c.negint32 = on_number<Kind::Negative, std::uint32_t>;
    c.negint64 = on_number<Kind::Negative, std::uint64_t>;
    c.boolean = on_number<Kind::Flag, bool>;
    c.map_start = on_number<Kind::Map, std::size_t>;
    c.string = on_bytes<Kind::Text>;
    c.byte_string = on_bytes<Kind::Bytes>;
    return c;
}

Error corrupt(std::string why) {
    return Error(Code::Corrupt, std::move(why));
}

// Takes the first item off `rest`.
Result<Item> next(std::span<const std::byte>& rest) {
    static const cbor_callbacks callbacks = make_callbacks();
    Item item;
    const auto r = cbor_stream_decode(reinterpret_cast<cbor_data>(rest.data()), rest.size(),
                                      &callbacks, &item);
    if (r.status == CBOR_DECODER_NEDATA)
        return corrupt("its CBOR ends inside an item");
    if (r.status != CBOR_DECODER_FINISHED)
        return corrupt("its CBOR is malformed");
    rest = rest.subspan(r.read);
    return item;
}

Result<Field> make_field(const Item& key, const Item& value) {
    if (key.kind != Item::Kind::Text || !is_utf8(text_of(key.bytes)))
        return corrupt("a key is not UTF-8 text");
    Field field{text_of(key.bytes), Type::Unsigned, value.number, value.bytes};
    const auto bad = [&](const char* why) {
        return corrupt("key '" + std::string(field.key) + "' " + why);
    };
    switch (value.kind) {
    case Item::Kind::Unsigned:
        return field;
    case Item::Kind::Negative: // RFC 8949, 3.1: the value is -1 - n
        if (value.number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return bad("is below the 64-bit range");
        field.type = Type::Signed;
        field.number = ~value.number;
        return field;
    case Item::Kind::Flag:
        field.type = Type::Flag;
        return field;
    case Item::Kind::Text:
        if (!is_utf8(text_of(value.bytes)))
            return bad("holds text that is not UTF-8");
        field.type = Type::Text;
        return field;
    case Item::Kind::Bytes:
        field.type = Type::Bytes;
        return field;
    case Item::Kind::Map:
    case Item::Kind::Other:
        break;
    }
    return bad("holds what is neither number, bool, text nor bytes of definite length");
}

Status check_unique(const std::vector<Field>& fields) {
    std::vector<std::string_view> keys;
    keys.reserve(fields.size());
    for (const Field& f : fields)
        keys.push_back(f.key);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end())
        return corrupt("key '" + std::string(*twice) + "' stands twice");
    return {};
}

// Appends what `encode` writes into a buffer for any item's head.
template <class Encode>
void put(std::vector<std::byte>& out, Encode encode) {
    std::array<unsigned char, 9> head;
    const std::size_t n = encode(head.data(), head.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(head.data());
    out.insert(out.end(), bytes, bytes + n);
}

} // namespace

std::size_t put_map_head(std::size_t fields, std::span<std::byte, kMaxMapHead> out) {
    return cbor_encode_map_start(fields, reinterpret_cast<unsigned char*>(out.data()), out.size());
}

void put_unsigned(std::vector<std::byte>& out, std::uint64_t value) {
    put(out,
        [&](unsigned char* to, std::size_t room) { return cbor_encode_uint(value, to, room); });
}

void put_signed(std::vector<std::byte>& out, std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0)
        return put_unsigned(out, bits);
    put(out,
        [&](unsigned char* to, std::size_t room) { return cbor_encode_negint(~bits, to, room); });
}

void put_flag(std::vector<std::byte>& out, bool value) {
    put(out,
        [&](unsigned char* to, std::size_t room) { return cbor_encode_bool(value, to, room); });
}

void put_text(std::vector<std::byte>& out, std::string_view value) {
    put(out, [&](unsigned char* to, std::size_t room) {
        return cbor_encode_string_start(value.size(), to, room);
    });
    const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
    out.insert(out.end(), bytes, bytes + value.size());
}

void put_bytes(std::vector<std::byte>& out, std::span<const std::byte> value) {
    put(out, [&](unsigned char* to, std::size_t room) {
        return cbor_encode_bytestring_start(value.size(), to, room);
    });
    out.insert(out.end(), value.begin(), value.end());
}

Result<std::vector<Field>> read_map(std::span<const std::byte> payload) {
    auto rest = payload;
    SEGUE_ASSIGN(const Item head, next(rest));
    if (head.kind != Item::Kind::Map)
        return corrupt("it is not a CBOR map of definite length");
    if (head.number > kMaxFields)
        return corrupt("it claims " + std::to_string(head.number) + " fields; at most " +
                       std::to_string(kMaxFields) + " are allowed");
    std::vector<Field> fields;
    fields.reserve(std::min<std::size_t>(head.number, rest.size() / 2)); // a pair takes two bytes
    for (std::uint64_t i = 0; i < head.number; ++i) {
        SEGUE_ASSIGN(const Item key, next(rest));
        SEGUE_ASSIGN(const Item value, next(rest));
        SEGUE_ASSIGN(Field field, make_field(key, value));
        fields.push_back(field);
    }
    if (!rest.empty())
        return corrupt(std::to_string(rest.size()) + " bytes follow its CBOR map");
    SEGUE_TRY(check_unique(fields));
    return fields;
}

} // namespace segue::state::cbor
