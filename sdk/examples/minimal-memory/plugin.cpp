// SPDX-License-Identifier: Apache-2.0
// The smallest plugin that is of use: guest RAM that no other process is ever given.
#include <segue/cpp/memory.hpp>

namespace {

using namespace segue;

class Minimal final : public Memory {
public:
    static Result<std::unique_ptr<Minimal>> create(const Config&, const Host&) {
        return std::make_unique<Minimal>();
    }
    Result<Block> make(const std::string&, std::uint64_t bytes) override {
        Block b;
        b.bytes = bytes;
        b.map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
        return b;
    }
    Result<Block> adopt(const std::string& name, int, std::uint64_t, std::uint64_t) override {
        return Error(Code::Refused, "adopt " + name + ": this memory has no descriptor")
            .way_out("use a mode that copies RAM");
    }
};

constexpr Info info = {.summary = "guest RAM of one process"};

} // namespace

SEGUE_EXPORT_MEMORY(Minimal, info);
