// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - keeper "exec": the process itself holds its descriptors, through its own execve.
#include <string>
#include <vector>

#include <segue/abi/process.h>
#include <segue/cpp/keeper.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace {

using namespace segue;

class ExecKeeper final : public Keeper {
public:
    static Result<std::unique_ptr<ExecKeeper>> create(const Config&, const Host& host) {
        return std::make_unique<ExecKeeper>(host);
    }
    explicit ExecKeeper(const Host& host)
        : process_(host.service<segue_host_process>(SEGUE_PROCESS_ID)) {}

    Status check(std::span<const segue_item>) override { return {}; }

    Status hold(std::span<const segue_item> items) override {
        for (const segue_item& item : items) {
            if (Status s = put(item.name, item.fd); !s) {
                drop();
                return s;
            }
            held_.emplace_back(item.name);
        }
        return {};
    }

    // The host numbers the items that it gives to a keeper. All are here before any is given away,
    // so that none is lost where there is too little room.
    Result<std::uint32_t> take(std::span<segue_item> room) override {
        std::erase_if(taken_, [](const Taken& t) { return !t.fd; }); // given away by the last call
        for (;;) {
            std::string name = "segue." + std::to_string(taken_.size());
            auto fd = get(name);
            if (fd.code() == Code::NotFound)
                break;
            if (!fd)
                return std::move(fd).error();
            taken_.push_back({std::move(name), std::move(*fd)});
        }
        if (taken_.size() > room.size())
            return Error(Code::Invalid, "there are more descriptors than room");
        for (std::size_t i = 0; i < taken_.size(); ++i)
            room[i] = {taken_[i].name.c_str(), taken_[i].fd.release(), 0};
        return static_cast<std::uint32_t>(taken_.size());
    }

    void drop() override {
        for (const std::string& name : held_)
            (void)put(name.c_str(), -1).ok();
        held_.clear();
    }

private:
    struct Taken {
        std::string name;
        UniqueFd fd;
    };

    Status put(const char* name, int fd) {
        return Host::call(
            [&](segue_error* e) { return process_->put_exec(process_->h, name, fd, e); });
    }
    Result<UniqueFd> get(const std::string& name) {
        std::int32_t fd = -1;
        SEGUE_TRY(Host::call(
            [&](segue_error* e) { return process_->get_exec(process_->h, name.c_str(), &fd, e); }));
        return UniqueFd(fd);
    }

    const segue_host_process* process_;
    std::vector<std::string> held_;
    std::vector<Taken> taken_;
};

constexpr const char* needs[] = {SEGUE_PROCESS_ID, nullptr};
constexpr Info info = {.summary = "descriptors stay in this process, through its execve",
                       .caps = SEGUE_KEEPER_EXEC,
                       .needs = needs};

} // namespace

SEGUE_EXPORT_KEEPER(ExecKeeper, info);
