// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - memory "private": anonymous memory that no other process can be given. Only modes
// that copy RAM can move such a guest.
#include <segue/cpp/memory.hpp>

namespace {

using namespace segue;

class Private final : public Memory {
public:
    static Result<std::unique_ptr<Private>> create(const Config&, const Host&) {
        return std::make_unique<Private>();
    }

    Result<Block> make(const std::string&, std::uint64_t bytes) override {
        Block b;
        b.bytes = bytes;
        b.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        return b;
    }
    Result<Block> adopt(const std::string& name, int, std::uint64_t, std::uint64_t) override {
        return Error(Code::Refused, "adopt " + name + ": private memory has no descriptor")
            .way_out("use a mode that copies RAM, or start the guest with backend \"memfd\"");
    }
};

constexpr Info info = {.summary = "anonymous memory of one process, which nobody else can map",
                       .caps = SEGUE_MEMORY_USERFAULT};

} // namespace

SEGUE_EXPORT_MEMORY(Private, info);
