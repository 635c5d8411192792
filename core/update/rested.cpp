// SPDX-License-Identifier: Apache-2.0
#include "core/update/rested.hpp"

#include <string>

#include <segue/cpp/sys.hpp>

#include "core/update/channel.hpp"
#include "core/update/raw_frame.hpp"
#include "core/update/session.hpp"

namespace segue::update {

namespace {

Error corrupt(std::uint64_t at, const std::string& why) {
    return {Code::Corrupt, "the frame at offset " + std::to_string(at) + " " + why};
}

class Walk {
public:
    Walk(int fd, std::uint64_t size)
        : fd_(fd)
        , size_(size) {}

    Result<Rested> run() {
        while (at_ < size_ && !found_.whole)
            SEGUE_TRY(step());
        return std::move(found_);
    }

private:
    Status step() {
        const std::uint64_t here = at_;
        RawHeader h = {};
        if (size_ - here < sizeof h)
            return corrupt(here, "is cut off");
        SEGUE_TRY(sys::pread_all(fd_, std::as_writable_bytes(std::span(&h, 1)),
                                 static_cast<off_t>(here)));
        at_ = here + sizeof h;
        if (h.magic != kFrameMagic)
            return corrupt(here, "is none");
        if (h.length > size_ - at_)
            return corrupt(here, "is cut off");
        SEGUE_TRY(take(here, static_cast<Frame>(h.type), h.length));
        ++found_.frames;
        return {};
    }

    Status take(std::uint64_t here, Frame type, std::uint64_t length) {
        switch (type) {
        case Frame::Manifest:
            return read(here, length, found_.manifest);
        case Frame::State:
            return read(here, length, found_.state);
        case Frame::RamPlaces:
            return go_on_behind(here, length);
        case Frame::End:
            return end(here, length);
        default:
            at_ += length;
            return {};
        }
    }

    Status read(std::uint64_t here, std::uint64_t length, std::vector<std::byte>& to) {
        if (length > kMaxState || !to.empty())
            return corrupt(here, to.empty() ? "is longer than a container can be" : "is doubled");
        to.resize(length);
        SEGUE_TRY(sys::pread_all(fd_, to, static_cast<off_t>(at_)));
        at_ += length;
        return {};
    }

    // RAM lies beside the frames; the last word says where they go on.
    Status go_on_behind(std::uint64_t here, std::uint64_t length) {
        std::uint64_t behind = 0;
        if (length < sizeof behind)
            return corrupt(here, "does not say where the frames go on");
        const std::uint64_t last = at_ + length - sizeof behind;
        SEGUE_TRY(sys::pread_all(fd_, std::as_writable_bytes(std::span(&behind, 1)),
                                 static_cast<off_t>(last)));
        if (behind < at_ + length || behind > size_)
            return corrupt(here, "says that the frames go on where they cannot");
        at_ = behind;
        return {};
    }

    Status end(std::uint64_t here, std::uint64_t length) {
        std::uint64_t count = 0;
        if (length != sizeof count)
            return corrupt(here, "is no end");
        SEGUE_TRY(sys::pread_all(fd_, std::as_writable_bytes(std::span(&count, 1)),
                                 static_cast<off_t>(at_)));
        at_ += length;
        found_.whole = count == found_.frames && at_ == size_;
        return found_.whole ? Status() : corrupt(here, "is an end that does not fit the file");
    }

    int fd_;
    std::uint64_t size_, at_ = 0;
    Rested found_;
};

} // namespace

Result<std::optional<Rested>> read_rested(int fd) {
    SEGUE_ASSIGN(const auto s, sys::stat(fd));
    const auto size = static_cast<std::uint64_t>(s.st_size);
    std::uint32_t magic = 0;
    if (size < sizeof magic)
        return std::optional<Rested>();
    SEGUE_TRY(sys::pread_all(fd, std::as_writable_bytes(std::span(&magic, 1)), 0));
    if (magic != kFrameMagic)
        return std::optional<Rested>();
    SEGUE_ASSIGN(Rested found, Walk(fd, size).run());
    return std::optional(std::move(found));
}

} // namespace segue::update
