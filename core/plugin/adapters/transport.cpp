// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/adapters/transport.hpp"

#include <poll.h>

namespace segue::plugin {

namespace {

std::uint32_t count(std::span<const segue_iov> iov) {
    return static_cast<std::uint32_t>(iov.size());
}

Error not_seekable(const std::string& plugin) {
    return Error(Code::Unsupported, "transport " + plugin + " cannot seek").with("plugin", plugin);
}

} // namespace

TransportHandle& TransportHandle::operator=(TransportHandle&& o) noexcept {
    if (this != &o) {
        release();
        instance_ = std::move(o.instance_);
        handle_ = std::exchange(o.handle_, nullptr);
    }
    return *this;
}

void TransportHandle::release() {
    if (handle_ != nullptr)
        table().release(std::exchange(handle_, nullptr));
    instance_.reset();
}

Ready TransportHandle::ready(Direction direction) const {
    constexpr std::uint32_t both = POLLIN | POLLOUT;
    std::int32_t fd = -1;
    std::uint32_t events = 0;
    if (handle_ != nullptr)
        table().ready(handle_, &fd, &events);
    events &= both | POLLPRI | POLLRDHUP;
    if ((events & both) == both)
        events &= ~static_cast<std::uint32_t>(direction == Direction::Read ? POLLOUT : POLLIN);
    return {fd < 0 ? -1 : fd, static_cast<short>(events)};
}

// Checks what a plugin says that it moved: something with OK, nothing otherwise, never too much.
Result<std::uint64_t> Channel::moved(const char* function, const Status& status, std::uint64_t done,
                                     std::span<const segue_iov> iov) const {
    if (!status && done == 0)
        return status.error();
    std::uint64_t room = 0;
    for (const segue_iov& v : iov)
        room += v.len;
    if (!status || done == 0 || done > room)
        return broken(instance_->name(), function,
                      std::string("it answered ") + name_of(status.code()) + " with " +
                          std::to_string(done) + " of " + std::to_string(room) + " bytes moved");
    return done;
}

Result<std::uint64_t> Channel::read(std::span<const segue_iov> to, std::vector<UniqueFd>& fds) {
    std::int32_t raw[SEGUE_TRANSPORT_MAX_FDS];
    std::uint32_t n_fds = 0;
    std::uint64_t done = 0;
    const Status s = call(instance_->name(), "read", [&](segue_error* e) {
        return table().read(handle_, to.data(), count(to), raw, SEGUE_TRANSPORT_MAX_FDS, &n_fds,
                            &done, e);
    });
    SEGUE_ASSIGN(const std::uint64_t n, moved("read", s, done, to));
    if (n_fds > SEGUE_TRANSPORT_MAX_FDS)
        return broken(instance_->name(), "read", "more descriptors than there is room for");
    std::vector<UniqueFd> came;
    Status all;
    for (std::uint32_t i = 0; i < n_fds; ++i) { // all of them are taken, so that none leaks
        auto fd = take_fd(instance_->name(), "read", raw[i]);
        if (fd)
            came.push_back(std::move(*fd));
        else
            all = std::move(fd).error();
    }
    SEGUE_TRY(all);
    for (UniqueFd& fd : came)
        fds.push_back(std::move(fd));
    return n;
}

Result<std::uint64_t> Channel::write(std::span<const segue_iov> from, std::span<const int> fds) {
    if (!fds.empty() && (table().caps & SEGUE_TRANSPORT_FDS) == 0)
        return Error(Code::Unsupported,
                     "transport " + instance_->name() + " carries no descriptors")
            .way_out("choose a transport with the capability 'fds' for this channel")
            .with("plugin", instance_->name());
    if (fds.size() > SEGUE_TRANSPORT_MAX_FDS)
        return Error(Code::Invalid, std::to_string(fds.size()) + " descriptors in one write");
    std::uint64_t done = 0;
    const Status s = call(instance_->name(), "write", [&](segue_error* e) {
        return table().write(handle_, from.data(), count(from), fds.data(),
                             static_cast<std::uint32_t>(fds.size()), &done, e);
    });
    return moved("write", s, done, from);
}

Result<std::uint64_t> Channel::read_at(std::uint64_t at, std::span<const segue_iov> to) {
    if (table().read_at == nullptr)
        return not_seekable(instance_->name());
    std::uint64_t done = 0;
    const Status s = call(instance_->name(), "read_at", [&](segue_error* e) {
        return table().read_at(handle_, at, to.data(), count(to), &done, e);
    });
    return moved("read_at", s, done, to);
}

Result<std::uint64_t> Channel::write_at(std::uint64_t at, std::span<const segue_iov> from) {
    if (table().write_at == nullptr)
        return not_seekable(instance_->name());
    std::uint64_t done = 0;
    const Status s = call(instance_->name(), "write_at", [&](segue_error* e) {
        return table().write_at(handle_, at, from.data(), count(from), &done, e);
    });
    return moved("write_at", s, done, from);
}

Result<int> Channel::backing() {
    if (table().backing == nullptr)
        return not_seekable(instance_->name());
    std::int32_t fd = -1;
    SEGUE_TRY(call(instance_->name(), "backing",
                   [&](segue_error* e) { return table().backing(handle_, &fd, e); }));
    if (fd < 0)
        return broken(instance_->name(), "backing", "it gave no descriptor");
    return fd;
}

Status Channel::finish(std::uint32_t how) {
    return call(instance_->name(), "finish",
                [&](segue_error* e) { return table().finish(handle_, how, e); });
}

Result<Channel> Listener::accept() {
    void* channel = nullptr;
    SEGUE_TRY(call(instance_->name(), "accept",
                   [&](segue_error* e) { return table().accept(handle_, &channel, e); }));
    if (channel == nullptr)
        return broken(instance_->name(), "accept", "it gave no channel");
    return Channel(instance_, channel);
}

Result<Transport> Transport::create(const LoadedPlugin& plugin, const PluginConfig& config) {
    SEGUE_ASSIGN(auto i, make_instance<segue_transport>(
                             plugin, SEGUE_TRANSPORT_ID, config, [&](auto& made, segue_error* e) {
                                 return made.table.create(config.abi(), made.host.abi(), &made.self,
                                                          e);
                             }));
    SEGUE_TRY(check_caps(plugin, i->table.caps));
    return Transport(std::move(i));
}

Status Transport::check() {
    if (instance_->table.check == nullptr)
        return {};
    return call(name(), "check",
                [&](segue_error* e) { return instance_->table.check(instance_->self, e); });
}

Result<Listener> Transport::listen() {
    void* listener = nullptr;
    SEGUE_TRY(call(name(), "listen", [&](segue_error* e) {
        return instance_->table.listen(instance_->self, &listener, e);
    }));
    if (listener == nullptr)
        return broken(name(), "listen", "it gave no listener");
    return Listener(instance_, listener);
}

Status Transport::connect(Channel& channel) {
    void* handle = std::exchange(channel.handle_, nullptr);
    Status s = call(name(), "connect", [&](segue_error* e) {
        return instance_->table.connect(instance_->self, &handle, e);
    });
    Channel made(instance_, handle); // what a lasting error left behind ends here
    if (s.ok() && handle == nullptr)
        return broken(name(), "connect", "it gave no channel");
    if (s.ok() || (s.code() == Code::Again && handle != nullptr))
        channel = std::move(made);
    return s;
}

} // namespace segue::plugin
