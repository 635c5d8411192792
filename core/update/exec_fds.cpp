// SPDX-License-Identifier: Apache-2.0
#include "core/update/exec_fds.hpp"

#include <fcntl.h>

#include <cerrno>

namespace segue::update {

namespace {

ExecFds& self(void* h) {
    return *static_cast<ExecFds*>(h);
}

segue_status put_exec(void* h, const char* name, std::int32_t fd, segue_error* e) {
    const Status s = self(h).put(name, fd);
    return s ? SEGUE_OK : s.error().to_abi(e);
}

segue_status get_exec(void* h, const char* name, std::int32_t* fd, segue_error* e) {
    auto got = self(h).get(name);
    if (!got)
        return got.error().to_abi(e);
    *fd = got->release();
    return SEGUE_OK;
}

} // namespace

ExecFds::ExecFds()
    : table_{this, put_exec, get_exec} {}

Status ExecFds::put(const std::string& name, int fd) {
    if (fd < 0) {
        put_.erase(name);
        return {};
    }
    if (!put_.emplace(name, fd).second)
        return Error(Code::Exists, "a descriptor '" + name + "' goes through execve already");
    return {};
}

Result<UniqueFd> ExecFds::get(const std::string& name) {
    const auto at = got_.find(name);
    if (at == got_.end())
        return Error(Code::NotFound, "no descriptor '" + name + "' came through execve");
    UniqueFd fd = std::move(at->second);
    got_.erase(at);
    return fd;
}

std::vector<int> ExecFds::numbers() const {
    std::vector<int> all;
    for (const auto& [name, fd] : put_)
        all.push_back(fd);
    return all;
}

void ExecFds::write(state::Writer& out) const {
    std::size_t n = 0;
    for (const auto& [name, fd] : put_) {
        out.begin("exec-fd", std::to_string(n++), 1);
        out.put_text("name", name);
        out.put("number", static_cast<std::uint64_t>(fd));
        out.end();
    }
}

Status ExecFds::read(const state::Reader& in) {
    for (const state::Section* s : in.take_all("exec-fd")) {
        SEGUE_ASSIGN(const std::string_view name, s->text("name"));
        SEGUE_ASSIGN(const std::uint64_t number, s->number("number"));
        const int fd = static_cast<int>(number);
        if (number > 0x7fffffff || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return Error(Code::Corrupt,
                         "the descriptor '" + std::string(name) + "' did not come through execve");
        got_.emplace(name, UniqueFd(fd));
    }
    return {};
}

} // namespace segue::update
