// SPDX-License-Identifier: Apache-2.0
// whole_file.hpp - a file that is there whole and durable, or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "place.hpp"

namespace segue::file_transport {

// A file that is written. Until seal() it has no name (O_TMPFILE), so that not even a crash leaves
// anything; where the file system has no such files it has one that the next writer takes away.
class WholeFile {
public:
    enum class Until { Nameless, Named };

    // With `reserve` bytes on the disk already: ENOSPC is found here. Exists where another process
    // writes or starts from the same path.
    static Result<std::unique_ptr<WholeFile>> make(const std::string& path, std::uint64_t reserve,
                                                   Until sealed = Until::Nameless);
    WholeFile(const WholeFile&) = delete;
    WholeFile& operator=(const WholeFile&) = delete;
    ~WholeFile(); // what was not sealed goes away

    // Pages of 4 KiB that are aligned in the file and all zero become holes.
    Status store(std::uint64_t at, std::span<const std::byte> bytes);
    // Writes to the disk, then puts the name in place of what had it. PHASE once a store() failed.
    Status seal();
    // Takes the file away, sealed or not, unless another one has the name by now.
    void undo();

    int fd() const { return fd_.get(); }

private:
    WholeFile(Place place, UniqueFd fd, bool named)
        : place_(std::move(place))
        , fd_(std::move(fd))
        , named_(named) {}

    Status reserve(std::uint64_t bytes);
    Status check_limit(std::uint64_t end) const;
    Status put(std::uint64_t at, std::span<const std::byte> data);
    Status hole(std::uint64_t at, std::span<const std::byte> zeros);
    Status give_back();
    Status publish();
    Error not_open() const;
    Error failed(int number, const char* act) const;

    Place place_;
    UniqueFd fd_;
    enum class State { Open, Broken, Sealed, Gone };

    bool named_; // `partial` is our name
    State state_ = State::Open;
    std::uint64_t length_ = 0;
    std::uint64_t written_ = 0;  // nothing but holes from here on
    std::uint64_t flushing_ = 0; // the disk was told to write what lies before
    std::uint64_t reserved_ = 0;
};

} // namespace segue::file_transport
