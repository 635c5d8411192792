// SPDX-License-Identifier: Apache-2.0
// rude_memory.cpp - memory whose blocks cannot be mapped, in the way that its option names.
#include <segue/cpp/memory.hpp>
#include <segue/cpp/sys.hpp>

namespace {

using namespace segue;

class RudeMemory final : public Memory {
public:
    explicit RudeMemory(std::string way)
        : way_(std::move(way)) {}

    static Result<std::unique_ptr<RudeMemory>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string way, config.text("way"));
        return std::make_unique<RudeMemory>(std::move(way));
    }
    Result<Block> make(const std::string& name, std::uint64_t bytes) override {
        Block b;
        SEGUE_ASSIGN(b.fd, sys::memfd(name, 0));
        SEGUE_TRY(sys::truncate(b.fd.get(), way_ == "short" ? bytes / 2 : bytes));
        b.bytes = way_ == "bytes" ? bytes / 2 : bytes;
        b.offset = way_ == "offset" ? 1 : 0;
        b.page_shift = way_ == "page" ? 63 : 12;
        b.map_flags = way_ == "flags"       ? MAP_SHARED | MAP_FIXED
                      : way_ == "anonymous" ? MAP_PRIVATE | MAP_ANONYMOUS // with a descriptor
                                            : MAP_SHARED;
        b.stamp = way_ == "stamp" ? 4096 : SEGUE_NO_STAMP;
        return b;
    }
    Result<Block> adopt(const std::string&, int, std::uint64_t, std::uint64_t) override { throw 7; }

private:
    std::string way_;
};

constexpr segue_option options[] = {string_option("way", "which rule to break", "none")};
constexpr Info info = {.summary = "breaks the contract", .options = options};

} // namespace

SEGUE_EXPORT_MEMORY(RudeMemory, info);
