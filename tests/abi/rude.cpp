// SPDX-License-Identifier: Apache-2.0
// rude.cpp - a keeper that breaks the contract in the way that its option names.
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

#include <segue/cpp/keeper.hpp>

namespace {

using namespace segue;

class Rude final : public Keeper {
public:
    explicit Rude(std::string way)
        : way_(std::move(way)) {}

    static Result<std::unique_ptr<Rude>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string way, config.text("way"));
        if (way == "throw")
            throw std::runtime_error("the factory fell over");
        if (way == "throw-int")
            throw 7;
        return std::make_unique<Rude>(std::move(way));
    }

    Status check(std::span<const segue_item>) override {
        if (way_ == "bytes")
            return Error(Code::Refused, "bad \xff\xfe bytes");
        throw std::logic_error("check fell over");
    }
    Status hold(std::span<const segue_item>) override {
        return Error(static_cast<Code>(77), "a status of its own");
    }
    Result<std::uint32_t> take(std::span<segue_item> room) override {
        const int flag = way_ == "cloexec" ? F_DUPFD : F_DUPFD_CLOEXEC;
        room[0] = {way_ == "name" ? "" : "fd", way_ == "fd" ? 100000 : ::fcntl(0, flag, 3), 0};
        return way_ == "count" ? 100000u : 1u;
    }
    void drop() override { throw std::logic_error("drop fell over"); }

private:
    std::string way_;
};

constexpr segue_option options[] = {string_option("way", "which rule to break", "none")};
constexpr Info info = {
    .summary = "breaks the contract", .caps = SEGUE_KEEPER_EXEC, .options = options};

} // namespace

SEGUE_EXPORT_KEEPER(Rude, info);
