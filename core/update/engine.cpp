// SPDX-License-Identifier: Apache-2.0
#include "core/update/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include <segue/cpp/sys.hpp>

#include "core/base/version.hpp"
#include "core/state/inspect.hpp"

namespace segue::update {

namespace {

constexpr std::size_t kMaxPast = 100; // records kept; the journal has more
constexpr std::chrono::milliseconds kLook{50};

// What is examined is nothing that was done.
class Nobody final : public report::Report {
    void phase(report::Phase, const report::UpdateRecord&) override {}
    void ended(const report::UpdateRecord&) override {}
};
Nobody nobody;

Error out_of_reach(const std::string& guest) {
    return Error(Code::Refused,
                 "too late: the guest runs on the other host, and needs the RAM that is here")
        .way_out("on both hosts: segue recover " + guest +
                 " --channel TRANSPORT:ADDRESS; or give that RAM up: segue shutdown " + guest +
                 " --force");
}

} // namespace

// One update: kept as long as anybody may ask about it, or as long as its thread runs. Or one
// examination.
struct Engine::Job {
    Job(Context& context, report::Report& report, Request request,
        const report::UpdateRecord& record, UniqueFd stop, Outgoing::OnHung on_hung)
        : cancel(std::move(stop))
        , progress(report, record) {
        update.emplace(context, std::move(request), record.attempt, progress, cancel.get(),
                       std::move(on_hung));
    }

    // For the outside: what was written as the last act comes a moment before the job is over.
    report::UpdateRecord shown() const {
        report::UpdateRecord r = progress.snapshot();
        if (!over && report::is_final(r.status)) {
            r.status = report::UpdateStatus::Active;
            r.ended_at = 0;
            r.error.reset();
        }
        return r;
    }

