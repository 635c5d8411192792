// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/options.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/base/version.hpp"
#include "core/update/handoff.hpp"
#include "core/update/probe.hpp"

namespace segue::vmm {

namespace {

constexpr const char* kHelp =
    "usage: segue-vmm --config FILE [--set KEY=VALUE]... [--run-dir DIR] [--state-dir DIR]\n"
    "                 [--incoming[=SOCKET|=TRANSPORT:ADDRESS] | --restore | --from-exec] "
    "[--log-level LEVEL]\n"
    "\n"
    "Runs one guest in this process. 'segue run FILE' starts it in the background.\n"
    "\n"
    "  --config FILE        the guest's TOML file\n"
    "  --set KEY=VALUE      overrides one key of it, for example --set guest.vcpus=4\n"
    "  --run-dir DIR        where sockets and the ownership record live (tmpfs)\n"
    "  --state-dir DIR      where the journal lives\n"
    "  --incoming[=SOCKET]  a standby: waits at SOCKET (default: standby.sock in the guest's\n"
    "                       run directory) for the VMM that runs the guest to update to this one\n"
    "  --incoming=TRANSPORT:ADDRESS\n"
    "                       the same for a VMM on another host: tcp:192.0.2.2:4444\n"
    "  --restore            starts the guest from the state that was left on channel main\n"
    "  --accept-changed-disk ID\n"
    "                       with --restore: that disk may be another one than in the state\n"
    "  --from-exec          the environment says which descriptors came through execve, from the\n"
    "                       VMM that ran the guest; used by that VMM\n"
    "  --doctor             says what of this host and of FILE, which may be left out, would work\n"
    "  --log-level LEVEL    debug, info (default), warn or error\n"
    "  --version, --help\n";

enum : int {
    kConfig = 256,
    kSet,
    kRunDir,
    kStateDir,
    kIncoming,
    kRestore,
    kChangedDisk,
    kFromExec,
    kDoctor,
    kLogLevel,
    kVersion,
    kHelpFlag
};

Error usage(const std::string& what) {
    return Error(Code::Invalid, what).way_out("segue-vmm --help shows every option");
}

Status take_incoming(const char* value, Options& o) {
    o.incoming = true;
    const std::string_view text = value != nullptr ? value : "";
    const bool is_path = text.substr(0, text.find(':')).find('/') != std::string_view::npos;
    if (is_path || text.find(':') == std::string_view::npos) {
        o.incoming_path = text;
        return {};
    }
    if (text.substr(0, 3) != "fd:") {
        o.incoming_address = text;
        return {};
    }
    const auto digits = text.substr(3);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), o.stream_fd);
    if (error != std::errc{} || end != digits.data() + digits.size() || o.stream_fd < 3)
        return usage("--incoming=" + std::string(text) + " names no descriptor");
    return {};
}

// A descriptor's number from the environment, which no child may see; -1: none.
int take_number(const char* variable) {
    const char* text = ::getenv(variable);
    int fd = -1;
    if (text != nullptr)
        std::from_chars(text, text + std::strlen(text), fd);
    ::unsetenv(variable);
    return fd;
}

Status take_level(std::string_view text, Options& o) {
    constexpr const char* names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; ++i) {
        if (text != names[i])
            continue;
        o.log_level = static_cast<log::Level>(i);
        return {};
    }
    return usage("--log-level " + std::string(text) + ": no such level");
}

} // namespace

Result<std::optional<Options>> parse_options(int argc, char** argv) {
    static const option all[] = {{"config", required_argument, nullptr, kConfig},
                                 {"set", required_argument, nullptr, kSet},
                                 {"run-dir", required_argument, nullptr, kRunDir},
                                 {"state-dir", required_argument, nullptr, kStateDir},
                                 {"incoming", optional_argument, nullptr, kIncoming},
                                 {"restore", no_argument, nullptr, kRestore},
                                 {"accept-changed-disk", required_argument, nullptr, kChangedDisk},
                                 {"from-exec", no_argument, nullptr, kFromExec},
                                 {"doctor", no_argument, nullptr, kDoctor},
                                 {"log-level", required_argument, nullptr, kLogLevel},
                                 {"version", no_argument, nullptr, kVersion},
                                 {"help", no_argument, nullptr, kHelpFlag},
                                 {}};
    Options o;
    opterr = 0;
    for (int c; (c = ::getopt_long(argc, argv, "", all, nullptr)) != -1;) {
        switch (c) {
        case kConfig:
            o.config = std::filesystem::absolute(optarg).lexically_normal();
            break;
        case kSet:
            o.overrides.emplace_back(optarg);
            break;
        case kRunDir:
            o.run_dir = optarg;
            break;
        case kStateDir:
            o.state_dir = optarg;
            break;
        case kRestore:
            o.restore = true;
            break;
        case kChangedDisk:
            o.changed_disks.emplace_back(optarg);
            break;
        case kFromExec:
            o.from_exec = true;
            break;
        case kDoctor:
            o.doctor = true;
            break;
        case kIncoming:
            SEGUE_TRY(take_incoming(optarg, o));
            break;
        case kLogLevel:
            SEGUE_TRY(take_level(optarg, o));
            break;
        case kVersion:
            std::printf("segue-vmm %s\n", version());
            return std::optional<Options>();
        case kHelpFlag:
            std::fputs(kHelp, stdout);
            return std::optional<Options>();
        default:
            return usage(std::string("unknown or incomplete option ") + argv[optind - 1]);
        }
    }
    if (optind < argc)
        return usage(std::string("unexpected argument ") + argv[optind]);
    o.probe_fd = take_number(update::kProbeVariable);
    o.handoff_fd = take_number(update::kHandoffVariable);
    if (o.from_exec && o.probe_fd < 0 && o.handoff_fd < 0)
        return Error(Code::Invalid, std::string("--from-exec: the environment brings neither ") +
                                        update::kProbeVariable + " nor " + update::kHandoffVariable)
            .way_out("a wrapper must pass on its environment and its descriptors");
    if (o.config.empty() && !o.doctor)
        return usage("--config FILE is missing");
    if (o.restore && o.incoming && o.stream_fd < 0)
        return usage("--restore waits at no socket: leave --incoming out");
    if (!o.changed_disks.empty() && (!o.restore || o.stream_fd >= 0))
        return usage("--accept-changed-disk is for --restore");
    return std::optional<Options>(std::move(o));
}

} // namespace segue::vmm
