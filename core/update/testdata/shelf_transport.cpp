// SPDX-License-Identifier: Apache-2.0
// shelf_transport.cpp - a file that is written whole and read later: what a channel at rest needs,
// and no more. `damage` is done to what was sealed.
#include <fcntl.h>

#include <cstdio>

#include <segue/cpp/sys.hpp>
#include <segue/cpp/transport.hpp>

namespace {

using namespace segue;

class File final : public Channel {
public:
    File(UniqueFd fd, std::string path, std::string damage)
        : fd_(std::move(fd))
        , path_(std::move(path))
        , damage_(std::move(damage)) {}

    Ready ready() override { return {}; }
    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>&, std::uint32_t) override {
        const auto n = sys::retry([&] { return ::read(fd_.get(), to[0].base, to[0].len); });
        if (n < 0)
            return Error::from_errno(errno, "read");
        if (n == 0)
            return Error(Code::Closed, "the end of " + path_);
        return static_cast<std::uint64_t>(n);
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int>) override {
        SEGUE_TRY(
            sys::write_all(fd_.get(), {static_cast<const std::byte*>(from[0].base), from[0].len}));
        return from[0].len;
    }
    Status finish(std::uint32_t how) override {
        if (how == SEGUE_FINISH_ABORT)
            ::unlink(path_.c_str());
        if (how != SEGUE_FINISH_SEAL)
            return {};
        if (::fsync(fd_.get()) != 0)
            return Error::from_errno(errno, "fsync");
        SEGUE_ASSIGN(const auto st, sys::stat(fd_.get()));
        if (damage_ == "tail")
            SEGUE_TRY(sys::truncate(fd_.get(), static_cast<std::uint64_t>(st.st_size) - 1));
        const std::byte other{0xff};
        if (damage_ == "middle")
            SEGUE_TRY(sys::pwrite_all(fd_.get(), {&other, 1},
                                      static_cast<std::uint64_t>(st.st_size) / 2));
        return {};
    }
    Result<int> backing() override { return fd_.get(); }

private:
    UniqueFd fd_;
    std::string path_, damage_;
};

class Door final : public Listener {
public:
    explicit Door(std::string path)
        : path_(std::move(path)) {}
    Ready ready() override { return {}; }
    Result<std::unique_ptr<Channel>> accept() override {
        SEGUE_ASSIGN(UniqueFd fd, sys::open(path_, O_RDWR));
        return std::unique_ptr<Channel>(std::make_unique<File>(std::move(fd), path_, ""));
    }

private:
    std::string path_;
};

class Shelf final : public Transport {
public:
    Shelf(std::string path, std::string damage)
        : path_(std::move(path))
        , damage_(std::move(damage)) {}
    static Result<std::unique_ptr<Shelf>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        SEGUE_ASSIGN(std::string damage, config.text("damage"));
        return std::make_unique<Shelf>(std::move(path), std::move(damage));
    }
    Result<std::unique_ptr<Listener>> listen() override {
        return std::unique_ptr<Listener>(std::make_unique<Door>(path_));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(UniqueFd fd, sys::open(path_, O_RDWR | O_CREAT | O_TRUNC));
        channel = std::make_unique<File>(std::move(fd), path_, damage_);
        return {};
    }

private:
    std::string path_, damage_;
};

constexpr segue_option options[] = {path_option("path", "the file"),
                                    string_option("damage", "tail or middle", "")};
constexpr Info info = {.summary = "a file for tests",
                       .caps = SEGUE_TRANSPORT_PERSISTENT | SEGUE_TRANSPORT_SEEKABLE,
                       .options = options};

} // namespace

SEGUE_EXPORT_TRANSPORT(Shelf, info);
