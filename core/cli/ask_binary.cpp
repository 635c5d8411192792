// SPDX-License-Identifier: Apache-2.0
#include "core/cli/ask_binary.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <segue/cpp/sys.hpp>

#include "core/base/spawn.hpp"
#include "core/update/probe.hpp"

namespace segue::cli {
namespace {

constexpr auto kAnswer = std::chrono::seconds(30);
constexpr auto kReap = std::chrono::seconds(5);

SpawnSpec command(const Places& places, const std::string& binary, const std::string& config,
                  const std::vector<std::string>& overrides, int stream) {
    SpawnSpec s;
    s.argv = {std::filesystem::absolute(binary).string(),
              "--config",
              config,
              "--run-dir",
              places.run_dir,
              "--state-dir",
              places.state_dir,
              "--log-level",
              "error",
              "--from-exec"};
    for (const std::string& o : overrides)
        s.argv.insert(s.argv.end(), {"--set", o});
    s.fds = {{2, 2}, {stream, 3}};
    s.extra_env = {std::string(update::kProbeVariable) + "=3"};
    s.new_session = true;
    return s;
}

} // namespace

Result<std::string> ask_binary(const Places& places, const std::string& binary,
                               const std::string& config, const NamedContainer& manifest) {
    SEGUE_ASSIGN(const update::Hello hello, update::read_hello(manifest.reader));
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    const update::Stream stream{UniqueFd(pair[0])};
    UniqueFd theirs(pair[1]);
    SEGUE_ASSIGN(const Child child,
                 spawn(command(places, binary, config.empty() ? hello.config : config,
                               hello.overrides, theirs.get())));
    theirs.reset();
    const Waiter wait{Deadline::in(kAnswer), -1, child.pidfd.get()};
    auto answer = update::ask(stream, manifest.bytes, child, wait);
    if (!answer)
        ::kill(-child.pid, SIGKILL); // with what it started; it leads its session
    const auto exit = wait_exit(child, Deadline::in(kReap));
    if (answer)
        return answer->version;
    if (answer.code() == Code::Closed)
        return Error(Code::Refused,
                     binary + " gave no answer: it " + (exit ? to_string(*exit) : "hangs"))
            .way_out("--for takes a segue-vmm; what it said stands above");
    return std::move(answer).error();
}

} // namespace segue::cli
