// SPDX-License-Identifier: Apache-2.0
// standby.cpp - a later generation: everything comes from the one before.
#include <sys/socket.h>

#include <unistd.h>

#include <thread>

#include <segue/cpp/socket.hpp>

#include "core/base/log.hpp"
#include "core/base/unix_socket.hpp"
#include "core/base/wait.hpp"
#include "core/update/handoff.hpp"
#include "core/update/incoming.hpp"
#include "vmm/devices/models.hpp"
#include "vmm/machine/device_factory.hpp"
#include "vmm/main/guest_process.hpp"

namespace segue::vmm {

namespace {

constexpr std::chrono::seconds kEndAfterLoss{10};

// Listens at `path`; what stands there is replaced only where nobody listens any more.
Result<UniqueFd> listen_alone(const std::string& path) {
    SEGUE_ASSIGN(const auto address, sys::unix_address(path));
    if (sys::unix_connect(address))
        return Error(Code::Exists, "a standby waits at " + path + " already")
            .way_out("use that one, end it, or give this one its own --incoming=SOCKET");
    return listen_unix(path, 0600);
}

// Whether the other side has anything to say: who only looks hangs up again.
Result<bool> speaks(int stream) {
    SEGUE_TRY(Waiter{Deadline::in(std::chrono::seconds(10))}.until(stream, POLLIN));
    std::byte first;
    return ::recv(stream, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

} // namespace

// Connected already where the old VMM started us; else whoever connects first and speaks, for as
// long as it takes.
Result<UniqueFd> GuestProcess::engine_stream() const {
    if (options_.stream_fd >= 0) {
        UniqueFd given(options_.stream_fd);
        int type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(given.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0)
            return Error::from_errno(errno, "--incoming=fd:" + std::to_string(options_.stream_fd));
        if (::fcntl(given.get(), F_SETFD, FD_CLOEXEC) != 0)
            return Error::from_errno(errno, "F_SETFD");
        return given;
    }
    const std::string path =
        options_.incoming_path.empty() ? places_.standby_socket() : options_.incoming_path;
    SEGUE_ASSIGN(const UniqueFd listener, listen_alone(path));
    log::info("standby: waiting at " + path);
    for (;;) {
        if (Status s = Waiter{Deadline::never(), inbox_.fd()}.until(listener.get(), POLLIN); !s) {
            ::unlink(path.c_str());
            return std::move(s).error();
        }
        auto stream = sys::unix_accept(listener.get());
        if (stream.code() == Code::Again)
            continue;
        if (!stream)
            return std::move(stream).error();
        if (const auto real = speaks(stream->get()); !real || !*real)
            continue;
        ::unlink(path.c_str());
        return stream;
    }
}

// Whoever connects to the address that we were given.
Status GuestProcess::receive() {
    SEGUE_TRY(make_items());
    SEGUE_ASSIGN(plugin::Transport transport, plugins_->transport_at(options_.incoming_address));
    SEGUE_ASSIGN(plugin::Listener listener, transport.listen());
    reception_ = std::make_unique<Reception>(config_, inbox_, journal_, std::move(listener));
    SEGUE_ASSIGN(reception_->server, server_for(reception_->service, false));
    log::info("standby: waiting at " + options_.incoming_address);
    return reception_->arrival.begin(inbox_.fd());
}

// What another boot, or another process, left on channel "main" has none of our descriptors.
Status GuestProcess::make_items() {
    SEGUE_ASSIGN(UniqueFd lock, take_lock(places_));
    SEGUE_TRY(inventory_.add(inventory::Item{"lock", std::move(lock)}));
    SEGUE_TRY(listen());
    if (auto console = open_console(config_.console, inventory_); !console)
        return std::move(console).error();
    if (!options_.incoming_address.empty())
        return machine_.join(plug_in(config_.devices), inventory_);
    return machine_.reopen(plug_in(config_.devices), options_.changed_disks, inventory_);
}

Result<std::unique_ptr<update::Origin>> GuestProcess::origin() {
    if (options_.restore && options_.stream_fd >= 0) {
        SEGUE_ASSIGN(UniqueFd stream, engine_stream());
        return update::from_holder(update::Stream(std::move(stream)));
    }
    if (options_.restore) {
        SEGUE_TRY(make_items());
        return update::from_rest(places_.owner());
    }
    if (options_.handoff_fd >= 0) {
        SEGUE_ASSIGN(update::Handoff handoff,
                     update::take_handoff(UniqueFd(options_.handoff_fd), exec_fds_));
        return update::from_self(std::move(handoff.record));
    }
    if (!options_.incoming_address.empty()) {
        SEGUE_TRY(receive());
        return update::from_elsewhere(reception_->arrival, places_.owner(),
                                      [this] { return machine_.take_hold(); });
    }
    SEGUE_ASSIGN(UniqueFd stream, engine_stream());
    return update::from_peer(update::Stream(std::move(stream)));
}

// Of what the operator has waived, for the record.
std::vector<std::string> GuestProcess::waived() const {
    std::vector<std::string> all;
    for (const std::string& disk : options_.changed_disks)
        all.push_back("disk '" + disk +
                      "' was not compared with the one that the guest had: "
                      "--accept-changed-disk");
    return all;
}

update::Standby GuestProcess::standby(std::function<Result<ports::Devices*>()> on_built,
                                      std::function<void()> on_hold) {
    return {facts_,
            machine_,
            run_,
            inventory_,
            *plugins_,
            report_,
            std::move(on_built),
            std::move(on_hold),
            ownership_,
            exec_fds_,
            userfault_,
            [this](const Status& how) { tell_fetched(how); },
            inbox_.fd(),
            waived()};
}

// Who is to read this may be waiting for that RAM: a guest that resets is loaded into it.
void GuestProcess::tell_fetched(const Status& how) {
    inbox_.put(RamFetched{!how});
    if (!how)
        std::thread([] {
            std::this_thread::sleep_for(kEndAfterLoss);
            ::_exit(1);
        }).detach();
}

Status GuestProcess::answer() {
    update::Stream stream{UniqueFd(options_.probe_fd)};
    update::Standby standby = this->standby({}, {});
    return update::Incoming(standby, update::from_peer(std::move(stream))).check();
}

// Nobody has the guest: this process was started for a state that rests, or its owner has left one.
bool GuestProcess::is_at_rest() const {
    if (!options_.restore || options_.stream_fd < 0)
        return options_.restore;
    return ownership_ && ownership_->word().state == update::Owner::Offered;
}

// Nobody here has the guest, and this process made its own files.
void GuestProcess::clear_up() {
    if (is_at_rest())
        return clear_places(); // only the state is left, as it was
    if (options_.incoming_address.empty() || inventory_.find("lock") < 0)
        return;
    if (reception_)
        reception_->server.reset();
    forget_devices(plug_in(config_.devices));
    for (const inventory::RamBlock& block : inventory_.blocks())
        if (auto memory = plugins_->memory(block.id))
            (*memory)->drop(block.id);
    clear_places();
    ::unlink(places_.owner().c_str());
}

Status GuestProcess::take_over() {
    auto from = origin();
    if (!from) {
        if (!options_.restore)
            clear_up();
        return std::move(from).error();
    }
    const auto on_built = [this]() -> Result<ports::Devices*> {
        run_.attach(machine_.vcpus(), machine_.devices());
        SEGUE_TRY(serve(true));
        return &machine_.devices();
    };
    const auto on_hold = [this] {
        server_->stand_in(true);
        server_->resume();
    };
    standby_ = std::make_unique<update::Standby>(standby(on_built, on_hold));
    auto incoming = std::make_unique<update::Incoming>(*standby_, std::move(*from));
    if (reception_)
        reception_->service.attach(incoming.get());
    Status s = incoming->run();
    if (reception_)
        reception_->server.reset(); // whoever asks now waits for the guest's own
    if (!s) {
        clear_up();
        return s;
    }
    const bool fetches = incoming->fetches();
    start_engine({incoming->record()}, fetches ? incoming.get() : nullptr);
    if (fetches) // RamFetched ends it
        incoming_ = std::move(incoming);
    else if (incoming->hung())
        (void)incoming.release();
    machine_.settle_in();
    server_->stand_in(false);
    server_->resume();
    note_start();
    return {};
}

} // namespace segue::vmm
