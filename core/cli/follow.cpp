// SPDX-License-Identifier: Apache-2.0
#include "core/cli/follow.hpp"

#include <unistd.h>

#include "core/base/deadline.hpp"
#include "core/cli/interrupts.hpp"
#include "core/cli/output.hpp"
#include "core/control/json.hpp"
#include "core/report/history.hpp"
#include "core/report/terminal.hpp"

namespace segue::cli {
namespace {

using report::UpdateRecord;

constexpr auto kPoll = std::chrono::milliseconds(20);

void say(const std::string& text) {
    std::fputs(text.c_str(), stderr);
}

bool at_a_terminal() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

// Shows what is new in a record, to people or to programs.
class Display {
public:
    explicit Display(bool json)
        : json_(json)
        , terminal_([](std::string_view text) { out(text); }, ::isatty(STDOUT_FILENO) == 1) {}

    void show(const UpdateRecord& record) {
        if (!json_)
            return terminal_.show(record);
        auto text = control::to_json(record);
        if (text != last_)
            out(text + "\n");
        last_ = std::move(text);
    }

private:
    bool json_;
    std::string last_;
    report::Terminal terminal_;
};

class Follower {
public:
    Follower(const control::Client& client, UpdateRecord record, bool json, std::string journal,
             std::chrono::milliseconds grace)
        : client_(client)
        , journal_(std::move(journal))
        , record_(std::move(record))
        , display_(json)
        , grace_(grace) {}

    ExitCode run() {
        display_.show(record_);
        while (!report::is_final(record_.status)) {
            if (!heed(interrupts_.wait(kPoll, asking_)))
                return detached();
            auto next = client_.update(record_.id);
            if (!next && control::is_no_guest(next.error()))
                next = written(std::move(next));
            if (next || next.code() == Code::Again) // a holder: the next generation is on its way
                patience_ = Deadline::in(grace_);
            if (!next && patience_.passed())
                return lost(next.error());
            if (!next)
                continue;
            record_ = std::move(*next);
            display_.show(record_);
        }
        return exit_code_of(record_);
    }

private:
    // Nobody is there any more: the guest may have gone to another host.
    Result<UpdateRecord> written(Result<UpdateRecord> otherwise) const {
        auto history = journal_.empty() ? Result<report::History>(report::History{})
                                        : report::read_history(journal_, control::record_from_json);
        if (history)
            for (UpdateRecord& r : history->records)
                if (r.id == record_.id && r.guest == record_.guest && report::is_final(r.status))
                    return std::move(r);
        return otherwise;
    }

    // False: no more of this.
    bool heed(Interrupts::Event event) {
        switch (event) {
        case Interrupts::Event::None:
            return true;
        case Interrupts::Event::HangUp:
            return false;
        case Interrupts::Event::Interrupt:
            if (asking_ || !at_a_terminal())
                return false;
            say("\nCancel update " + record_.id + "? [y/N] (Ctrl-C again leaves it alone) ");
            asking_ = true;
            return true;
        case Interrupts::Event::Answer:
            asking_ = false;
            if (interrupts_.answered_yes())
                cancel();
            return true;
        }
        return true;
    }

    // Returns once the guest is here again, or has gone: the record says which.
    void cancel() {
        if (const auto cancelled = client_.cancel_update(); !cancelled)
            fail(cancelled.error());
    }

    ExitCode detached() {
        say("\nupdate " + record_.id + " goes on without this command; `segue watch " +
            client_.guest() + "` shows it again\n");
        return ExitCode::Detached;
    }

    ExitCode lost(const Error& error) {
        fail(Error(error.code(), "update " + record_.id + ": " + error.what())
                 .way_out("its outcome is not known here: look at `segue history " +
                          client_.guest() + "`, the VMM's log, and `segue list`"));
        return ExitCode::Unknown;
    }

    Interrupts interrupts_;
    const control::Client& client_;
    const std::string journal_;
    UpdateRecord record_;
    Display display_;
    const std::chrono::milliseconds grace_;
    Deadline patience_ = Deadline::in(grace_);
    bool asking_ = false;
};

} // namespace

ExitCode follow(const control::Client& client, UpdateRecord record, bool json,
                const std::string& journal, std::chrono::milliseconds grace) {
    return Follower(client, std::move(record), json, journal, grace).run();
}

} // namespace segue::cli
