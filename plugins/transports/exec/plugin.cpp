// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "exec": a command takes the bytes, and another one gives them back.
#include "pipe_end.hpp"

namespace {

using namespace segue;
using exec_transport::PipeEnd;

class Door final : public Listener {
public:
    Door(std::string in, const Host& host)
        : in_(std::move(in))
        , host_(host) {}
    Ready ready() override { return {}; }
    Result<std::unique_ptr<Channel>> accept() override {
        SEGUE_ASSIGN(std::unique_ptr<Channel> end,
                     PipeEnd::start(host_, in_, PipeEnd::Way::FromCommand));
        return end;
    }

private:
    std::string in_;
    Host host_;
};

class ExecTransport final : public Transport {
public:
    ExecTransport(std::string out, std::string in, const Host& host)
        : out_(std::move(out))
        , in_(std::move(in))
        , host_(host) {}

    static Result<std::unique_ptr<ExecTransport>> create(const Config& config, const Host& host) {
        SEGUE_ASSIGN(std::string out, config.text("out"));
        SEGUE_ASSIGN(std::string in, config.text("in"));
        return std::make_unique<ExecTransport>(std::move(out), std::move(in), host);
    }

    Result<std::unique_ptr<Listener>> listen() override {
        return std::unique_ptr<Listener>(std::make_unique<Door>(in_, host_));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(channel, PipeEnd::start(host_, out_, PipeEnd::Way::ToCommand));
        return {};
    }

private:
    std::string out_, in_;
    Host host_;
};

constexpr segue_option options[] = {
    required(string_option("out", "the command that takes what is saved: \"zstd > f\"")),
    required(string_option("in", "the command that gives it back: \"zstd -dc f\"")),
};
constexpr const char* needs[] = {SEGUE_COMMAND_ID, nullptr};
constexpr Info info = {
    .summary = "commands of /bin/sh that keep the state and give it back",
    .caps = SEGUE_TRANSPORT_PERSISTENT,
    .options = options,
    .needs = needs,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(ExecTransport, info);
