// SPDX-License-Identifier: Apache-2.0
// `segue run` and `segue start`: start a VMM and wait until it answers.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/spawn.hpp"
#include "core/base/start_file.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/config/guest_config.hpp"

namespace segue::cli {
namespace {

constexpr auto kStart = std::chrono::seconds(60); // until the guest answers
constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr std::streamoff kTail = 4096; // bytes of the log shown on failure

// Beside the own executable; else what the configuration names.
Result<std::string> find_vmm(const std::string& configured) {
    SEGUE_ASSIGN(const auto folder, own_folder());
    const std::string beside = folder + "/segue-vmm";
    if (::access(beside.c_str(), X_OK) == 0)
        return beside;
    if (!configured.empty())
        return configured;
    return Error(Code::NotFound, "there is no " + beside)
        .way_out(
            "install segue-vmm beside segue, or name it as update.binary in the configuration");
}

Result<std::vector<std::string>> command_line(const Places& places, const RunOptions& options,
                                              const config::GuestConfig& guest) {
    SEGUE_ASSIGN(const auto vmm, find_vmm(guest.update.binary));
    std::vector<std::string> argv = {vmm,
                                     "--config",
                                     std::filesystem::absolute(options.config).string(),
                                     "--run-dir",
                                     places.run_dir,
                                     "--state-dir",
                                     places.state_dir};
    for (const auto& assignment : options.set) {
        argv.emplace_back("--set");
        argv.push_back(assignment);
    }
    if (!options.incoming.empty())
        argv.push_back("--incoming=" + options.incoming);
    if (options.restore)
        argv.emplace_back("--restore");
    for (const auto& disk : options.changed_disks)
        argv.insert(argv.end(), {"--accept-changed-disk", disk});
    return argv;
}

std::string tail_of(const std::string& path) {
    std::ifstream file(path, std::ios::ate | std::ios::binary);
    const auto size = static_cast<std::streamoff>(file.tellg());
    file.seekg(size > kTail ? size - kTail : 0);
    return {std::istreambuf_iterator<char>(file), {}};
}

Status await(const Child& child, const GuestPlaces& folder, const control::Client& client) {
    const auto deadline = Deadline::in(kStart);
    while (!deadline.passed()) {
        const auto ended = wait_exit(child, Deadline::in(kPoll));
        if (ended)
            return Error(Code::Io, "the VMM " + to_string(*ended) + " before the guest ran:\n" +
                                       tail_of(folder.log()))
                .way_out("the whole log is " + folder.log());
        if (ended.code() != Code::Deadline)
            return ended.error();
        if (client.healthz())
            return {};
    }
    static_cast<void>(sys::pidfd_signal(child.pidfd.get(), SIGKILL));
    static_cast<void>(wait_exit(child, Deadline::in(std::chrono::seconds(10))));
    return Error(Code::Deadline,
                 "the VMM did not answer in time and was ended:\n" + tail_of(folder.log()))
        .way_out("the whole log is " + folder.log());
}

Status launch(const std::vector<std::string>& argv, const Places& places, const std::string& name) {
    SEGUE_ASSIGN(const auto folder, places.guest(name));
    SEGUE_TRY(create(folder));
    if (is_locked(folder))
        return Error(Code::Exists, "guest '" + name + "' runs already")
            .way_out("`segue status " + name + "` tells more");
    SEGUE_ASSIGN(const auto log, sys::open(folder.log(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND));
    SEGUE_ASSIGN(const auto child, spawn({argv, "", {{log.get(), 1}, {log.get(), 2}}, true}));
    SEGUE_ASSIGN(const auto client, client_of(places, name, std::chrono::seconds(1)));
    SEGUE_TRY(await(child, folder, client));
    SEGUE_ASSIGN(const auto vm, client.vm());
    if (vm.state == report::RunState::Inmigrate) {
        out("guest '" + name + "' waits to come from another host: pid " + std::to_string(vm.pid) +
            "\n");
        return {};
    }
    out("guest '" + name + "' runs: pid " + std::to_string(vm.pid) + ", console " + vm.console +
        "\n");
    return {};
}

Status become(std::vector<std::string> argv) {
    std::vector<char*> raw;
    raw.reserve(argv.size() + 1);
    for (auto& word : argv)
        raw.push_back(word.data());
    raw.push_back(nullptr);
    ::execv(raw[0], raw.data());
    return Error::from_errno(errno, "start " + argv[0]);
}

} // namespace

ExitCode run(const Places& places, const RunOptions& options) {
    const auto guest = config::load_guest_config(options.config, options.set);
    if (!guest)
        return fail(guest.error());
    auto argv = command_line(places, options, *guest);
    if (!argv)
        return fail(argv.error());
    return finish(options.foreground ? become(std::move(*argv))
                                     : launch(*argv, places, guest->name));
}

ExitCode doctor(const Places& places, const DoctorOptions& options) {
    auto vmm = find_vmm("");
    if (!vmm)
        return fail(vmm.error());
    std::vector<std::string> argv = {std::move(*vmm), "--doctor",    "--run-dir",
                                     places.run_dir,  "--state-dir", places.state_dir,
                                     "--log-level",   "error"};
    if (!options.config.empty())
        argv.insert(argv.end(), {"--config", std::filesystem::absolute(options.config).string()});
    for (const auto& assignment : options.set)
        argv.insert(argv.end(), {"--set", assignment});
    return finish(become(std::move(argv)));
}

ExitCode start(const Places& places, const StartOptions& options) {
    const auto folder = places.guest(options.guest);
    if (!folder)
        return fail(folder.error());
    auto was = read_start_file(*folder);
    if (!was && options.config.empty())
        return fail(was.error());
    RunOptions run_options;
    run_options.config = options.config.empty() ? was->config : options.config;
    if (was)
        run_options.set = was->overrides;
    run_options.foreground = options.foreground;
    run_options.restore = true;
    run_options.changed_disks = options.changed_disks;
    const auto guest = config::load_guest_config(run_options.config, run_options.set);
    if (guest && guest->name != options.guest)
        return fail(Error(Code::Invalid, run_options.config + " is the configuration of guest '" +
                                             guest->name + "'")
                        .way_out("name the one of '" + options.guest + "' with --config"));
    return run(places, run_options);
}

} // namespace segue::cli
