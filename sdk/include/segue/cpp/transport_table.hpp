// SPDX-License-Identifier: Apache-2.0
// transport_table.hpp - the C function table over the classes of transport.hpp, which includes
// this.
#pragma once

#include <segue/cpp/transport.hpp>

namespace segue {
namespace detail {

struct TransportTable {
    static Transport& self(void* p) { return *static_cast<Transport*>(p); }
    static TransportHandle* handle(void* p) { return static_cast<TransportHandle*>(p); }
    static Channel& channel(void* p) { return static_cast<Channel&>(*handle(p)); }
    static Listener& listener(void* p) { return static_cast<Listener&>(*handle(p)); }

    template <class T>
    static segue_status create(const segue_config* c, const segue_host* h, void** out,
                               segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(std::unique_ptr<Transport> t, T::create(Config(c, h), Host(h)));
            *out = t.release();
            return {};
        });
    }
    static void destroy(void* p) noexcept {
        guarded_void([&] { delete &self(p); });
    }
    static segue_status check(void* p, segue_error* e) noexcept {
        return guarded(e, [&] { return self(p).check(); });
    }
    static segue_status listen(void* p, void** out, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(auto l, self(p).listen());
            *out = static_cast<TransportHandle*>(l.release());
            return {};
        });
    }
    static segue_status accept(void* p, void** out, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(auto ch, listener(p).accept());
            *out = static_cast<TransportHandle*>(ch.release());
            return {};
        });
    }
    static segue_status connect(void* p, void** inout, segue_error* e) noexcept {
        return guarded(e, [&] {
            std::unique_ptr<Channel> ch(*inout != nullptr ? &channel(*inout) : nullptr);
            *inout = nullptr; // what throws or fails for good releases it
            Status s = self(p).connect(ch);
            if (s.ok() || s.code() == Code::Again)
                *inout = static_cast<TransportHandle*>(ch.release());
            return s;
        });
    }
    static void ready(void* p, std::int32_t* fd, std::uint32_t* events) noexcept {
        *fd = -1;
        *events = 0;
        guarded_void([&] {
            const Ready r = handle(p)->ready();
            *fd = r.fd;
            *events = r.events;
        });
    }
    static segue_status read(void* p, const segue_iov* iov, std::uint32_t n, std::int32_t* fds,
                             std::uint32_t cap, std::uint32_t* n_fds, std::uint64_t* done,
                             segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            std::vector<UniqueFd> came;
            SEGUE_ASSIGN(const std::uint64_t bytes, channel(p).read({iov, n}, came, cap));
            if (came.size() > cap)
                return Error(Code::Invalid, std::to_string(came.size()) +
                                                " descriptors came, and there is room for " +
                                                std::to_string(cap));
            *done = bytes;
            *n_fds = static_cast<std::uint32_t>(came.size());
            for (auto& fd : came)
                *fds++ = fd.release();
            return {};
        });
    }
    static segue_status write(void* p, const segue_iov* iov, std::uint32_t n,
                              const std::int32_t* fds, std::uint32_t n_fds, std::uint64_t* done,
                              segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(*done, channel(p).write({iov, n}, {fds, n_fds}));
            return {};
        });
    }
    static segue_status read_at(void* p, std::uint64_t at, const segue_iov* iov, std::uint32_t n,
                                std::uint64_t* done, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(*done, channel(p).read_at(at, {iov, n}));
            return {};
        });
    }
    static segue_status write_at(void* p, std::uint64_t at, const segue_iov* iov, std::uint32_t n,
                                 std::uint64_t* done, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(*done, channel(p).write_at(at, {iov, n}));
            return {};
        });
    }
    static segue_status backing(void* p, std::int32_t* fd, segue_error* e) noexcept {
        return guarded(e, [&]() -> Status {
            SEGUE_ASSIGN(*fd, channel(p).backing());
            return {};
        });
    }
    static segue_status finish(void* p, std::uint32_t how, segue_error* e) noexcept {
        return guarded(e, [&] { return channel(p).finish(how); });
    }
    static void release(void* p) noexcept {
        guarded_void([&] { delete handle(p); });
    }

    template <class T>
    static constexpr segue_transport make(std::uint64_t caps) {
        const bool seeks = (caps & SEGUE_TRANSPORT_SEEKABLE) != 0;
        return {caps,
                create<T>,
                destroy,
                check,
                listen,
                accept,
                connect,
                ready,
                read,
                write,
                seeks ? read_at : nullptr,
                seeks ? write_at : nullptr,
                seeks ? backing : nullptr,
                finish,
                release};
    }
};

} // namespace detail
} // namespace segue

#define SEGUE_EXPORT_TRANSPORT(Class, info)                                                        \
    SEGUE_EXPORT(SEGUE_TRANSPORT_ID, segue::detail::TransportTable::make<Class>((info).caps),      \
                 info, (info).caps, segue::transport_caps)
