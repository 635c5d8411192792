// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/lending.hpp"

#include <sys/epoll.h>

#include <array>

#include <segue/cpp/sys.hpp>

namespace segue::vmm::virtio {

namespace {

constexpr std::uint32_t kKinds = 3; // of news

std::uint32_t tag_of(std::size_t queue, std::uint32_t kind) {
    return static_cast<std::uint32_t>(queue) * kKinds + kind;
}

} // namespace

Result<std::unique_ptr<Lending>> Lending::create(QueueServer& server) {
    std::unique_ptr<Lending> lending(new Lending(server));
    lending->epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!lending->epoll_)
        return Error::from_errno(errno, "epoll for queues that are lent");
    for (unsigned i = 0; i < server.queues(); ++i) {
        Lent one;
        SEGUE_ASSIGN(one.kick, sys::event());
        SEGUE_ASSIGN(one.call, sys::event());
        SEGUE_ASSIGN(one.error, sys::event());
        SEGUE_TRY(lending->listen(one.kick.get(), tag_of(i, News::Kick)));
        SEGUE_TRY(lending->listen(one.call.get(), tag_of(i, News::Call)));
        SEGUE_TRY(lending->listen(one.error.get(), tag_of(i, News::Error)));
        lending->all_.push_back(std::move(one));
    }
    return lending;
}

Status Lending::listen(int event, std::uint32_t tag) {
    epoll_event e = {};
    e.events = EPOLLIN;
    e.data.u32 = tag;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event, &e) != 0)
        return Error::from_errno(errno, "epoll_ctl");
    return {};
}

Status Lending::prepare(std::uint64_t features, const GuestRam& ram) {
    Status s = server_.prepare(features, ram);
    willing_ = s.ok();
    return s;
}

Status Lending::lend(unsigned queue, const QueueState& state, int line) {
    Lent& one = all_[queue];
    one.line = line;
    if (Status s = server_.start(queue, state, {one.kick.get(), call_of(one), one.error.get()});
        !s) {
        willing_ = false;
        return s;
    }
    one.lent = true;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, one.kick.get(), nullptr);
    return {};
}

Status Lending::rewire(unsigned queue, int line) {
    Lent& one = all_[queue];
    if (!one.lent || one.line == line)
        return {};
    one.line = line;
    return server_.rewire(queue, call_of(one));
}

Result<RingPosition> Lending::take_back(unsigned queue) {
    Lent& one = all_[queue];
    SEGUE_ASSIGN(const RingPosition position, server_.stop(queue));
    one.lent = false;
    SEGUE_TRY(listen(one.kick.get(), tag_of(queue, News::Kick)));
    return position;
}

std::vector<Lending::News> Lending::hear() {
    std::array<epoll_event, 16> told; // what finds no place comes with the next look
    const int n = ::epoll_wait(epoll_.get(), told.data(), static_cast<int>(told.size()), 0);
    std::vector<News> news;
    for (int i = 0; i < n; ++i) {
        const std::uint32_t tag = told[static_cast<std::size_t>(i)].data.u32;
        const Lent& one = all_[tag / kKinds];
        const News what = {tag / kKinds, static_cast<decltype(News::what)>(tag % kKinds)};
        const UniqueFd& event = what.what == News::Kick   ? one.kick
                                : what.what == News::Call ? one.call
                                                          : one.error;
        sys::clear_event(event.get());
        news.push_back(what);
    }
    return news;
}

} // namespace segue::vmm::virtio
