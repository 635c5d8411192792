// SPDX-License-Identifier: Apache-2.0
// command.hpp - a command that the host runs for a plugin; it does not outlive its object.
#pragma once

#include <string>
#include <utility>

#include <segue/abi/command.h>
#include <segue/cpp/host.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue {

// Move-only. [update]
class Command {
public:
    // How the shell ended.
    struct End {
        int code = 0;
        int signal = 0; // that killed it, or 0
    };

    // `in`, `out`, `err`: borrowed; -1: /dev/null.
    static Result<Command> start(const Host& host, const std::string& text, int in, int out,
                                 int err) {
        const auto* table = host.service<segue_host_command>(SEGUE_COMMAND_ID);
        if (table == nullptr)
            return Error(Code::Unsupported, "the host has no service " SEGUE_COMMAND_ID);
        std::int32_t pid = -1, pidfd = -1;
        SEGUE_TRY(Host::call([&](segue_error* e) {
            return table->start(table->h, text.c_str(), in, out, err, &pid, &pidfd, e);
        }));
        return Command(table, pid, UniqueFd(pidfd));
    }
    Command(Command&&) = default; // what is moved from has no pidfd
    Command& operator=(Command&&) = delete;
    ~Command() { (void)end().ok(); }

    // Readable once the shell has ended; -1 after end().
    int pidfd() const { return pidfd_.get(); }
    // Kills what is left of it. PHASE the second time.
    Result<End> end() {
        if (!pidfd_)
            return Error(Code::Phase, "the command was ended before");
        End end;
        SEGUE_TRY(Host::call([&](segue_error* e) {
            return table_->end(table_->h, pid_, pidfd_.get(), &end.code, &end.signal, e);
        }));
        (void)pidfd_.release(); // the host has closed it
        return end;
    }

private:
    Command(const segue_host_command* table, std::int32_t pid, UniqueFd pidfd)
        : table_(table)
        , pid_(pid)
        , pidfd_(std::move(pidfd)) {}

    const segue_host_command* table_;
    std::int32_t pid_;
    UniqueFd pidfd_;
};

} // namespace segue
