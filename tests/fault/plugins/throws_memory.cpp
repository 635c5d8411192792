// SPDX-License-Identifier: Apache-2.0
// throws_memory.cpp - memory "throws": its factory does.
#include <stdexcept>

#include <segue/cpp/memory.hpp>

namespace {

using namespace segue;

class Throws final : public Memory {
public:
    static Result<std::unique_ptr<Throws>> create(const Config&, const Host&) {
        throw std::runtime_error("its factory threw");
    }
    Result<Block> make(const std::string&, std::uint64_t) override { return never(); }
    Result<Block> adopt(const std::string&, int, std::uint64_t, std::uint64_t) override {
        return never();
    }

private:
    static Error never() { return {Code::Internal, "never"}; }
};

constexpr Info info = {.summary = "throws in its factory", .caps = SEGUE_SURVIVES_TRANSFER};

} // namespace

SEGUE_EXPORT_MEMORY(Throws, info);
