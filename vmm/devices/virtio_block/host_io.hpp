// SPDX-License-Identifier: Apache-2.0
// host_io.hpp - what a disk asks of the host, which answers later.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace segue::vmm {

// Of a file. Lives, with the memory that `pieces` name, until it is answered.
struct HostRequest {
    enum class Kind {
        Read,
        Write,
        DurableWrite, // on stable storage when answered
        Flush,
        PunchHole,
        ZeroRange,
    };
    Kind kind = Kind::Flush;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::vector<iovec> pieces; // of reads and writes
};

struct HostAnswer {
    std::uint64_t token = 0;
    std::int32_t result = 0; // bytes, or -errno
};

// [the device's worker]
class HostIo {
public:
    virtual ~HostIo() = default;
    HostIo(const HostIo&) = delete;
    HostIo& operator=(const HostIo&) = delete;

    // At most kDepth unanswered at a time.
    static constexpr unsigned kDepth = 128;
    virtual void prepare(const HostRequest& request, std::uint64_t token) = 0;
    // Gives the host what was prepared; may take its time.
    virtual void submit() = 0;
    // Readable while there is an answer.
    virtual int event() const = 0;
    virtual std::optional<HostAnswer> next() = 0;

protected:
    HostIo() = default;
};

} // namespace segue::vmm
