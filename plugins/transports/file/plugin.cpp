// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "file": written whole, read later.
#include "channels.hpp"

namespace {

using namespace segue;
using namespace segue::file_transport;

class Door final : public Listener {
public:
    explicit Door(std::string path)
        : path_(std::move(path)) {}
    Ready ready() override { return {}; }
    Result<std::unique_ptr<Channel>> accept() override { return open_reader(path_); }

private:
    std::string path_;
};

class FileTransport final : public Transport {
public:
    FileTransport(std::string path, std::uint64_t reserve)
        : path_(std::move(path))
        , reserve_(reserve) {}

    static Result<std::unique_ptr<FileTransport>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        SEGUE_ASSIGN(const std::uint64_t reserve, config.number("reserve"));
        return std::make_unique<FileTransport>(std::move(path), reserve);
    }

    Status check() override { return check_place(path_, reserve_); }
    Result<std::unique_ptr<Listener>> listen() override {
        return std::unique_ptr<Listener>(std::make_unique<Door>(path_));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(channel, open_writer(path_, reserve_));
        return {};
    }

private:
    std::string path_;
    std::uint64_t reserve_;
};

constexpr segue_option options[] = {
    path_option("path", "the file; left out: in the guest's run directory"),
    number_option(SEGUE_OPTION_SIZE, "reserve",
                  "room that must be on the disk before anything is written", "1M"),
};
constexpr Info info = {
    .summary = "a file, there whole or not at all, that a later process reads",
    .caps = SEGUE_TRANSPORT_PERSISTENT | SEGUE_TRANSPORT_SEEKABLE,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(FileTransport, info);
