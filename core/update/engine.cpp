// SPDX-License-Identifier: Apache-2.0
#include "core/update/engine.hpp"

#include <pthread.h>
#include <unistd.h>

#include <ctime>

#include <segue/cpp/sys.hpp>

#include "core/base/version.hpp"
#include "core/state/inspect.hpp"

namespace segue::update {

namespace {

constexpr std::size_t kMaxPast = 100; // records kept; the journal has more

} // namespace

// One update: kept as long as anybody may ask about it, or as long as its thread runs.
struct Engine::Job {
    Job(Context& context, Request request, report::UpdateRecord record, UniqueFd stop,
        Outgoing::OnHung on_hung)
        : cancel(std::move(stop))
        , progress(context.report, record) {
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
    std::jthread thread;
};

Engine::Engine(Context context, std::function<void(Left)> gone,
               std::vector<report::UpdateRecord> past)
    : context_(context)
    , gone_(std::move(gone))
    , past_(std::move(past)) {}

// A thread that is stuck in a plugin cannot be joined; the end of the process ends it.
Engine::~Engine() {
    (void)cancel().ok();
    if (job_ && job_->hung)
        hung_.push_back(std::move(job_));
    for (auto& job : hung_) {
        if (job->returned)
            continue;
        job->thread.detach();
        (void)job.release();
    }
}

Result<report::UpdateRecord> Engine::start(Request request) {
    const std::lock_guard lock(mutex_);
    if (job_ && !job_->over)
        return Error(Code::Exists, "update " + job_->shown().id + " is running")
            .way_out("wait for it, or cancel it: segue cancel " + context_.guest.name);
    if (distrusted_.count("mode/" + request.mode) != 0)
        return Error(Code::Refused,
                     "mode/" + request.mode + " hung in an earlier update of this VMM")
            .way_out("use another mode for the next update; the new VMM trusts it again")
            .with("plugin", "mode/" + request.mode);
    SEGUE_ASSIGN(UniqueFd cancel, sys::event());
    report::UpdateRecord record;
    SEGUE_ASSIGN(record.attempt, context_.ownership.next_attempt());
    SEGUE_TRY(context_.run.begin());
    record.id = std::to_string(context_.guest.generation) + "-" + std::to_string(record.attempt);
    record.guest = state::format_uuid(context_.guest.uuid);
    record.mode = request.mode;
    record.key = request.key;
    record.request_digest = request.digest;
    record.from_generation = context_.guest.generation;
    record.from_version = version();
    record.from_pid = ::getpid();
    record.began_at = std::time(nullptr);
    if (job_)
        past_.push_back(job_->shown());
    if (past_.size() > kMaxPast)
        past_.erase(past_.begin());
    if (job_ && job_->hung)
        hung_.push_back(std::move(job_));
    job_ = std::make_unique<Job>(
        context_, std::move(request), record, std::move(cancel),
        [this](const std::string& mode, Code outcome) { hung(mode, outcome); });
    Job& job = *job_;
    job.thread = std::jthread([this, &job] { work(job); });
    ::pthread_setname_np(job.thread.native_handle(), "update");
    return record;
}

void Engine::work(Job& job) {
    const Code outcome = job.update->run();
    const Left left = job.update->left();
    // In doubt (PAUSED) it stays held and stopped here, RAM and state kept, until an operator says.
    const bool here = outcome != Code::Ok && outcome != Code::Paused;
    {
        const std::lock_guard lock(mutex_);
        job.ran = true;
    }
    bool late = false;
    if (outcome != Code::Paused)
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

std::vector<report::UpdateRecord> Engine::records() const {
    const std::lock_guard lock(mutex_);
    std::vector<report::UpdateRecord> all(past_.rbegin(), past_.rend());
    if (job_)
        all.insert(all.begin(), job_->shown());
    return all;
}

std::optional<report::UpdateRecord> Engine::latest() const {
    const std::lock_guard lock(mutex_);
    if (job_)
        return job_->shown();
    if (!past_.empty())
        return past_.back();
    return std::nullopt;
}

bool Engine::running() const {
    const std::lock_guard lock(mutex_);
    return job_ && !job_->over;
}

Status Engine::cancel() {
    std::unique_lock lock(mutex_);
    const bool late = job_ && job_->over;
    if (!job_ || (late && job_->outcome != Code::Ok && job_->outcome != Code::Paused))
        return Error(Code::NotFound, "no update is running");
    if (!late) {
        sys::signal_event(job_->cancel.get());
        if (!job_->ran)
            job_->update->hasten();
        over_.wait(lock, [this] { return job_->over; });
    }
    if (job_->outcome == Code::Ok)
        return Error(Code::Refused, "too late: the new generation owns the guest")
            .way_out("update back to the older binary");
    if (job_->outcome == Code::Paused)
        return Error(Code::Refused, "too late: the other side may own the guest already")
            .way_out("look at both sides, then say where the guest is to run");
    return {};
}

} // namespace segue::update
