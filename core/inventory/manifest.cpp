// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/manifest.hpp"

#include <segue/cpp/sys.hpp>

#include "core/state/number32.hpp"

namespace segue::inventory {

namespace {

constexpr const char* kInventory = "inventory";

std::int32_t seals_of(int fd) {
    const auto s = sys::seals(fd);
    return s ? *s : -1;
}

void write_file(const FileId& file, state::Writer& out) {
    out.put("device", file.device);
    out.put("inode", file.inode);
    out.put("type", file.type);
}

Result<FileId> read_file(const state::Section& in) {
    FileId file;
    SEGUE_ASSIGN(file.device, in.number("device"));
    SEGUE_ASSIGN(file.inode, in.number("inode"));
    SEGUE_ASSIGN(const std::uint64_t type, in.number("type"));
    file.type = static_cast<std::uint32_t>(type);
    return file;
}

// `kind`: "item" or "block", for the error.
Status same_file(const char* kind, const std::string& name, const FileId& told, int fd) {
    SEGUE_ASSIGN(const FileId got, FileId::of(fd));
    if (got == told)
        return {};
    return Error(Code::Refused, "the descriptor '" + name + "' is not the file that was announced")
        .with(kind, name);
}

Result<BlockFacts> read_block(const state::Section& in) {
    BlockFacts b;
    b.id = in.instance();
    SEGUE_ASSIGN(b.backend, in.text("backend"));
    SEGUE_ASSIGN(b.file, read_file(in));
    SEGUE_ASSIGN(b.offset, in.number("offset"));
    SEGUE_ASSIGN(b.bytes, in.number("bytes"));
    SEGUE_ASSIGN(b.survives, in.number("survives"));
    SEGUE_ASSIGN(b.page_shift, state::number32(in, "page-shift"));
    SEGUE_ASSIGN(b.map_flags, state::number32(in, "map-flags"));
    SEGUE_ASSIGN(const std::int64_t seals, in.signed_number("seals"));
    b.seals = static_cast<std::int32_t>(seals);
    SEGUE_ASSIGN(b.ram, state::number32(in, "ram"));
    return b;
}

// Each section has its checksum; that one is missing is seen here.
Status all_there(const char* section, std::size_t are, std::uint64_t should) {
    if (are == should)
        return {};
    return state::section_error(
        section, "",
        Error(Code::Corrupt, std::to_string(are) + " stand there, not " + std::to_string(should)));
}

} // namespace

Result<FileId> FileId::of(int fd) {
    SEGUE_ASSIGN(const auto st, sys::stat(fd));
    return FileId{st.st_dev, st.st_ino, static_cast<std::uint32_t>(st.st_mode & S_IFMT)};
}

Result<Facts> describe_items(const Inventory& inventory) {
    Facts facts;
    for (const Item& item : inventory.items()) {
        SEGUE_ASSIGN(const FileId file, FileId::of(item.fd.get()));
        facts.items.push_back({item.name, file});
    }
    return facts;
}

Status describe_file(BlockFacts& block, int fd) {
    SEGUE_ASSIGN(block.file, FileId::of(fd));
    block.seals = seals_of(fd);
    return {};
}

Result<Facts> describe(const Inventory& inventory, const std::vector<std::uint32_t>& ram_of_block) {
    SEGUE_ASSIGN(Facts facts, describe_items(inventory));
    for (std::size_t i = 0; i < inventory.blocks().size(); ++i) {
        const RamBlock& b = inventory.blocks()[i];
        BlockFacts f{b.id,       b.backend,    {},          b.offset, b.bytes,
                     b.survives, b.page_shift, b.map_flags, -1,       ram_of_block.at(i)};
        if (b.fd)
            SEGUE_TRY(describe_file(f, b.fd.get()));
        facts.blocks.push_back(std::move(f));
    }
    return facts;
}

void write(const Facts& facts, state::Writer& out) {
    out.begin(kInventory, "", 1);
    out.put("items", facts.items.size());
    out.put("blocks", facts.blocks.size());
    out.end();
    std::size_t n = 0;
    for (const ItemFacts& item : facts.items) {
        out.begin("item", std::to_string(n++), 1);
        out.put_text("name", item.name);
        write_file(item.file, out);
        out.end();
    }
    for (const BlockFacts& b : facts.blocks) {
        out.begin("ram-block", b.id, 1);
        out.put_text("backend", b.backend);
        write_file(b.file, out);
        out.put("offset", b.offset);
        out.put("bytes", b.bytes);
        out.put("survives", b.survives);
        out.put("page-shift", b.page_shift);
        out.put("map-flags", b.map_flags);
        out.put_signed("seals", b.seals);
        out.put("ram", b.ram);
        out.end();
    }
}

Result<Facts> read(const state::Reader& in) {
    Facts facts;
    for (const state::Section* s : in.take_all("item")) {
        ItemFacts item;
        SEGUE_ASSIGN(item.name, s->text("name"));
        SEGUE_ASSIGN(item.file, read_file(*s));
        facts.items.push_back(std::move(item));
    }
    for (const state::Section* s : in.take_all("ram-block")) {
        SEGUE_ASSIGN(BlockFacts b, read_block(*s));
        facts.blocks.push_back(std::move(b));
    }
    if (facts.items.size() > kMaxItems)
        return Error(Code::Refused, "the inventory has more than 4096 descriptors");
    SEGUE_ASSIGN(const state::Section* counts, in.take(kInventory));
    SEGUE_ASSIGN(const std::uint64_t items, counts->number("items"));
    SEGUE_ASSIGN(const std::uint64_t blocks, counts->number("blocks"));
    SEGUE_TRY(all_there("item", facts.items.size(), items));
    SEGUE_TRY(all_there("ram-block", facts.blocks.size(), blocks));
    return facts;
}

Status check(const ItemFacts& facts, int fd) {
    return same_file("item", facts.name, facts.file, fd);
}

Status check(const BlockFacts& facts, int fd) {
    SEGUE_TRY(same_file("block", facts.id, facts.file, fd));
    if (seals_of(fd) != facts.seals)
        return Error(Code::Refused, "RAM block '" + facts.id + "' has other seals than announced")
            .with("block", facts.id);
    SEGUE_ASSIGN(const auto st, sys::stat(fd));
    const auto size = static_cast<std::uint64_t>(st.st_size);
    if (S_ISREG(st.st_mode) && (facts.bytes > size || facts.offset > size - facts.bytes))
        return Error(Code::Refused, "RAM block '" + facts.id + "' is shorter than announced")
            .with("block", facts.id);
    return {};
}

} // namespace segue::inventory