    UniqueFd cancel; // eventfd
    Progress progress;
    std::optional<Outgoing> update;               // while its thread runs
    bool ran = false, over = false, hung = false; // under the engine's mutex
    std::atomic<bool> returned{false};
    Code outcome = Code::Ok;
    report::Verdict verdict; // of an examination
    ReadyThread thread;
};

Engine::Engine(Context context, std::function<void(Left)> gone,
               std::vector<report::UpdateRecord> past, Incoming* arrived)
    : context_(std::move(context))
    , gone_(std::move(gone))
    , past_(std::move(past))
    , arrived_(arrived) {}

// A thread that is stuck in a plugin cannot be joined; the end of the process ends it.
Engine::~Engine() {
    (void)end().ok();
    if (job_ && job_->hung)
        hung_.push_back(std::move(job_));
    for (auto& job : hung_) {
        if (job->returned)
            continue;
        job->thread.detach();
        (void)job.release();
    }
}

Status Engine::check_free(const std::string& mode) const {
    if (job_ && !job_->over)
        return Error(Code::Exists, "update " + job_->shown().id + " is running")
            .way_out("wait for it, or cancel it: segue cancel " + context_.guest.name);
    if (arrived_ != nullptr && arrived_->fetching())
        return Error(Code::Exists, "update " + arrived_->record().id +
                                       " is running: some of the guest's RAM is still with the "
                                       "VMM that it came from")
            .way_out("wait for it: segue watch " + context_.guest.name);
    if (look_)
        return Error(Code::Exists, "a dry run of another request is running")
            .way_out("it takes seconds: ask again");
    if (distrusted_.count("mode/" + mode) != 0)
        return Error(Code::Refused, "mode/" + mode + " hung in an earlier update of this VMM")
            .way_out("use another mode for the next update; the new VMM trusts it again")
            .with("plugin", "mode/" + mode);
    return {};
}

Result<report::Verdict> Engine::examine(Request request) {
    std::unique_lock lock(mutex_);
    SEGUE_TRY(check_free(request.mode));
    SEGUE_ASSIGN(UniqueFd cancel, sys::event());
    look_ = std::make_unique<Job>(context_, nobody, std::move(request), report::UpdateRecord{},
                                  std::move(cancel), [this](const std::string& mode, Code) {
                                      const std::lock_guard guard(mutex_);
                                      distrusted_.insert(mode);
                                      look_->over = look_->hung = true;
                                      over_.notify_all();
                                  });
    Job& look = *look_;
    if (Status s = look.thread.make("preflight", [this, &look] { examine(look); }); !s) {
        look_.reset();
        return std::move(s).error();
    }
    look.thread.go();
    over_.wait(lock, [&look] { return look.over; });
    std::unique_ptr<Job> done = std::move(look_);
    if (!done->hung) {
        lock.unlock();
        done->thread.join();
        return std::move(done->verdict);
    }
    hung_.push_back(std::move(done));
    return Error(Code::Deadline, "a plugin of the mode did not return from its check")
        .way_out("use another mode: this VMM does not trust this one any more");
}

void Engine::examine(Job& look) {
    report::Verdict found = look.update->examine();
    const std::lock_guard lock(mutex_);
    if (!look.over)
        look.verdict = std::move(found);
    look.over = true;
    look.returned = true;
    over_.notify_all();
}

Result<report::UpdateRecord> Engine::start(Request request) {
    const std::lock_guard lock(mutex_);
    SEGUE_TRY(check_free(request.mode));
    SEGUE_ASSIGN(UniqueFd cancel, sys::event());
    report::UpdateRecord record;
    SEGUE_ASSIGN(record.attempt, context_.ownership.next_attempt());
    record.id = std::to_string(context_.guest.generation) + "-" + std::to_string(record.attempt);
    record.guest = state::format_uuid(context_.guest.uuid);
    record.mode = request.mode;
    record.rehearsal = request.rehearse;
    record.key = request.key;
    record.request_digest = request.digest;
    record.from_generation = context_.guest.generation;
    record.from_version = version();
    record.from_pid = ::getpid();
    record.began_at = std::time(nullptr);
    auto job = std::make_unique<Job>(
        context_, context_.report, std::move(request), record, std::move(cancel),
        [this](const std::string& mode, Code outcome) { hung(mode, outcome); });
    SEGUE_TRY(job->thread.make("update", [this, j = job.get()] { work(*j); }));
    SEGUE_TRY(context_.run.begin());
    if (job_)
        past_.push_back(job_->shown());
    if (past_.size() > kMaxPast)
        past_.erase(past_.begin());
    if (job_ && job_->hung)
        hung_.push_back(std::move(job_));
    job_ = std::move(job);
    job_->thread.go();
    return record;
}

void Engine::work(Job& job) {
    const Code outcome = job.update->run();
    const Left left = job.update->left();
    const bool here = outcome != Code::Ok;
    {
        const std::lock_guard lock(mutex_);
        job.ran = true;
    }
    bool late = false;
    job.update.reset();
    {
        const std::lock_guard lock(mutex_);
        late = job.over;
        if (!late) {
            if (here)
                context_.run.finish();
            job.cancel.reset();
            job.over = true;
            job.outcome = outcome;
        }
    }
    over_.notify_all();
    job.returned = true;
    if (outcome == Code::Ok && !late)
        gone_(left);
}

// The job in hand is over, though its thread is not. [watchdog]
void Engine::hung(const std::string& mode, Code outcome) {
    {
        const std::lock_guard lock(mutex_);
        distrusted_.insert(mode);
        if (outcome != Code::Ok)
            context_.run.finish();
        job_->over = job_->hung = true;
        job_->outcome = outcome;
    }
    over_.notify_all();
    if (outcome == Code::Ok)
        gone_(job_->update->left()); // its thread is in a hook of it
}

Result<report::UpdateRecord> Engine::find(const std::string& id) const {
    for (auto& r : records())
        if (r.id == id)
            return std::move(r);
    return Error(Code::NotFound, "no update '" + id + "' of this guest is known")
        .way_out("segue history NAME lists them");
}

// With what has become of the one that brought the guest here. mutex_ held.
std::vector<report::UpdateRecord> Engine::past() const {
    std::vector<report::UpdateRecord> all = past_;
    if (arrived_ == nullptr)
        return all;
    const report::UpdateRecord now = arrived_->record();
    std::replace_if(
        all.begin(), all.end(), [&](const auto& r) { return r.id == now.id; }, now);
    return all;
}

std::vector<report::UpdateRecord> Engine::records() const {
    const std::lock_guard lock(mutex_);
    auto all = past();
    std::reverse(all.begin(), all.end());
    if (job_)
        all.insert(all.begin(), job_->shown());
    return all;
}

std::optional<report::UpdateRecord> Engine::latest() const {
    const std::lock_guard lock(mutex_);
    if (job_)
        return job_->shown();
    if (auto all = past(); !all.empty())
        return std::move(all.back());
    return std::nullopt;
}

bool Engine::running() const {
    const std::lock_guard lock(mutex_);
    return job_ && !job_->over;
}

// mutex_ held.
Status Engine::nothing_in_doubt() const {
    if (!job_ || job_->ran || !job_->update->doubt().is_open())
        return {};
    return Error(Code::Refused, "too late: the other host may run the guest already")
        .way_out("look at both hosts, then say where it is to run: segue resolve " +
                 context_.guest.name + " --here|--there");
}

Status Engine::check_known() const {
    const std::lock_guard lock(mutex_);
    return nothing_in_doubt();
}

Status Engine::cancel() {
    std::unique_lock lock(mutex_);
    if (look_)
        sys::signal_event(look_->cancel.get());
    const bool late = job_ && job_->over;
    if (!job_ || (late && job_->outcome != Code::Ok))
        return Error(Code::NotFound, "no update is running");
    const Error too_late = Error(Code::Refused, "too late: the new generation owns the guest")
                               .way_out("update back to the older binary");
    const auto fetching = [this] { return !job_->ran && job_->update->fetching(); };
    if (!late && fetching())
        return job_->update->paused() ? out_of_reach(context_.guest.name) : too_late;
    if (!late) {
        sys::signal_event(job_->cancel.get());
        if (!job_->ran)
            job_->update->hasten();
        while (!over_.wait_for(lock, kLook, [this] { return job_->over; })) {
            if (fetching())
                return too_late;
            SEGUE_TRY(nothing_in_doubt());
        }
    }
    return job_->outcome == Code::Ok ? Status(too_late) : Status();
}

Status Engine::end() {
    {
        const std::lock_guard lock(mutex_);
        if (job_ && !job_->ran && job_->update->fetching() && job_->update->paused())
            job_->update->give_up(); // nobody else ends that
    }
    return cancel();
}

void Engine::forget_arrived() {
    const std::lock_guard lock(mutex_);
    past_ = past();
    arrived_ = nullptr;
}

Status Engine::recover(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (job_ && !job_->ran && job_->update->fetching())
        return job_->update->recover(address);
    if (arrived_ != nullptr && arrived_->fetching())
        return arrived_->recover(address);
    return Recovery().recover(address, [] {}); // nothing waits
}

Status Engine::switch_now() {
    const std::lock_guard lock(mutex_);
    if (job_ && !job_->over)
        return job_->ran ? Status() : job_->update->switch_now();
    const auto all = past();
    if (!job_ && !all.empty() && has_phase(all.back(), report::Phase::Fetch))
        return {};
    return Error(Code::NotFound, "no update is running")
        .way_out("segue update " + context_.guest.name + " --postcopy begins one");
}

Status Engine::resolve(Place place) {
    const std::lock_guard lock(mutex_);
    if (job_ && !job_->ran)
        return job_->update->doubt().resolve(place);
    return Doubt().resolve(place); // there is none
}

} // namespace segue::update
