// SPDX-License-Identifier: Apache-2.0
// pocket_keeper.cpp - holds descriptors through execve by the host's process service.
#include <string>
#include <vector>

#include <segue/abi/process.h>
#include <segue/cpp/keeper.hpp>

namespace {

using namespace segue;

class Pocket final : public Keeper {
public:
    explicit Pocket(const Host& host)
        : process_(host.service<segue_host_process>(SEGUE_PROCESS_ID)) {}
    static Result<std::unique_ptr<Pocket>> create(const Config&, const Host& host) {
        return std::make_unique<Pocket>(host);
    }

    Status check(std::span<const segue_item>) override { return {}; }
    Status hold(std::span<const segue_item> items) override {
        for (const segue_item& item : items) {
            SEGUE_TRY(Host::call([&](segue_error* e) {
                return process_->put_exec(process_->h, item.name, item.fd, e);
            }));
            held_.emplace_back(item.name);
        }
        return {};
    }
    // The host numbers what it gives to a keeper.
    Result<std::uint32_t> take(std::span<segue_item> room) override {
        std::uint32_t n = 0;
        names_.reserve(room.size());
        for (; n < room.size(); ++n) {
            names_.push_back("segue." + std::to_string(n));
            std::int32_t fd = -1;
            const Status s = Host::call([&](segue_error* e) {
                return process_->get_exec(process_->h, names_.back().c_str(), &fd, e);
            });
            if (s.code() == Code::NotFound)
                break;
            SEGUE_TRY(s);
            room[n] = {names_.back().c_str(), fd, 0};
        }
        return n;
    }
    void drop() override {
        for (const std::string& name : held_)
            (void)Host::call([&](segue_error* e) {
                return process_->put_exec(process_->h, name.c_str(), -1, e);
            }).ok();
        held_.clear();
    }

private:
    const segue_host_process* process_;
    std::vector<std::string> held_, names_;
};

constexpr const char* needs[] = {SEGUE_PROCESS_ID, nullptr};
constexpr Info info = {
    .summary = "descriptors through execve, for tests", .caps = SEGUE_KEEPER_EXEC, .needs = needs};

} // namespace

SEGUE_EXPORT_KEEPER(Pocket, info);
