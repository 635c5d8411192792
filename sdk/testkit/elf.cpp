// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/elf.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

namespace segue::testkit {

namespace {

// Bytes of the file as a `T`; nothing beyond its end is read.
class Image {
public:
    explicit Image(std::span<const std::byte> bytes)
        : bytes_(bytes) {}

    template <class T>
    bool at(std::uint64_t offset, T& out) const {
        if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset)
            return false;
        std::memcpy(&out, bytes_.data() + offset, sizeof(T));
        return true;
    }
    std::string text(std::uint64_t offset) const {
        if (offset >= bytes_.size())
            return {};
        const auto* p = reinterpret_cast<const char*>(bytes_.data()) + offset;
        return {p, ::strnlen(p, bytes_.size() - offset)};
    }

private:
    std::span<const std::byte> bytes_;
};

bool is_export(const Elf64_Sym& s) {
    const auto bind = ELF64_ST_BIND(s.st_info);
    return s.st_shndx != SHN_UNDEF && s.st_name != 0 && bind != STB_LOCAL &&
           ELF64_ST_VISIBILITY(s.st_other) == STV_DEFAULT;
}

void add_symbols(const Image& image, const Elf64_Shdr& table, const Elf64_Shdr& names,
                 std::vector<std::string>& out) {
    Elf64_Sym s = {};
    for (std::uint64_t at = sizeof s; at + sizeof s <= table.sh_size; at += sizeof s)
        if (image.at(table.sh_offset + at, s) && is_export(s))
            out.push_back(image.text(names.sh_offset + s.st_name));
}

} // namespace

Result<std::vector<std::string>> exported_symbols(const std::string& file) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(file, O_RDONLY));
    SEGUE_ASSIGN(const struct stat st, sys::stat(fd.get()));
    SEGUE_ASSIGN(const Mapping map, Mapping::make(static_cast<std::size_t>(st.st_size), PROT_READ,
                                                  MAP_PRIVATE, fd.get(), 0, file));
    const Image image(map.span());
    Elf64_Ehdr header = {};
    if (!image.at(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64)
        return Error(Code::Invalid, file + " is no 64-bit ELF file");
    std::vector<std::string> names;
    Elf64_Shdr table = {}, strings = {};
    for (unsigned i = 0; i < header.e_shnum; ++i)
        if (image.at(header.e_shoff + i * sizeof table, table) && table.sh_type == SHT_DYNSYM &&
            image.at(header.e_shoff + table.sh_link * sizeof strings, strings))
            add_symbols(image, table, strings, names);
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace segue::testkit
