// SPDX-License-Identifier: Apache-2.0
// stream.c - both ends of a TCP connection that notice a lost, doubled, changed or moved byte.
//
//   stream serve PORT             waits for the other end
//   stream to ADDRESS PORT        connects to it
//
// Each end sends the bytes of one sequence of numbers and compares what comes with it; once a
// second it says how far it is. A difference, a reset or the other's end are the last words:
// "stream: failed".
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16384 }; // bytes a turn, in either direction

// One a millisecond at most: an emulated host has other things to do as well.
static const struct timespec pause_between = {0, 1000000};

struct end {
    int fd;
    uint64_t sent, received;
};

static _Noreturn void fail(const char* what, const struct end* e) {
    printf("stream: failed: %s, after %llu bytes out, %llu in\n", what,
           e ? (unsigned long long)e->sent : 0, e ? (unsigned long long)e->received : 0);
    exit(1);
}

static uint8_t byte_at(uint64_t offset) {
    const uint64_t word = (offset / 8 + 1) * 0x9e3779b97f4a7c15u; // no two follow each other alike
    return (uint8_t)(word >> (offset % 8 * 8));
}

static int connected(int argc, char** argv) {
    const int serve = argc == 3 && strcmp(argv[1], "serve") == 0;
    struct sockaddr_in at = {.sin_family = AF_INET};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_port = htons((uint16_t)atoi(argv[argc - 1]));
    if (!serve && inet_pton(AF_INET, argv[2], &at.sin_addr) != 1)
        fail("no address", NULL);
    if (!serve) {
        if (connect(fd, (struct sockaddr*)&at, sizeof at) != 0)
            fail(strerror(errno), NULL);
        return fd;
    }
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr*)&at, sizeof at) != 0 || listen(fd, 1) != 0)
        fail(strerror(errno), NULL);
    return accept(fd, NULL, NULL);
}

static int would_block(ssize_t n) {
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void send_some(struct end* e) {
    static uint8_t bytes[CHUNK];
    for (unsigned i = 0; i < CHUNK; i++)
        bytes[i] = byte_at(e->sent + i);
    const ssize_t n = send(e->fd, bytes, CHUNK, MSG_NOSIGNAL);
    if (n < 0 && !would_block(n))
        fail(strerror(errno), e);
    e->sent += n > 0 ? (uint64_t)n : 0;
}

static void receive_some(struct end* e) {
    static uint8_t bytes[CHUNK];
    const ssize_t n = recv(e->fd, bytes, CHUNK, 0);
    if (n == 0)
        fail("the other end has gone", e);
    if (n < 0 && !would_block(n))
        fail(strerror(errno), e);
    for (ssize_t i = 0; i < n; i++, e->received++)
        if (bytes[i] != byte_at(e->received))
            fail("a wrong byte", e);
}

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4)
        fail("usage: stream serve PORT | stream to ADDRESS PORT", NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct end e = {connected(argc, argv), 0, 0};
    if (e.fd < 0 || fcntl(e.fd, F_SETFL, O_NONBLOCK) != 0)
        fail(strerror(errno), &e);
    for (time_t said = time(NULL);;) {
        struct pollfd p = {e.fd, POLLIN | POLLOUT, 0};
        poll(&p, 1, 1000);
        if (p.revents & (POLLIN | POLLERR | POLLHUP))
            receive_some(&e);
        if (p.revents & POLLOUT)
            send_some(&e);
        if (time(NULL) != said) {
            said = time(NULL);
            printf("stream: %llu out %llu in\n", (unsigned long long)e.sent,
                   (unsigned long long)e.received);
        }
        nanosleep(&pause_between, NULL);
    }
}
