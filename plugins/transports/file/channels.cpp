// SPDX-License-Identifier: Apache-2.0
#include "channels.hpp"

#include <sys/uio.h>

#include <segue/cpp/sys.hpp>

#include "whole_file.hpp"

namespace segue::file_transport {

namespace {

// The kernel's limit, UIO_MAXIOV, is 1024: what goes beyond it is taken by the next call.
constexpr std::size_t kMaxPieces = 64;

Error one_way(const char* what) {
    return {Code::Unsupported, std::string("this end of the file only ") + what};
}

class Writer final : public Channel {
public:
    explicit Writer(std::unique_ptr<WholeFile> file)
        : file_(std::move(file)) {}

    Ready ready() override { return {}; }
    Result<std::uint64_t> read(ConstIov, std::vector<UniqueFd>&, std::uint32_t) override {
        return one_way("writes");
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int>) override {
        SEGUE_ASSIGN(const std::uint64_t n, write_at(end_, from));
        end_ += n;
        return n;
    }
    // Either all of a piece is stored or the file will never be sealed.
    Result<std::uint64_t> write_at(std::uint64_t at, ConstIov from) override {
        std::uint64_t done = 0;
        for (const segue_iov& piece : from) {
            SEGUE_TRY(
                file_->store(at + done, {static_cast<const std::byte*>(piece.base), piece.len}));
            done += piece.len;
        }
        return done;
    }
    Result<std::uint64_t> read_at(std::uint64_t, ConstIov) override { return one_way("writes"); }
    Result<int> backing() override { return file_->fd(); }
    Status finish(std::uint32_t how) override {
        if (how == SEGUE_FINISH_SEAL)
            return file_->seal();
        if (how == SEGUE_FINISH_ABORT)
            file_->undo();
        return {};
    }

private:
    std::unique_ptr<WholeFile> file_;
    std::uint64_t end_ = 0; // of what write() wrote
};

class Reader final : public Channel {
public:
    Reader(UniqueFd fd, Place place)
        : fd_(std::move(fd))
        , place_(std::move(place)) {}

    Ready ready() override { return {}; }
    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>&, std::uint32_t) override {
        SEGUE_ASSIGN(const std::uint64_t n, read_at(at_, to));
        at_ += n;
        return n;
    }
    Result<std::uint64_t> read_at(std::uint64_t at, ConstIov to) override {
        iovec pieces[kMaxPieces];
        const std::size_t count = to.size() < kMaxPieces ? to.size() : kMaxPieces;
        for (std::size_t i = 0; i < count; ++i)
            pieces[i] = {to[i].base, to[i].len};
        const auto n = sys::retry([&] {
            return ::preadv(fd_.get(), pieces, static_cast<int>(count), static_cast<off_t>(at));
        });
        if (n < 0)
            return Error::from_errno(errno, "read " + place_.path());
        if (n == 0)
            return Error(Code::Closed, place_.path() + " ends at byte " + std::to_string(at))
                .way_out("it is not whole: save the guest again");
        return static_cast<std::uint64_t>(n);
    }
    Result<std::uint64_t> write(ConstIov, std::span<const int>) override {
        return one_way("reads");
    }
    Result<std::uint64_t> write_at(std::uint64_t, ConstIov) override { return one_way("reads"); }
    Result<int> backing() override { return fd_.get(); }
    // What was read is of no use any more.
    Status finish(std::uint32_t how) override {
        if (how == SEGUE_FINISH_ABORT)
            place_.remove(fd_.get());
        return {};
    }

private:
    UniqueFd fd_;
    Place place_;
    std::uint64_t at_ = 0;
};

} // namespace

Status check_place(const std::string& path, std::uint64_t reserve) {
    SEGUE_ASSIGN(const Place place, Place::find(path));
    SEGUE_TRY(place.check_free());
    SEGUE_ASSIGN(const std::uint64_t room, place.room());
    if (room >= reserve)
        return {};
    return Error(Code::Refused, path + ": its file system has room for " + std::to_string(room) +
                                    " bytes, not for the " + std::to_string(reserve) +
                                    " of 'reserve'")
        .way_out("make room there, or set another 'path'");
}

Result<std::unique_ptr<Channel>> open_writer(const std::string& path, std::uint64_t reserve) {
    SEGUE_ASSIGN(auto file, WholeFile::make(path, reserve));
    return std::unique_ptr<Channel>(std::make_unique<Writer>(std::move(file)));
}

Result<std::unique_ptr<Channel>> open_reader(const std::string& path) {
    SEGUE_ASSIGN(Place place, Place::find(path));
    auto fd = place.open();
    if (fd.code() == Code::NotFound)
        return std::move(fd).error().way_out("save the guest first, or set the 'path' of its file");
    SEGUE_ASSIGN(UniqueFd whole, std::move(fd));
    return std::unique_ptr<Channel>(std::make_unique<Reader>(std::move(whole), std::move(place)));
}

} // namespace segue::file_transport
