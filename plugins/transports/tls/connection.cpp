// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plugins/transports/common/endpoint.hpp"

namespace tls {

using namespace segue;

namespace {

constexpr std::uint64_t kAtOnce = 256u << 10; // bytes of one call, and of one send(2)

constexpr std::size_t kRecord = 16384; // bytes: the most that one holds (RFC 8446, 5.1)

// Cuts pieces into records: whole ones straight from where they lie; what is shorter is gathered,
// so that a frame's header and the page behind it share one.
class Records {
public:
    explicit Records(ConstIov pieces)
        : left_(pieces) {}

    // Valid until the next call; empty at the end.
    segue_iov next(std::span<char, kRecord> room) {
        std::size_t n = 0;
        for (; !left_.empty() && n < room.size(); at_ = 0, left_ = left_.subspan(1)) {
            char* from = static_cast<char*>(left_.front().base) + at_;
            const std::uint64_t here = left_.front().len - at_;
            const std::size_t taken = std::min<std::uint64_t>(here, room.size() - n);
            at_ += taken;
            if (taken == room.size())
                return {from, taken};
            std::copy_n(from, taken, room.data() + n);
            n += taken;
            if (taken < here)
                break;
        }
        return {room.data(), n};
    }

private:
    ConstIov left_;
    std::uint64_t at_ = 0; // of the first
};

// A connecting side is ready with its handshake before the other one has judged its certificate
// (RFC 8446, 4.4.4). The listening side therefore renews its key at once: that message says that it
// has.
void see_message(int written, int, int type, const void* bytes, std::size_t n, SSL* ssl, void*) {
    if (written == 0 && type == SSL3_RT_HANDSHAKE && n > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE)
        static_cast<Witness*>(SSL_get_app_data(ssl))->confirmed = true;
}

} // namespace

Connection::Connection(std::shared_ptr<const Context> context, UniqueFd fd, Role role)
    : context_(std::move(context))
    , role_(role)
    , peer_(tcp::peer_of(fd.get())) {
    wire_.fd = std::move(fd);
}

Result<std::unique_ptr<Connection>> Connection::make(std::shared_ptr<const Context> context,
                                                     UniqueFd fd, Role role) {
    std::unique_ptr<Connection> c(new Connection(std::move(context), std::move(fd), role));
    c->ssl_.reset(SSL_new(c->context_->get()));
    SSL* ssl = c->ssl_.get();
    if (ssl == nullptr || !attach(ssl, c->context_->socket(), c->wire_))
        return Error(Code::Internal, "OpenSSL has no memory for a connection");
    SSL_set_app_data(ssl, &c->witness_);
    if (role == Role::Listens) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
        SSL_set_msg_callback(ssl, see_message);
    }
    return c;
}

Connection::~Connection() {
    if (stage_ != Stage::Open)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    (void)wire_.send();
    ERR_clear_error();
}

Error Connection::fail(Error why) {
    stage_ = Stage::Dead;
    failure_ = std::move(why);
    return *failure_;
}

Status Connection::handshake() {
    const std::lock_guard lock(mutex_);
    Status s = failure_ ? Status(*failure_) : Status();
    ERR_clear_error();
    if (s && stage_ == Stage::Shaking)
        s = shake();
    if (s && stage_ == Stage::Confirming)
        s = confirm();
    if (s.ok() || s.code() == Code::Again || failure_)
        return s;
    (void)wire_.send(); // the alert that tells the other side
    return fail(std::move(s).error().while_doing("TLS with " + peer_));
}

Status Connection::shake() {
    const int r = SSL_do_handshake(ssl_.get());
    if (r != 1)
        return stopped(r);
    // No way of OpenSSL leads here without the key; it is what the option promises.
    if (context_->settings().shares_key() && SSL_session_reused(ssl_.get()) != 1)
        return Error(Code::Refused, "the pre-shared key was not used");
    if (role_ == Role::Listens && (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
                                   SSL_do_handshake(ssl_.get()) != 1))
        return refusal(*context_, witness_, wire_, role_);
    stage_ = Stage::Confirming;
    return flush();
}

