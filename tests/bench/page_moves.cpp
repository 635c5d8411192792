// SPDX-License-Identifier: Apache-2.0
// segue-bench-page-moves: whether this kernel moves a private page into a memfd without copying it,
// and at what rate each way gets one there that could.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

namespace {

using namespace segue;

constexpr std::size_t kPiece = 1u << 20; // bytes: what a pipe takes at a time, without privileges
constexpr std::size_t kPage = 4096;

struct Pipe {
    UniqueFd in, out;
    static Result<Pipe> make() {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC) != 0)
            return Error::from_errno(errno, "make a pipe");
        Pipe p{UniqueFd(ends[0]), UniqueFd(ends[1])};
        if (::fcntl(p.out.get(), F_SETPIPE_SZ, kPiece) < 0)
            return Error::from_errno(errno, "make a pipe of 1 MiB");
        return p;
    }
};

// A piece of private memory, and where it goes.
struct Piece {
    std::byte* from;
    std::byte* mapped; // the memfd, at `at`
    int memfd;
    loff_t at;
};

Status by_memcpy(const Piece& p) {
    std::memcpy(p.mapped, p.from, kPiece);
    return {};
}

Status by_pwrite(const Piece& p) {
    if (::fallocate(p.memfd, 0, p.at, kPiece) != 0)
        return Error::from_errno(errno, "fallocate");
    for (std::size_t done = 0; done < kPiece;) {
        const ssize_t n =
            ::pwrite(p.memfd, p.from + done, kPiece - done, p.at + static_cast<loff_t>(done));
        if (n <= 0)
            return Error::from_errno(errno, "pwrite");
        done += static_cast<std::size_t>(n);
    }
    return {};
}

// Pages that are gifted are the pipe's, which may give them to the file as they are.
Status by_splice(const Piece& p) {
    static const Pipe pipe = Pipe::make().value();
    for (std::size_t done = 0; done < kPiece;) {
        const iovec gift = {p.from + done, kPiece - done};
        ssize_t in_pipe = ::vmsplice(pipe.out.get(), &gift, 1, SPLICE_F_GIFT);
        if (in_pipe <= 0)
            return Error::from_errno(errno, "vmsplice");
        loff_t at = p.at + static_cast<loff_t>(done);
        done += static_cast<std::size_t>(in_pipe);
        while (in_pipe > 0) {
            const ssize_t n = ::splice(pipe.in.get(), nullptr, p.memfd, &at,
                                       static_cast<std::size_t>(in_pipe), SPLICE_F_MOVE);
            if (n <= 0)
                return Error::from_errno(errno, "splice");
            in_pipe -= n;
        }
    }
    return {};
}

struct Way {
    const char* name;
    Status (*move)(const Piece&);
    std::vector<double> rates; // GiB/s
    std::size_t moved = 0, looked_at = 0;
};

// The page frame behind `page`; nothing: only root sees it (proc_pid_pagemap(5)).
std::optional<std::uint64_t> frame_of(const std::byte* page) {
    static const UniqueFd map(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    std::uint64_t entry = 0;
    const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(page) / kPage * 8);
    if (::pread(map.get(), &entry, sizeof entry, at) != sizeof entry)
        return {};
    const std::uint64_t frame = entry & ((1ull << 55) - 1);
    return frame != 0 ? std::optional(frame) : std::nullopt;
}

Status run(Way& way, std::size_t bytes) {
    SEGUE_ASSIGN(const UniqueFd memfd, sys::memfd("segue-bench", MFD_CLOEXEC));
    SEGUE_TRY(sys::truncate(memfd.get(), bytes));
    SEGUE_ASSIGN(const Mapping to, Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                                                 memfd.get(), 0, "shared memory"));
    SEGUE_ASSIGN(const Mapping from,
                 Mapping::make(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0,
                               "private memory"));
    for (std::size_t i = 0; i < bytes / kPage; ++i)
        std::memset(from.data() + i * kPage, static_cast<int>(i % 255) + 1, kPage);
    std::vector<std::optional<std::uint64_t>> before;
    for (std::size_t i = 0; i < bytes; i += kPiece)
        before.push_back(frame_of(from.data() + i));

    const auto began = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < bytes; i += kPiece) {
        SEGUE_TRY(way.move({from.data() + i, to.data() + i, memfd.get(), static_cast<loff_t>(i)}));
        SEGUE_TRY(sys::madvise(from.data() + i, kPiece, MADV_DONTNEED));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    way.rates.push_back(static_cast<double>(bytes) / (1u << 30) / took.count());

    for (std::size_t i = 0; i < bytes / kPage; ++i)
        if (to.data()[i * kPage] != static_cast<std::byte>(i % 255 + 1))
            return Error(Code::Corrupt, std::string(way.name) + " brought other bytes");
    for (std::size_t i = 0; i < before.size(); ++i)
        if (before[i]) {
            ++way.looked_at;
            way.moved += frame_of(to.data() + i * kPiece) == before[i] ? 1u : 0u;
        }
    return {};
}

Status measure(std::array<Way, 3>& ways, unsigned mib, unsigned runs) {
    for (unsigned i = 0; i <= runs; ++i)
        for (Way& way : ways)
            SEGUE_TRY(run(way, std::size_t{mib} << 20));
    for (Way& way : ways)
        way.rates.erase(way.rates.begin()); // the kernel was not warm
    return {};
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 3 || (argc > 1 && std::string(argv[1]) == "--help")) {
        std::puts(
            "usage: segue-bench-page-moves [MIB [RUNS]]   (default: 256 7)\n\n"
            "Private memory into a memfd, in pieces of 1 MiB that are given back one by one: the\n"
            "rate of each way (median, least, most), and how many of the pages that were looked\n"
            "at, one of each piece, are the same page frame afterwards (seen by root only).");
        return argc > 3 ? 2 : 0;
    }
    const unsigned mib = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 256;
    const unsigned runs = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 7;
    if (mib == 0 || runs == 0) {
        std::fputs("segue-bench-page-moves: MIB and RUNS are numbers from 1 on\n", stderr);
        return 2;
    }
    std::array<Way, 3> ways = {{{"memcpy", by_memcpy, {}},
                                {"fallocate, pwrite", by_pwrite, {}},
                                {"vmsplice, splice", by_splice, {}}}};
    if (const Status s = measure(ways, mib, runs); !s) {
        std::fprintf(stderr, "segue-bench-page-moves: %s\n", s.error().what().c_str());
        return 1;
    }
    for (Way& way : ways) {
        std::sort(way.rates.begin(), way.rates.end());
        std::printf("%-18s %.2f GiB/s (%.2f to %.2f)", way.name, way.rates[way.rates.size() / 2],
                    way.rates.front(), way.rates.back());
        if (way.looked_at != 0)
            std::printf(", %zu of %zu page frames moved", way.moved, way.looked_at);
        std::puts("");
    }
    return 0;
}
