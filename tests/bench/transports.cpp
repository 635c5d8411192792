// SPDX-License-Identifier: Apache-2.0
// segue-bench-transports: what RAM goes at over tls, beside tcp: from one thread to another over
// the loopback, in turns.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/temp_dir.hpp"
#include "core/base/wait.hpp"
#include "core/plugin/adapters/transport.hpp"
#include "core/plugin/loader.hpp"
#include "core/plugin/registry.hpp"

namespace {

using namespace segue;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 1u << 20; // bytes: of one run of pages

struct Kind {
    const char* plugin;
    std::vector<std::pair<std::string, std::string>> options;
    std::vector<double> rates; // MiB/s
    double cpu_s = 0;          // of all runs together
};

// Of this process, which a busy machine cannot change much.
double cpu_seconds() {
    rusage u = {};
    ::getrusage(RUSAGE_SELF, &u);
    return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct Link {
    plugin::Channel out, in;
};

template <class F>
Status again(F f, plugin::TransportHandle& handle, plugin::Direction direction) {
    const Waiter wait{Deadline::in(std::chrono::seconds(30))};
    for (;;) {
        Status s = f();
        if (s.code() != Code::Again)
            return s;
        const plugin::Ready r = handle ? handle.ready(direction) : plugin::Ready{};
        SEGUE_TRY(r.fd < 0 ? wait.nap(1) : wait.until(r.fd, r.events));
    }
}

Result<Link> connect(plugin::Transport& t) {
    SEGUE_ASSIGN(plugin::Listener l, t.listen());
    Link link;
    Status accepted;
    std::thread other([&] {
        accepted = again(
            [&]() -> Status {
                SEGUE_ASSIGN(link.in, l.accept());
                return {};
            },
            l, plugin::Direction::Read);
    });
    const Status s = again([&] { return t.connect(link.out); }, link.out, plugin::Direction::Write);
    other.join();
    SEGUE_TRY(s);
    SEGUE_TRY(accepted);
    return link;
}

// A frame's header and a piece, again and again.
Status send(plugin::Channel& to, std::size_t bytes) {
    std::vector<char> ram(24 + kPiece, 'x');
    for (std::size_t sent = 0; sent < bytes; sent += kPiece)
        for (std::size_t at = 0; at < ram.size();) {
            SEGUE_TRY(again(
                [&]() -> Status {
                    const segue_iov rest[] = {
                        {ram.data() + at, at < 24 ? 24 - at : ram.size() - at},
                        {ram.data() + 24, kPiece}};
                    SEGUE_ASSIGN(const std::uint64_t n, to.write({rest, at < 24 ? 2u : 1u}));
                    at += n;
                    return {};
                },
                to, plugin::Direction::Write));
        }
    return {};
}

Status receive(plugin::Channel& from, std::size_t bytes) {
    std::vector<char> ram(kPiece);
    const segue_iov room = {ram.data(), ram.size()};
    std::vector<UniqueFd> fds;
    for (std::size_t got = 0, all = bytes / kPiece * (kPiece + 24); got < all;)
        SEGUE_TRY(again(
            [&]() -> Status {
                SEGUE_ASSIGN(const std::uint64_t n, from.read({&room, 1}, fds));
                got += n;
                return {};
            },
            from, plugin::Direction::Read));
    return {};
}

Result<double> measure(plugin::Transport& t, std::size_t mib) {
    SEGUE_ASSIGN(Link link, connect(t));
    const auto began = Clock::now();
    Status sent;
    std::thread sender([&] { sent = send(link.out, mib << 20); });
    const Status received = receive(link.in, mib << 20);
    sender.join();
    SEGUE_TRY(sent);
    SEGUE_TRY(received);
    return static_cast<double>(mib) / std::chrono::duration<double>(Clock::now() - began).count();
}

Result<plugin::Transport> make(plugin::Loader& loader, const plugin::Registry& all, const Kind& k) {
    SEGUE_ASSIGN(const plugin::Manifest m, all.find(k.plugin));
    SEGUE_ASSIGN(const plugin::LoadedPlugin* p, loader.load(m));
    SEGUE_ASSIGN(plugin::PluginConfig config, plugin::PluginConfig::defaults(p->manifest()));
    for (const auto& [key, value] : k.options)
        SEGUE_TRY(config.set(key, value));
    return plugin::Transport::create(*p, config);
}

Status run(unsigned runs, std::size_t mib) {
    const TempDir dir;
    const auto address = [](int n) {
        return "127.0.0.1:" + std::to_string(20000 + ::getpid() % 10000 + n);
    };
    std::ofstream(dir / "psk") << std::string(64, 'a');
    std::filesystem::permissions(dir / "psk", std::filesystem::perms::owner_read);
    Kind kinds[] = {{"transport/tcp", {{"address", address(0)}}, {}, 0},
                    {"transport/tls",
                     {{"address", address(1)}, {"psk", dir / "psk"}, {"psk_identity", "bench"}},
                     {},
                     0}};
    plugin::Host services;
    plugin::Loader loader(services);
    SEGUE_ASSIGN(const auto builtin, plugin::builtin_dir());
    SEGUE_ASSIGN(const auto all, plugin::Registry::search({builtin}));
    for (unsigned i = 0; i <= runs; ++i)
        for (Kind& k : kinds) {
            SEGUE_ASSIGN(plugin::Transport t, make(loader, all, k));
            const double before = cpu_seconds();
            SEGUE_ASSIGN(const double rate, measure(t, mib));
            if (i == 0)
                continue; // the first one warms the code up
            k.rates.push_back(rate);
            k.cpu_s += cpu_seconds() - before;
        }
    std::printf(
        "transport      MiB/s: median  90 %% reach  of tcp   CPU s/GiB   (%u runs of %zu MiB)\n",
        runs, mib);
    for (Kind& k : kinds) {
        std::sort(k.rates.begin(), k.rates.end());
        const auto median = [](const Kind& of) { return of.rates[of.rates.size() / 2]; };
        std::printf("%-14s %13.0f %11.0f %7.2f %11.2f\n", k.plugin, median(k),
                    k.rates[k.rates.size() / 10], median(k) / median(kinds[0]),
                    k.cpu_s * 1024 / static_cast<double>(mib * runs));
    }
    return {};
}

} // namespace

int main(int argc, char** argv) {
    const unsigned runs = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 15;
    const std::size_t mib = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 512;
    const Status s = run(runs == 0 ? 1 : runs, mib == 0 ? 1 : mib);
    if (!s)
        std::fprintf(stderr, "%s\n", s.error().what().c_str());
    return s ? 0 : 1;
}
