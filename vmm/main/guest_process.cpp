// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/guest_process.hpp"

#include <unistd.h>

#include <filesystem>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "core/base/start_file.hpp"
#include "core/base/unix_socket.hpp"
#include "core/control/json.hpp"
#include "vmm/devices/models.hpp"
#include "vmm/machine/device_factory.hpp"
#include "vmm/main/undertaker.hpp"

namespace segue::vmm {

namespace {

// Where this program was started from; a package upgrade puts the new one at the same path.
std::string own_binary() {
    std::error_code ignored;
    std::string path = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
    constexpr std::string_view gone = " (deleted)";
    if (path.size() > gone.size() &&
        path.compare(path.size() - gone.size(), gone.size(), gone) == 0)
        path.resize(path.size() - gone.size());
    return path;
}

std::set<std::string> preallocated(const std::vector<config::MemoryConfig>& memory) {
    std::set<std::string> ids;
    for (const config::MemoryConfig& m : memory)
        if (m.prealloc)
            ids.insert(m.id);
    return ids;
}

std::vector<report::Report*> all_of(report::Report& log, report::Report& journal,
                                    report::Report* more) {
    std::vector<report::Report*> all = {&log, &journal};
    if (more != nullptr)
        all.push_back(more);
    return all;
}

} // namespace

GuestProcess::GuestProcess(Options options, config::GuestConfig config, GuestPlaces places,
                           UniqueFd news, report::Report* report)
    : options_(std::move(options))
    , config_(std::move(config))
    , places_(std::move(places))
    , binary_(own_binary())
    , inbox_(std::move(news))
    , journal_(places_.journal(), [](const report::UpdateRecord& r) { return control::to_json(r); })
    , report_(all_of(log_, journal_, report))
    , ram_converter_(inventory_, preallocated(config_.memory),
                     [this] { return machine_.check_moving(); })
    , userfault_(inventory_)
    , launcher_(common_options(), places_.log(), [this] { return machine_.slow_to_close(); }) {
    machine_.place_ram(RamPlacement(config_.memory));
    machine_.use_dirty_rings(config_.update.dirty_ring_size);
}

GuestProcess::~GuestProcess() = default;

Result<std::unique_ptr<GuestProcess>> GuestProcess::make(const Options& options,
                                                         report::Report* report) {
    SEGUE_ASSIGN(config::GuestConfig config,
                 config::load_guest_config(options.config, options.overrides));
    SEGUE_TRY(config::check_devices(config, device_models()));
    SEGUE_ASSIGN(const Places places, Places::find(options.run_dir, options.state_dir));
    SEGUE_ASSIGN(GuestPlaces own, places.guest(config.name));
    SEGUE_TRY(create(own));
    SEGUE_ASSIGN(UniqueFd news, sys::event());
    std::unique_ptr<GuestProcess> p(
        new GuestProcess(options, std::move(config), std::move(own), std::move(news), report));
    SEGUE_ASSIGN(p->plugins_, ConfiguredPlugins::open(p->config_, p->places_.run));
    p->facts_.name = p->config_.name;
    p->facts_.config = options.config;
    p->facts_.overrides = options.overrides;
    p->facts_.identity = config::identity_of(p->config_.settings);
    p->facts_.resting_place = config::resting_place_of(p->config_.settings);
    p->service_ = std::make_unique<GuestService>(
        GuestService::Parts{p->config_, p->facts_, p->inventory_, p->machine_, p->run_, p->inbox_,
                            *p->plugins_, p->binary_, p->places_});
    return p;
}

// What every successor gets, too, so that it finds the same places and the same overrides.
std::vector<std::string> GuestProcess::common_options() const {
    std::vector<std::string> all;
    for (const std::string& o : options_.overrides)
        all.insert(all.end(), {"--set", o});
    const auto parent = [](const std::string& path) {
        return std::filesystem::path(path).parent_path().string();
    };
    all.insert(all.end(), {"--run-dir", parent(places_.run), "--state-dir", parent(places_.state)});
    constexpr const char* levels[] = {"debug", "info", "warn", "error"};
    all.insert(all.end(), {"--log-level", levels[static_cast<int>(options_.log_level)]});
    return all;
}

// The server has a copy of its own: the inventory's goes on to the next generation.
Result<std::unique_ptr<control::Server>> GuestProcess::server_for(control::Service& service,
                                                                  bool held) {
    SEGUE_ASSIGN(UniqueFd listening, sys::dup(inventory_.find("control")));
    control::ServerLimits limits;
    limits.held = held;
    SEGUE_ASSIGN(limits.access.group, control::group_named(config_.control.group));
    return control::Server::start(service, std::move(listening), limits);
}

Status GuestProcess::serve(bool held) {
    SEGUE_ASSIGN(server_, server_for(*service_, held));
    return {};
}

void GuestProcess::start_engine(std::vector<report::UpdateRecord> past, update::Incoming* arrived) {
    const update::Context context{facts_,
                                  machine_,
                                  machine_.devices(),
                                  machine_.dirty_log(),
                                  ram_converter_,
                                  *server_,
                                  launcher_,
                                  run_,
                                  inventory_,
                                  *plugins_,
                                  *ownership_,
                                  report_,
                                  places_.standby_socket()};
    engine_ = std::make_unique<update::Engine>(
        context, [this](update::Left left) { inbox_.put(HandedOver{left}); }, std::move(past),
        arrived);
    service_->attach(*engine_);
}

// The guest matters more than what fails here.
void GuestProcess::note_start() const {
    if (const Status s = write(StartFile{facts_.config, facts_.overrides}, places_); !s)
        log::warn("once it is saved, 'segue start' must be told the configuration: " +
                  s.error().what());
}

int GuestProcess::run() {
    for (;;) {
        const News news = inbox_.take();
        const auto code = std::visit([this](const auto& n) { return handle(n); }, news);
        if (code)
            return *code;
    }
}

// Needs no end of an update: that moves a guest that sleeps as well.
void GuestProcess::suspend() {
    const Status s = run_.suspend();
    log::info("the guest sleeps: segue wakeup " + facts_.name);
    if (!s)
        log::warn("it sleeps, but not all of it is quiet: " + s.error().what());
}

std::optional<int> GuestProcess::handle(const GuestEvent& event) {
    if (event.kind == GuestEvent::Kind::Suspend) {
        suspend();
        return std::nullopt;
    }
    // An update in hand goes first: it is taken back, or the guest is not ours any more.
    if (engine_->cancel().code() == Code::Refused)
        return std::nullopt;
    switch (event.kind) {
    case GuestEvent::Kind::Shutdown:
        return end(static_cast<int>(event.code & 0xff),
                   "the guest powered off with code " + std::to_string(event.code));
    case GuestEvent::Kind::Crash:
        return end(1, "the guest crashed: " + event.text);
    case GuestEvent::Kind::Reset:
    case GuestEvent::Kind::TripleFault:
    case GuestEvent::Kind::Suspend:
        break;
    }
    log::info(std::string("the guest asked for a reset (") + name_of(event.kind) + ")");
    Status s = run_.restart([this] { return machine_.reset(); });
    while (s.code() == Code::Exists) { // one more has begun meanwhile
        if (engine_->cancel().code() == Code::Refused)
            return std::nullopt;
        s = run_.restart([this] { return machine_.reset(); });
    }
    if (!s)
        return end(1, "the guest could not be reset: " + s.error().what());
    return std::nullopt;
}

std::optional<int> GuestProcess::handle(ShutdownRequest) {
    if (const Status s = engine_->end(); s.code() == Code::Refused) {
        log::warn("not shut down: " + s.error().what() + "; " + s.error().way_out());
        return std::nullopt;
    }
    return end(0, "shut down on request");
}

std::optional<int> GuestProcess::handle(HandedOver news) {
    if (news.left == update::Left::ToHolder) {
        log::info("the guest rests for a moment; this process ends");
        const auto undertaker = Undertaker::start(machine_.slow_to_close());
        if (!undertaker)
            log::warn("this process's end takes longer: " + undertaker.error().what());
        ::_exit(0); // the guest stands still: the kernel takes the rest apart
    }
    if (news.left == update::Left::Elsewhere) {
        log::info("the guest is on another host; this process ends");
        leave_nothing();
        return 0;
    }
    server_->release();
    if (news.left == update::Left::AtRest)
        clear_places();
    log::info(news.left == update::Left::AtRest
                  ? "the guest is saved; this process ends"
                  : "the guest is with the new generation; this process ends");
    return 0;
}

std::optional<int> GuestProcess::handle(RamFetched news) {
    if (!news.lost) {
        engine_->forget_arrived();
        if (incoming_->hung())
            (void)incoming_.release();
        incoming_.reset();
        userfault_.close();
        return std::nullopt;
    }
    log::error("the guest has lost RAM and cannot run any more; this process ends");
    (void)ownership_->end(facts_.generation);
    end_at_once(1);
}

// Of a guest some of whose RAM has not come: its vCPUs and devices may wait for that, so none of
// them can be asked to stop, and none may see anything in its place.
void GuestProcess::end_at_once(int code) {
    server_.reset(); // which asks the engine, and that the update
    incoming_.reset();
    leave_nothing();
    ::_exit(code);
}

int GuestProcess::end(int code, const std::string& why) {
    log::info(why);
    if (const std::string lost = truncated_ram(inventory_); !lost.empty())
        log::error(lost);
    const bool fetching = incoming_ && incoming_->fetching();
    if (!fetching)
        (void)run_.pause().ok();
    if (!ownership_->end(facts_.generation)) {
        // Whoever has the guest has its files and its memory, too.
        log::error("the guest is not ours to end: the record says " +
                   update::to_string(ownership_->word()));
        return 1;
    }
    if (fetching)
        end_at_once(code);
    leave_nothing();
    return code;
}

void GuestProcess::leave_nothing() {
    server_.reset();
    for (const config::MemoryConfig& m : config_.memory)
        if (auto memory = plugins_->memory(m.id))
            (*memory)->drop(m.id);
    clear_places();
    ::unlink(places_.owner().c_str());
    remove_stale(places_.standby_socket());
    ::unlink(places_.start_file().c_str());
}

// No process has the guest; what says who owns it stays.
void GuestProcess::clear_places() {
    forget_devices(machine_.config().devices); // before the lock: the next one makes its own
    for (const std::string& file : {places_.api_socket(), places_.lock()})
        ::unlink(file.c_str());
}

} // namespace segue::vmm
