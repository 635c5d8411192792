// SPDX-License-Identifier: Apache-2.0
#include "tests/support/guest.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "core/control/json.hpp"
#include "core/report/history.hpp"

namespace segue::test {

namespace {

constexpr auto kStart = std::chrono::seconds(60);
constexpr auto kPoll = std::chrono::milliseconds(5);
constexpr const char* kName = "g";

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string list_of(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& w : words)
        text += (text.empty() ? "\"" : ", \"") + w + "\"";
    return "[" + text + "]";
}

} // namespace

Guest::Guest(GuestSpec spec)
    : spec_(std::move(spec))
    , places_{dir_ / ("run/" + std::string(kName)), dir_ / ("state/" + std::string(kName))} {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Guest::~Guest() {
    for (std::vector<pid_t> left; !(left = processes()).empty();)
        for (const pid_t pid : left) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    if (testing::Test::HasFailure())
        std::cerr << "--- the guest's log\n" << log() << "---\n";
}

std::string Guest::write_config(const std::string& file, const GuestSpec& spec) const {
    std::ofstream out(dir_ / file);
    out << "[guest]\nname = \"" << kName << "\"\nvcpus = " << spec.vcpus << "\nkernel = \""
        << spec.kernel << "\"\ncmdline = \"vcpus=" << spec.vcpus << " print=0 share=4M\"\n"
        << "[[memory]]\nid = \"ram0\"\nsize = \"" << spec.mib << "M\"\nbackend = \"" << spec.backend
        << "\"\n"
        << (spec.backend == "file" ? "options = { path = \"" + (dir_ / "ram0") + "\" }\n" : "")
        << spec.memory << (spec.memory.empty() ? "" : "\n")
        << "[console]\nbackend = \"pty\"\n[plugins]\ndirs = " << list_of(spec.plugin_dirs)
        << "\n[update]\nmode = \"" << spec.modes.front() << "\"\nallow = " << list_of(spec.modes)
        << "\ndeadline = { prepare = \"" << spec.prepare << "\", drain = \"60s\", handover = \""
        << spec.handover
        << "\" }\nchannels.cpr = { transport = \"unix\" }\nchannels.main = { transport = \""
        << spec.transport << "\", options = { " << spec.options << " } }\noptions."
        << spec.modes.front() << " = { " << spec.mode_options << " }\nkeeper = \"exec\"\n"
        << (spec.data.empty() ? "" : "channels.data = { " + spec.data + " }\n")
        << (spec.request.empty() ? "" : "channels.request = { " + spec.request + " }\n")
        << (spec.at_rest.empty() ? "" : "channels.at-rest = { " + spec.at_rest + " }\n")
        << (spec.hosts.empty() ? "" : "channels.hosts = { " + spec.hosts + " }\n");
    ::chmod((dir_ / file).c_str(), 0600); // whatever the umask is
    return dir_ / file;
}

Result<Child> Guest::start_vmm(const std::vector<std::string>& more) const {
    SEGUE_ASSIGN(const UniqueFd log, sys::open(places_.log(), O_WRONLY | O_CREAT | O_APPEND));
    SpawnSpec s;
    s.argv = {spec_.vmm,     "--config",   write_config("guest.toml", spec_),
              "--run-dir",   dir_ / "run", "--state-dir",
              dir_ / "state"};
    for (const std::string& override : spec_.set)
        s.argv.insert(s.argv.end(), {"--set", override});
    s.argv.insert(s.argv.end(), more.begin(), more.end());
    s.fds = {{log.get(), 1}, {log.get(), 2}};
    return spawn(s);
}

Status Guest::answers(Deadline deadline) {
    for (;;) {
        if (client().healthz())
            return {};
        if (auto ended = wait_exit(*first_, Deadline::in(kPoll)))
            return Error(Code::Io, "the VMM " + to_string(*ended) + "\n" + log());
        if (deadline.passed())
            return Error(Code::Deadline, "the VMM does not answer");
    }
}

Status Guest::start_incoming(const std::string& address) {
    SEGUE_TRY(create(places_));
    SEGUE_ASSIGN(first_, start_vmm({"--incoming=" + address}));
    return answers(Deadline::in(kStart));
}

Status Guest::start() {
    SEGUE_TRY(create(places_));
    // There from the start, so that the first entry is no new file.
    SEGUE_TRY(sys::open(places_.journal(), O_WRONLY | O_CREAT | O_APPEND));
    SEGUE_ASSIGN(first_, start_vmm());
    const Deadline deadline = Deadline::in(kStart);
    SEGUE_TRY(answers(deadline));
    SEGUE_ASSIGN(const control::VmInfo vm, client().vm());
    if (!vm.ram.at(0).path.empty()) {
        SEGUE_ASSIGN(page_, GuestPage::open(vm.ram.at(0), deadline));
    }
    SEGUE_ASSIGN(console_, sys::open(vm.console.substr(vm.console.find(':') + 1),
                                     O_RDWR | O_NOCTTY | O_NONBLOCK));
    return {};
}

Status Guest::follow() {
    SEGUE_ASSIGN(const control::VmInfo vm, client().vm());
    SEGUE_ASSIGN(page_, GuestPage::map(vm.ram.at(0)));
    return {};
}

control::Client Guest::client() const {
    return {kName, places_.api_socket(), kStart};
}

Status Guest::type(char c) const {
    if (::write(console_.get(), &c, 1) != 1)
        return Error::from_errno(errno, "type on the console");
    return {};
}

std::vector<pid_t> Guest::processes_until(const std::vector<pid_t>& these,
                                          Deadline deadline) const {
    std::vector<pid_t> now = processes();
    for (; now != these && !deadline.passed(); now = processes())
        std::this_thread::sleep_for(kPoll);
    return now;
}

Holdings Guest::holdings(pid_t pid) const {
    return holdings_of(pid) + files_below(dir_.path(), {"run", "state"});
}

std::vector<report::UpdateRecord> Guest::journal() const {
    auto history = report::read_history(places_.journal(), control::record_from_json);
    EXPECT_TRUE(history && history->damaged == 0) << "the journal cannot be read";
    return history ? std::move(history->records) : std::vector<report::UpdateRecord>();
}

std::string Guest::log() const {
    return text_of(places_.log());
}

} // namespace segue::test
