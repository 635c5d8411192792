// SPDX-License-Identifier: Apache-2.0
#include "vmm/acpi/aml.hpp"

namespace segue::vmm::acpi {

namespace {

// A package's length counts itself: 1 byte up to 63, else 4 bits and up to 3 bytes (20.2.4).
Bytes with_length(const Bytes& content) {
    Bytes out;
    const std::size_t one = content.size() + 1;
    if (one < 64) {
        put(out, one, 1);
        return put(out, content);
    }
    unsigned more = 1;
    while (content.size() + 1 + more >= std::size_t{1} << (4 + 8 * more))
        ++more;
    const std::size_t all = content.size() + 1 + more;
    put(out, more << 6 | (all & 0xf), 1);
    put(out, all >> 4, more);
    return put(out, content);
}

Bytes path_name(std::string_view path) {
    Bytes out;
    if (path.front() == '\\') {
        put(out, "\\");
        path.remove_prefix(1);
    }
    put(out, path);
    for (std::size_t i = path.size(); i < 4; ++i)
        put(out, "_");
    return out;
}

unsigned hex_digit(char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'A' + 10);
}

} // namespace

Bytes integer(std::uint64_t value) {
    if (value < 2)
        return {static_cast<std::uint8_t>(value)}; // ZeroOp, OneOp
    Bytes out;
    if (value <= 0xff)
        return put(put(out, 0x0a, 1), value, 1);
    if (value <= 0xffff)
        return put(put(out, 0x0b, 1), value, 2);
    if (value <= 0xffffffff)
        return put(put(out, 0x0c, 1), value, 4);
    return put(put(out, 0x0e, 1), value, 8);
}

Bytes text(std::string_view value) {
    Bytes out = {0x0d};
    return put(put(out, value), 0, 1);
}

// Three letters of 5 bits and four digits, the bytes swapped (6.1.5).
Bytes eisa_id(std::string_view id) {
    std::uint32_t n = 0;
    for (unsigned i = 0; i < 3; ++i)
        n = n << 5 | (static_cast<unsigned>(id[i]) & 0x1f);
    for (unsigned i = 3; i < 7; ++i)
        n = n << 4 | hex_digit(id[i]);
    Bytes out = {0x0c};
    return put(out, __builtin_bswap32(n), 4);
}

Bytes package(const std::vector<Bytes>& elements) {
    Bytes content = {static_cast<std::uint8_t>(elements.size())};
    for (const Bytes& e : elements)
        put(content, e);
    return joined({{0x12}, with_length(content)});
}

Bytes buffer(const Bytes& content) {
    return joined({{0x11}, with_length(joined({integer(content.size()), content}))});
}

Bytes name(std::string_view path, const Bytes& value) {
    return joined({{0x08}, path_name(path), value});
}

Bytes scope(std::string_view path, const Bytes& terms) {
    return joined({{0x10}, with_length(joined({path_name(path), terms}))});
}

Bytes device(std::string_view path, const Bytes& terms) {
    return joined({{0x5b, 0x82}, with_length(joined({path_name(path), terms}))});
}

} // namespace segue::vmm::acpi
