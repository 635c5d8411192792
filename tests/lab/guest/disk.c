// SPDX-License-Identifier: Apache-2.0
// disk.c - eight workers write checksummed blocks to a disk, in the guest; what is on it is
// verified on the host afterwards. Workers wait for each other's flushes; readers wait for nobody.
//
//   disk write WORKER DEVICE   for ever, past the page cache: block `sequence`, fdatasync, an older
//                              one read; says "disk: WORKER synced SEQUENCE" where that is a
//                              multiple of 5
//   disk read DEVICE MIB       for ever, past the page cache: 100 MiB from there on, all zeroes
//   disk verify IMAGE CONSOLE  each block that was said to be synced is there or has a newer one in
//                              its place, and none is a mixture
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BLOCK = 4096, WORDS = BLOCK / 8, BLOCKS = 256, WORKERS = 8, SAID = 5 };

// Behind the workers' blocks: what worker 0 discards and zeroes; then nobody writes.
enum { SPARE_AT = 8 << 20, SPARE = 1 << 20, ZEROES = 100 << 20 };

static void fill(uint64_t* block, uint64_t worker, uint64_t sequence) {
    block[0] = 0x5345475545000000ull + worker;
    block[1] = sequence;
    for (int i = 2; i < WORDS; i++)
        block[i] = (sequence * 0x9e3779b97f4a7c15ull) ^ (i * 0x100000001b3ull) ^ worker;
}

static off_t place(uint64_t worker, uint64_t sequence) {
    return (off_t)(worker * BLOCKS + sequence % BLOCKS) * BLOCK;
}

static int wrong(uint64_t worker, const char* what, uint64_t sequence) {
    printf("disk: %d WRONG %s of %lu: %s\n", (int)worker, what, (unsigned long)sequence,
           strerror(errno));
    fflush(stdout);
    return 1;
}

static int write_for_ever(uint64_t worker, const char* device) {
    const int file = open(device, O_RDWR | O_DIRECT);
    uint64_t* block = aligned_alloc(BLOCK, BLOCK);
    uint64_t* found = aligned_alloc(BLOCK, BLOCK);
    if (file < 0)
        return wrong(worker, "open", 0);
    for (uint64_t sequence = 1;; sequence++) {
        fill(block, worker, sequence);
        if (pwrite(file, block, BLOCK, place(worker, sequence)) != BLOCK)
            return wrong(worker, "write", sequence);
        if (fdatasync(file) != 0)
            return wrong(worker, "sync", sequence);
        const uint64_t older = sequence > 100 ? sequence - sequence % 100 : sequence;
        fill(block, worker, older);
        if (pread(file, found, BLOCK, place(worker, older)) != BLOCK ||
            memcmp(found, block, BLOCK) != 0)
            return wrong(worker, "read", older);
        if (sequence % SAID == 0) {
            printf("disk: %d synced %lu\n", (int)worker, (unsigned long)sequence);
            fflush(stdout);
        }
        if (worker == 0 && sequence % 60 == 0) {
            uint64_t discard[2] = {SPARE_AT, SPARE}, zero[2] = {SPARE_AT + SPARE, SPARE};
            if (ioctl(file, BLKDISCARD, discard) != 0 || ioctl(file, BLKZEROOUT, zero) != 0)
                return wrong(worker, "discard", sequence);
        }
    }
}

static int read_for_ever(const char* device, off_t at) {
    const int file = open(device, O_RDONLY | O_DIRECT);
    char* found = aligned_alloc(BLOCK, BLOCK);
    if (file < 0)
        return wrong(WORKERS, "open", 0);
    for (uint64_t n = 0;; n++) {
        memset(found, 1, BLOCK);
        if (pread(file, found, BLOCK, at + (off_t)(n * BLOCK % ZEROES)) != BLOCK || found[0] != 0 ||
            memcmp(found, found + 1, BLOCK - 1) != 0)
            return wrong(WORKERS, "read of zeroes", n);
    }
}

static void read_synced(FILE* console, uint64_t synced[WORKERS]) {
    char line[4096];
    while (fgets(line, sizeof line, console) != NULL) {
        const char* at = strstr(line, "disk: ");
        unsigned worker;
        unsigned long sequence;
        if (at != NULL && sscanf(at, "disk: %u synced %lu", &worker, &sequence) == 2 &&
            worker < WORKERS && sequence > synced[worker])
            synced[worker] = sequence;
    }
}

// The faults of one worker's blocks.
static int check(FILE* image, uint64_t worker, uint64_t synced) {
    uint64_t found[WORDS], want[WORDS];
    int faults = 0;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        // The last sequence that was synced to this place, 0: none.
        uint64_t least = synced - (synced - i) % BLOCKS;
        if (least > synced)
            least = 0;
        if (fseek(image, place(worker, i), SEEK_SET) != 0 || fread(found, BLOCK, 1, image) != 1) {
            printf("disk: worker %d, block %d cannot be read\n", (int)worker, (int)i);
            return faults + 1;
        }
        if (found[0] == 0 && found[1] == 0 && least == 0)
            continue;
        fill(want, worker, found[1]);
        if (found[1] % BLOCKS == i && found[1] >= least && memcmp(found, want, BLOCK) == 0)
            continue;
        printf("disk: worker %d, block %d has %lu, synced was %lu\n", (int)worker, (int)i,
               (unsigned long)found[1], (unsigned long)least);
        faults++;
    }
    return faults;
}

static int verify(const char* image_path, const char* console_path) {
    uint64_t synced[WORKERS] = {0};
    FILE* image = fopen(image_path, "r");
    FILE* console = fopen(console_path, "r");
    if (image == NULL || console == NULL) {
        perror(image == NULL ? image_path : console_path);
        return 1;
    }
    read_synced(console, synced);
    int faults = 0;
    for (uint64_t worker = 0; worker < WORKERS; worker++) {
        faults += check(image, worker, synced[worker]);
        faults += synced[worker] == 0;
        printf("disk: worker %d synced %lu\n", (int)worker, (unsigned long)synced[worker]);
    }
    return faults != 0;
}

int main(int count, char** words) {
    if (count == 4 && strcmp(words[1], "write") == 0 && strtoul(words[2], NULL, 10) < WORKERS)
        return write_for_ever(strtoul(words[2], NULL, 10), words[3]);
    if (count == 4 && strcmp(words[1], "read") == 0)
        return read_for_ever(words[2], strtol(words[3], NULL, 10) << 20);
    if (count == 4 && strcmp(words[1], "verify") == 0)
        return verify(words[2], words[3]);
    fprintf(stderr,
            "usage: disk write WORKER DEVICE | disk read DEVICE MIB | disk verify IMAGE CONSOLE\n");
    return 2;
}
