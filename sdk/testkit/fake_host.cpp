// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/fake_host.hpp"

#include <segue/abi/dirty.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/throttle.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>
#include <segue/cpp/sys.hpp>

#include "sdk/testkit/kinds.hpp"
#include "sdk/testkit/values.hpp"

namespace segue::testkit {

namespace {

constexpr const char* for_all[] = {SEGUE_CONFIG_ID, SEGUE_LOG_ID};
constexpr const char* for_modes[] = {SEGUE_UPDATE_ID,      SEGUE_RAM_ID,     SEGUE_DIRTY_ID,
                                     SEGUE_RAM_CONVERT_ID, SEGUE_THREADS_ID, SEGUE_THROTTLE_ID,
                                     SEGUE_USERFAULT_ID};
constexpr const char* for_keepers[] = {SEGUE_PROCESS_ID};
constexpr const char* for_those_who_need_it[] = {SEGUE_COMMAND_ID};

std::span<const char* const> given_to(std::string_view table_id) {
    if (table_id == SEGUE_MODE_ID)
        return for_modes;
    if (table_id == SEGUE_KEEPER_ID)
        return for_keepers;
    return {};
}

bool among(std::span<const char* const> list, std::string_view id) {
    for (const char* one : list)
        if (id == one)
            return true;
    return false;
}

} // namespace

FakeHost::FakeHost(Trace& trace)
    : trace_(trace)
    , abi_{sizeof(segue_host), 0, this, service}
    , log_{this, log}
    , threads_{this, start_thread}
    , process_{this, put_exec, get_exec}
    , command_(command_service(trace)) {
    add(SEGUE_CONFIG_ID, Values::service());
    add(SEGUE_LOG_ID, &log_);
    add(SEGUE_THREADS_ID, &threads_);
    add(SEGUE_PROCESS_ID, &process_);
    add(SEGUE_COMMAND_ID, &command_);
}

FakeHost::~FakeHost() {
    for (std::thread& t : running_) // after a failure, which is said at once; the process ends
        t.detach();
}

void FakeHost::offer(const Kind& kind, const char* const* needs) {
    offered_.insert(std::begin(for_all), std::end(for_all));
    for (const char* id : given_to(kind.table_id))
        offered_.insert(id);
    for (; needs != nullptr && *needs != nullptr; ++needs)
        offered_.insert(*needs);
}

bool FakeHost::exists(std::string_view id) {
    return among(for_all, id) || among(for_modes, id) || among(for_keepers, id) ||
           among(for_those_who_need_it, id);
}

const void* FakeHost::service(void* h, const char* id) {
    const auto& self = *static_cast<const FakeHost*>(h);
    if (id == nullptr || self.offered_.find(std::string_view(id)) == self.offered_.end())
        return nullptr;
    const auto found = self.tables_.find(std::string_view(id));
    return found != self.tables_.end() ? found->second : nullptr;
}

void FakeHost::log(void*, std::uint32_t, const char*) {}

segue_status FakeHost::start_thread(void* h, const char* name, void (*run)(void*), void* arg,
                                    segue_error* e) {
    constexpr std::size_t max_name = 15;
    if (name == nullptr || run == nullptr || ::strnlen(name, max_name + 1) > max_name)
        return Error(Code::Invalid, "start a thread: no function, or no name of at most 15 bytes")
            .to_abi(e);
    static_cast<FakeHost*>(h)->running_.emplace_back(run, arg);
    return SEGUE_OK;
}

void FakeHost::join() {
    if (!running_.empty())
        trace_.doing("a thread of its own");
    for (std::thread& t : running_)
        t.join();
    running_.clear();
}

segue_status FakeHost::put_exec(void* h, const char* name, std::int32_t fd, segue_error* e) {
    auto& put = static_cast<FakeHost*>(h)->put_;
    if (fd < 0) {
        put.erase(name);
        return SEGUE_OK;
    }
    if (put.count(name) != 0)
        return Error(Code::Exists, std::string("a descriptor is called ") + name + " already")
            .to_abi(e);
    auto copy = sys::dup(fd);
    if (!copy)
        return copy.error().to_abi(e);
    put[name] = std::move(*copy);
    return SEGUE_OK;
}

segue_status FakeHost::get_exec(void* h, const char* name, std::int32_t* fd, segue_error* e) {
    auto& passed = static_cast<FakeHost*>(h)->passed_;
    const auto found = passed.find(name);
    if (found == passed.end())
        return Error(Code::NotFound, std::string("no descriptor is called ") + name).to_abi(e);
    *fd = found->second.release();
    passed.erase(found);
    return SEGUE_OK;
}

void FakeHost::execve() {
    for (auto& [name, fd] : put_)
        passed_[name] = std::move(fd);
    put_.clear();
}

} // namespace segue::testkit
