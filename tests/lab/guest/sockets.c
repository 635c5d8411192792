// SPDX-License-Identifier: Apache-2.0
// sockets.c - streams between a guest and the host: the guest sends back what it gets, the host
// checks that each byte comes back once and in its place.
//
//   sockets serve PORT         in the guest: whoever connects to the port hears its own words
//   sockets call PORT          in the guest: the same for a port of the host's
//   sockets talk PATH PORT [BYTES]    on the host, through the device's socket
//   sockets await PATH                on the host, for a guest that calls
//
// On the host it ends with 0 after BYTES or SIGTERM, once all is back and both sides have closed;
// with 3 where the guest ends the stream.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

enum { PIECE = 16384, WINDOW = 200000, SAID = 1 << 20 };

static volatile sig_atomic_t stop;

static void on_stop(int signal) {
    (void)signal;
    stop = 1;
}

static int failed(const char* what) {
    printf("sockets: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    return 1;
}

// What belongs at a place of the stream.
static uint8_t byte_at(uint64_t at) {
    return (uint8_t)((at * 0x9e3779b97f4a7c15ull) >> 40);
}

static int vsock(unsigned cid, unsigned port, struct sockaddr_vm* address) {
    memset(address, 0, sizeof *address);
    address->svm_family = AF_VSOCK;
    address->svm_cid = cid;
    address->svm_port = port;
    return socket(AF_VSOCK, SOCK_STREAM, 0);
}

// Sends back what comes, until it ends.
static int echo(int fd) {
    char piece[PIECE];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0)
            return failed("a stream broke");
        if (n == 0)
            break;
        for (ssize_t done = 0; done < n;) {
            const ssize_t written = write(fd, piece + done, (size_t)(n - done));
            if (written < 0)
                return failed("a stream broke");
            done += written;
        }
    }
    close(fd);
    return 0;
}

static int serve(unsigned port) {
    struct sockaddr_vm address;
    const int listener = vsock(VMADDR_CID_ANY, port, &address);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0)
        return failed("listen");
    signal(SIGCHLD, SIG_IGN);
    printf("sockets: listening\n");
    fflush(stdout);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return failed("accept");
        if (fork() == 0)
            return echo(fd);
        close(fd);
    }
}

static int call(unsigned port) {
    struct sockaddr_vm address;
    const int fd = vsock(VMADDR_CID_HOST, port, &address);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
        return failed("connect");
    return echo(fd);
}

// Checks what has come, from the stream's place `at` on.
static int is_right(const uint8_t* piece, ssize_t n, uint64_t at) {
    for (ssize_t i = 0; i < n; i++)
        if (piece[i] != byte_at(at + (uint64_t)i)) {
            printf("sockets: WRONG at %llu\n", (unsigned long long)(at + (uint64_t)i));
            return 0;
        }
    return 1;
}

// One write, as much as is to be on its way; the new place.
static uint64_t say(int fd, uint64_t sent, uint64_t most) {
    uint8_t piece[PIECE];
    const size_t n = most - sent < PIECE ? (size_t)(most - sent) : PIECE;
    for (size_t i = 0; i < n; i++)
        piece[i] = byte_at(sent + i);
    const ssize_t written = send(fd, piece, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return written > 0 ? sent + (uint64_t)written : sent;
}

static int talk(int fd, uint64_t bytes) {
    uint64_t sent = 0, back = 0, said = 0;
    int closed = 0;
    for (;;) {
        if (stop && bytes > sent)
            bytes = sent;
        const uint64_t most = back + WINDOW < bytes ? back + WINDOW : bytes;
        if (sent < most)
            sent = say(fd, sent, most);
        if (sent == bytes && !closed)
            closed = shutdown(fd, SHUT_WR) == 0;
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 20) <= 0)
            continue;
        uint8_t piece[PIECE];
        const ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0) {
            printf("sockets: ended after %llu of %llu\n", (unsigned long long)back,
                   (unsigned long long)sent);
            return closed && back == bytes ? 0 : 3;
        }
        if (!is_right(piece, n, back))
            return 1;
        back += (uint64_t)n;
        for (; said < back / SAID; said++) {
            printf("sockets: MiB %llu\n", (unsigned long long)said + 1);
            fflush(stdout);
        }
    }
}

static int local(const char* path, struct sockaddr_un* address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strncpy(address->sun_path, path, sizeof address->sun_path - 1);
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int connect_by(const char* path, const char* port) {
    struct sockaddr_un address;
    const int fd = local(path, &address);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
        return -1;
    dprintf(fd, "CONNECT %s\n", port);
    for (char c = 0; c != '\n';) // "OK PORT\n"
        if (read(fd, &c, 1) != 1) {
            errno = ECONNREFUSED;
            return -1;
        }
    return fd;
}

static int await(const char* path) {
    struct sockaddr_un address;
    const int listener = local(path, &address);
    if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1) != 0)
        return -1;
    return accept(listener, NULL, NULL);
}

int main(int argc, char** argv) {
    const char* what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "serve") == 0)
        return serve((unsigned)atoi(argv[2]));
    if (strcmp(what, "call") == 0)
        return call((unsigned)atoi(argv[2]));
    int fd = -1;
    if (strcmp(what, "talk") == 0 && argc > 3)
        fd = connect_by(argv[2], argv[3]);
    else if (strcmp(what, "await") == 0)
        fd = await(argv[2]);
    else
        return 2;
    if (fd < 0)
        return failed(what);
    const struct sigaction stopping = {.sa_handler = on_stop};
    sigaction(SIGTERM, &stopping, NULL);
    return talk(fd, argc > 4 ? strtoull(argv[4], NULL, 10) : UINT64_MAX);
}
