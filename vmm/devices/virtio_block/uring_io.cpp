// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_block/uring_io.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <poll.h>

#include <cerrno>

namespace segue::vmm {

namespace {

class UringIo final : public HostIo {
public:
    explicit UringIo(int file)
        : file_(file) {}
    ~UringIo() override {
        if (open_)
            ::io_uring_queue_exit(&ring_);
    }

    Status open() {
        const int e = ::io_uring_queue_init(kDepth, &ring_, 0);
        open_ = e == 0;
        if (open_)
            return {};
        return Error::from_errno(-e, "io_uring_setup")
            .way_out("allow io_uring on this host: sysctl kernel.io_uring_disabled=0, and in the "
                     "seccomp filter of a container");
    }

    void prepare(const HostRequest& r, std::uint64_t token) override {
        io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
        while (sqe == nullptr) { // the submission queue is as deep as kDepth
            submit();
            sqe = ::io_uring_get_sqe(&ring_);
        }
        const auto pieces = static_cast<unsigned>(r.pieces.size());
        using Kind = HostRequest::Kind;
        switch (r.kind) {
        case Kind::Read:
            ::io_uring_prep_readv(sqe, file_, r.pieces.data(), pieces, r.offset);
            break;
        case Kind::Write:
            ::io_uring_prep_writev(sqe, file_, r.pieces.data(), pieces, r.offset);
            break;
        case Kind::DurableWrite:
            ::io_uring_prep_writev2(sqe, file_, r.pieces.data(), pieces, r.offset, RWF_DSYNC);
            break;
        case Kind::Flush:
            ::io_uring_prep_fsync(sqe, file_, IORING_FSYNC_DATASYNC);
            break;
        case Kind::PunchHole:
            fallocate(sqe, r, FALLOC_FL_PUNCH_HOLE);
            break;
        case Kind::ZeroRange:
            fallocate(sqe, r, FALLOC_FL_ZERO_RANGE);
            break;
        }
        ::io_uring_sqe_set_data64(sqe, token);
    }

    // Where the host is out of memory it is asked again until it is not: a request that it never
    // saw would never be answered.
    void submit() override {
        while (::io_uring_sq_ready(&ring_) != 0)
            if (::io_uring_submit(&ring_) < 0)
                (void)::poll(nullptr, 0, 1);
    }
    int event() const override { return ring_.ring_fd; }

    std::optional<HostAnswer> next() override {
        io_uring_cqe* cqe = nullptr;
        if (::io_uring_peek_cqe(&ring_, &cqe) != 0 || cqe == nullptr)
            return std::nullopt;
        const HostAnswer answer = {::io_uring_cqe_get_data64(cqe), cqe->res};
        ::io_uring_cqe_seen(&ring_, cqe);
        return answer;
    }

private:
    void fallocate(io_uring_sqe* sqe, const HostRequest& r, int mode) const {
        ::io_uring_prep_fallocate(sqe, file_, mode | FALLOC_FL_KEEP_SIZE,
                                  static_cast<off_t>(r.offset), static_cast<off_t>(r.bytes));
    }

    int file_;
    bool open_ = false;
    io_uring ring_ = {};
};

} // namespace

Result<std::unique_ptr<HostIo>> make_uring_io(int file) {
    auto io = std::make_unique<UringIo>(file);
    SEGUE_TRY(io->open());
    return std::unique_ptr<HostIo>(std::move(io));
}

} // namespace segue::vmm
