// SPDX-License-Identifier: Apache-2.0
#include "socket_bio.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include <segue/cpp/sys.hpp>

namespace tls {

using namespace segue;

namespace {

constexpr std::size_t kFill = 256u << 10; // bytes of one recv(2)

Wire& wire_of(BIO* bio) {
    return *static_cast<Wire*>(BIO_get_data(bio));
}

int gather(BIO* bio, const char* bytes, int n) {
    Wire& w = wire_of(bio);
    w.out.insert(w.out.end(), bytes, bytes + n);
    return n;
}

int receive(BIO* bio, char* room, int n) {
    Wire& w = wire_of(bio);
    BIO_clear_retry_flags(bio);
    if (w.taken == w.came && !w.fill()) {
        if (!w.ended && w.error == 0)
            BIO_set_retry_read(bio);
        return w.ended ? 0 : -1;
    }
    const std::size_t bytes = std::min(static_cast<std::size_t>(n), w.came - w.taken);
    std::copy_n(w.in.data() + w.taken, bytes, room);
    w.taken += bytes;
    return static_cast<int>(bytes);
}

long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0; // whoever calls OpenSSL sends
}

} // namespace

bool Wire::fill() {
    in.resize(kFill);
    const ssize_t n = sys::retry([&] { return ::recv(fd.get(), in.data(), in.size(), 0); });
    ended = n == 0;
    if (n < 0 && errno != EAGAIN)
        error = errno;
    came = n > 0 ? static_cast<std::size_t>(n) : 0;
    taken = 0;
    if (came > 0 && first_byte < 0)
        first_byte = static_cast<unsigned char>(in[0]);
    return came > 0;
}

bool Wire::send() {
    while (!sent()) {
        const ssize_t n = sys::retry(
            [&] { return ::send(fd.get(), out.data() + at, out.size() - at, MSG_NOSIGNAL); });
        if (n < 0) {
            if (errno != EAGAIN)
                error = errno;
            return false;
        }
        at += static_cast<std::size_t>(n);
    }
    out.clear();
    at = 0;
    return true;
}

BioMethod make_socket_method() {
    BioMethod m(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "segue wire"));
    if (m && (BIO_meth_set_write(m.get(), gather) != 1 ||
              BIO_meth_set_read(m.get(), receive) != 1 || BIO_meth_set_ctrl(m.get(), control) != 1))
        m.reset();
    return m;
}

bool attach(ssl_st* ssl, bio_method_st* method, Wire& wire) {
    BIO* bio = BIO_new(method);
    if (bio == nullptr)
        return false;
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

} // namespace tls