Status Connection::confirm() {
    SEGUE_TRY(flush());
    if (role_ == Role::Connects && !witness_.confirmed) {
        char next = 0;
        const int r = SSL_peek(ssl_.get(), &next, 1);
        if (!witness_.confirmed)
            return r > 0 ? Status(Error(Code::Refused, "the other side does not confirm")
                                      .way_out("it must be Segue's transport tls"))
                         : stopped(r);
    }
    SSL_set_msg_callback(ssl_.get(), nullptr);
    stage_ = Stage::Open;
    return {};
}

// OpenSSL cannot go on in the handshake.
Status Connection::stopped(int result) {
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ) {
        SEGUE_TRY(flush());
        return Error(Code::Again, "the handshake goes on");
    }
    return refusal(*context_, witness_, wire_, role_);
}

// Again: the socket takes no more for now.
Status Connection::flush() {
    if (wire_.send())
        return {};
    if (wire_.error == 0)
        return Error(Code::Again, "write");
    return Error(Code::Closed, "write: the connection with " + peer_ +
                                   " is broken: " + std::strerror(wire_.error));
}

Result<std::uint64_t> Connection::read(ConstIov to) {
    const std::lock_guard lock(mutex_);
    if (failure_)
        return *failure_;
    ERR_clear_error();
    std::uint64_t done = 0;
    for (const segue_iov& part : to)
        for (std::uint64_t at = 0; at < part.len && done < kAtOnce;) {
            std::size_t n = 0;
            const std::size_t room = std::min(part.len - at, kAtOnce - done);
            if (SSL_read_ex(ssl_.get(), static_cast<char*>(part.base) + at, room, &n) != 1)
                return done > 0 ? Result<std::uint64_t>(done) : read_stopped();
            at += n;
            done += n;
        }
    return done;
}

// What it says comes again with the next call, too.
Result<std::uint64_t> Connection::read_stopped() {
    const int why = SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_WANT_READ)
        return Error(Code::Again, "read");
    if (why == SSL_ERROR_ZERO_RETURN)
        return Error(Code::Closed, "the other side has ended the connection");
    if (why == SSL_ERROR_SSL)
        return fail(broken().while_doing("TLS with " + peer_));
    const int number = wire_.error != 0 ? wire_.error : ECONNRESET;
    return fail(Error::from_errno(number, "the connection with " + peer_ +
                                              " was cut before its end, bytes may be missing")
                    .way_out("check the network; see whether the other VMM lives"));
}

Result<std::uint64_t> Connection::write(ConstIov from) {
    const std::lock_guard lock(mutex_);
    if (failure_)
        return *failure_;
    if (stage_ != Stage::Open)
        return Error(Code::Closed, "this side has ended the connection");
    ERR_clear_error();
    if (owed_ == 0) {
        SEGUE_TRY(renew_key());
        owed_ = encrypt(from);
        if (owed_ == 0)
            return fail(broken().while_doing("TLS with " + peer_));
    }
    SEGUE_TRY(flush());
    return std::exchange(owed_, 0);
}

// The wire takes all of it; 0: OpenSSL refuses.
std::uint64_t Connection::encrypt(ConstIov from) {
    std::array<char, kRecord> room;
    std::uint64_t done = 0;
    for (Records records(from); done < kAtOnce;) {
        const segue_iov record = records.next(room);
        std::size_t n = 0;
        if (record.len == 0 || SSL_write_ex(ssl_.get(), record.base, record.len, &n) != 1)
            break;
        done += n;
    }
    written_ += done;
    return done;
}

// One key of AES-GCM is good for 2^24.5 full records, 362 GiB (RFC 8446, 5.5).
Status Connection::renew_key() {
    if (written_ < context_->settings().rekey)
        return {};
    written_ = 0;
    if (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
        return {};
    return fail(broken().while_doing("a new key with " + peer_));
}

Status Connection::end() {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::Open) {
        ERR_clear_error();
        const int r = SSL_shutdown(ssl_.get());
        stage_ = Stage::Ended;
        if (r < 0)
            return fail(broken().while_doing("end TLS with " + peer_));
    }
    Status s = flush();
    return s.code() == Code::Closed ? Status() : s; // they have gone first
}

void Connection::abort() {
    const std::lock_guard lock(mutex_);
    stage_ = Stage::Dead;
    if (!failure_)
        failure_ = Error(Code::Closed, "this side has given the connection up");
    (void)::shutdown(wire_.fd.get(), SHUT_RDWR);
}

} // namespace tls
