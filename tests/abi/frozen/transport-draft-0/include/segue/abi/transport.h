/* SPDX-License-Identifier: Apache-2.0
 * transport.h - kind "segue.transport.draft/0": how bytes, and where it can file descriptors, cross
 * from the outgoing to the incoming side.
 *
 * No function ever blocks. Where one cannot go on it returns AGAIN; the host polls what ready()
 * names, under the phase's deadline and cancel, and calls again. The bytes are the host's frames: a
 * transport adds no format of its own.
 *
 * The incoming side listens, the outgoing side connects. On a one-way transport connect() gives a
 * channel to write, accept() one to read. */
#ifndef SEGUE_ABI_TRANSPORT_H
#define SEGUE_ABI_TRANSPORT_H

#include <segue/abi/config.h>
#include <segue/abi/entry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGUE_TRANSPORT_ID "segue.transport.draft/0"

/* Capabilities: segue_transport.caps, and by name in segue_info.caps. */
#define SEGUE_TRANSPORT_STREAMING (1ull << 0)     /* "streaming": readable while it is written */
#define SEGUE_TRANSPORT_SEEKABLE (1ull << 1)      /* "seekable": read_at, write_at, backing */
#define SEGUE_TRANSPORT_PERSISTENT (1ull << 2)    /* "persistent": outlives both processes */
#define SEGUE_TRANSPORT_FDS (1ull << 3)           /* "fds": carries file descriptors */
#define SEGUE_TRANSPORT_MULTI (1ull << 4)         /* "multi": several channels at one address */
#define SEGUE_TRANSPORT_ENCRYPTED (1ull << 5)     /* "encrypted" */
#define SEGUE_TRANSPORT_BIDIRECTIONAL (1ull << 6) /* "bidirectional" */

/* finish() */
#define SEGUE_FINISH_END 0u   /* no more bytes from this side: a half-close where there is one */
#define SEGUE_FINISH_SEAL 1u  /* whole, durable, checked (fsync and rename, exit status) */
#define SEGUE_FINISH_ABORT 2u /* nothing may be left behind: undone, or read and used up */

/* At most this many descriptors go along with one write() or come with one read(). */
#define SEGUE_TRANSPORT_MAX_FDS 128u

typedef struct segue_transport {
    uint64_t caps;
    /* Reads the configuration; touches nothing outside. [main, update] */
    segue_status (*create)(const segue_config* config, const segue_host* host, void** self,
                           segue_error* e);
    void (*destroy)(void* self); /* after every listener and channel was released */
    /* Whether this host could serve such a channel; creates nothing. NULL: yes. [update] */
    segue_status (*check)(void* self, segue_error* e);

    /* Makes the address reachable. [update] */
    segue_status (*listen)(void* self, void** listener, segue_error* e);
    /* AGAIN until a peer is there. [update] */
    segue_status (*accept)(void* listener, void** channel, segue_error* e);
    /* AGAIN while nobody listens yet, or while the connection is being made: the host waits a
     * little, or polls, and calls again with the same *channel (NULL at first). [update] */
    segue_status (*connect)(void* self, void** channel, segue_error* e);

    /* What to poll for `handle` (a listener or a channel): a borrowed fd (-1: none, wait a little)
     * and poll(2) events; where those are of both directions, the host polls for the one that it
     * waits for. [the thread that uses the handle] */
    void (*ready)(void* handle, int32_t* fd, uint32_t* events);

    /* *done bytes were read, at least one with OK; CLOSED at the end. fds[0..*n_fds) are the
     * caller's, CLOEXEC set. Descriptors that do not fit into `cap`: INVALID, all closed.
     * [one thread at a time per direction of a channel] */
    segue_status (*read)(void* channel, const segue_iov* iov, uint32_t n, int32_t* fds,
                         uint32_t cap, uint32_t* n_fds, uint64_t* done, segue_error* e);
    /* *done bytes were taken, at least one with OK. The fds are borrowed and go with the first
     * byte: once *done is not 0 they are on their way. n_fds must be 0 without FDS. */
    segue_status (*write)(void* channel, const segue_iov* iov, uint32_t n, const int32_t* fds,
                          uint32_t n_fds, uint64_t* done, segue_error* e);

    /* NULL unless SEEKABLE; `at` is a byte offset. */
    segue_status (*read_at)(void* channel, uint64_t at, const segue_iov* iov, uint32_t n,
                            uint64_t* done, segue_error* e);
    segue_status (*write_at)(void* channel, uint64_t at, const segue_iov* iov, uint32_t n,
                             uint64_t* done, segue_error* e);
    /* A borrowed fd, to map RAM from, to lock, to write the ownership word. */
    segue_status (*backing)(void* channel, int32_t* fd, segue_error* e);

    /* SEGUE_FINISH_*; AGAIN while it is being done. [update] */
    segue_status (*finish)(void* channel, uint32_t how, segue_error* e);
    /* Ends a listener or a channel; a listener leaves no file behind. [update] */
    void (*release)(void* handle);
} segue_transport;
SEGUE_ABI_ASSERT(sizeof(segue_transport) == 120, "function tables never change");

#ifdef __cplusplus
}
#endif
#endif
