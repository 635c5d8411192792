// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/console.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include <segue/cpp/sys.hpp>

#include "core/state/reader.hpp"

namespace segue::vmm {
namespace {

struct NoWire final : IrqLine {
    void set(bool) noexcept override {}
};

// A port and its console, as the machine makes them.
struct Station {
    explicit Station(ConsoleBackend backend)
        : console(Console::create(std::move(backend)).value())
        , port(*console, wire) {
        console->attach(port);
        const std::array<std::byte, 1> fifo = {std::byte{1}};
        port.write(2, fifo);
    }
    ~Station() { console.reset(); }
    void send(const std::string& text) {
        for (const char c : text)
            port.write(0, std::as_bytes(std::span(&c, 1)));
    }
    std::string received() {
        std::string text;
        std::array<std::byte, 1> b = {};
        for (port.read(5, b); (b[0] & std::byte{1}) != std::byte{0}; port.read(5, b)) {
            port.read(0, b);
            text += static_cast<char>(b[0]);
        }
        return text;
    }
    NoWire wire;
    std::unique_ptr<Console> console;
    Serial port;
};

// Reads until `bytes` have come; a test that fails waits 10 s.
std::string read_text(int fd, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
        pollfd p = {fd, POLLIN, 0};
        if (::poll(&p, 1, 10'000) != 1)
            break;
        char buffer[4096];
        const auto n = ::read(fd, buffer, std::min(sizeof buffer, bytes - text.size()));
        if (n <= 0)
            break;
        text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
}

template <class F>
bool soon(F condition) {
    const Deadline deadline = Deadline::in(std::chrono::seconds(10));
    while (!condition()) {
        if (deadline.passed())
            return false;
        ::usleep(1000);
    }
    return true;
}

// Both ends are non-blocking pipes of the test.
struct Pipes {
    Pipes() {
        std::array<int, 2> a, b;
        EXPECT_EQ(::pipe2(a.data(), O_CLOEXEC | O_NONBLOCK), 0);
        EXPECT_EQ(::pipe2(b.data(), O_CLOEXEC | O_NONBLOCK), 0);
        guest_in.reset(a[0]);
        keyboard.reset(a[1]);
        screen.reset(b[0]);
        guest_out.reset(b[1]);
    }
    ConsoleBackend backend() const {
        ConsoleBackend backend;
        backend.config.kind = ConsoleKind::Stdio;
        backend.in = guest_in.get();
        backend.out = guest_out.get();
        return backend;
    }
    UniqueFd guest_in, keyboard, screen, guest_out;
};

TEST(Console, PtyCarriesBothWaysAndEchoesNothing) {
    inventory::Inventory inventory;
    auto backend = open_console({ConsoleKind::Pty, ""}, inventory).value();
    const auto peer = sys::open(backend.config.path, O_RDWR | O_NOCTTY).value();
    EXPECT_GE(inventory.find("console.pty"), 0);
    Station s(std::move(backend));
    s.console->activate();
    s.send("hello\n");
    EXPECT_EQ(read_text(peer.get(), 6), "hello\n");
    ASSERT_TRUE(sys::write_all(peer.get(), std::as_bytes(std::span("ok", 2))).ok());
    std::string got;
    EXPECT_TRUE(soon([&] { return (got += s.received()) == "ok"; })) << got;
}

TEST(Console, PtyIsAdoptedFromTheInventory) {
    inventory::Inventory inventory;
    auto backend = open_console({ConsoleKind::Pty, ""}, inventory).value();
    const ConsoleConfig config = backend.config;
    const auto peer = sys::open(config.path, O_RDWR | O_NOCTTY).value();
    {
        Station old(std::move(backend));
        old.console->activate();
        old.send("a");
        EXPECT_EQ(read_text(peer.get(), 1), "a");
        ASSERT_TRUE(old.console->settle(Deadline::never()).ok());
    }
    Station next(adopt_console(config, inventory).value());
    next.console->activate();
    next.send("b");
    EXPECT_EQ(read_text(peer.get(), 1), "b");
}

TEST(Console, AdoptNamesWhatIsMissing) {
    inventory::Inventory inventory;
    const auto r = adopt_console({ConsoleKind::Pty, "/dev/pts/1"}, inventory);
    ASSERT_EQ(r.code(), Code::NotFound);
    EXPECT_EQ(r.error().detail("item"), "console.pty");
}

TEST(Console, FileIsAppendedTo) {
    const auto path =
        std::filesystem::temp_directory_path() / ("segue-console-" + std::to_string(::getpid()));
    for (const char* text : {"one ", "two"}) {
        inventory::Inventory fresh;
        Station s(open_console({ConsoleKind::File, path}, fresh).value());
        s.console->activate();
        s.send(text);
    } // the end of an active console writes the rest
    const auto fd = sys::open(path, O_RDONLY).value();
    EXPECT_EQ(read_text(fd.get(), 7), "one two");
    std::filesystem::remove(path);
}

TEST(Console, InputWaitsForRoomInThePort) {
    const Pipes pipes;
    Station s(pipes.backend());
    s.console->activate();
    const std::string text(100, 'x');
    ASSERT_TRUE(sys::write_all(pipes.keyboard.get(), std::as_bytes(std::span(text))).ok());
    std::string got;
    EXPECT_TRUE(soon([&] { return (got += s.received()).size() == 100; })) << got.size();
}

TEST(Console, SettledItTouchesNothingAndLosesNothing) {
    const Pipes pipes;
    Station s(pipes.backend());
    s.console->activate();
    ASSERT_TRUE(s.console->settle(Deadline::never()).ok());
    ASSERT_TRUE(sys::write_all(pipes.keyboard.get(), std::as_bytes(std::span("k", 1))).ok());
    s.send("later");
    pollfd p = {pipes.screen.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&p, 1, 50), 0);
    EXPECT_EQ(s.received(), "");
    s.console->activate();
    EXPECT_EQ(read_text(pipes.screen.get(), 5), "later");
    EXPECT_TRUE(soon([&] { return s.received() == "k"; }));
}

TEST(Console, UnwrittenOutputTravels) {
    const Pipes pipes;
    state::Writer writer{state::Header()};
    {
        Station old(pipes.backend());
        old.send("first ");
        writer.begin("console", "com1", 1);
        old.console->save(writer);
        writer.end();
    }
    const auto container = state::Reader::parse(writer.finish()).value();
    Station next(pipes.backend());
    ASSERT_TRUE(next.console->load(**container.take("console", "com1")).ok());
    next.send("second");
    next.console->activate();
    EXPECT_EQ(read_text(pipes.screen.get(), 12), "first second");
}

TEST(Console, WithNoReaderTheOldestOutputGivesWay) {
    const Pipes pipes;
    Station s(pipes.backend());
    s.send(std::string(100'000, 'a') + "end"); // parked: nobody reads
    s.console->activate();
    const std::string got = read_text(pipes.screen.get(), 64 << 10);
    EXPECT_EQ(got.size(), 64u << 10);
    EXPECT_EQ(got.substr(got.size() - 3), "end");
}

TEST(ByteRing, GivesBackInOrder) {
    ByteRing ring(4);
    for (const char c : std::string("abc"))
        ring.push(std::byte{static_cast<unsigned char>(c)});
    const std::array<std::byte, 2> taken = {ring.front()[0], ring.front()[1]};
    ring.pop(2);
    ring.push(std::byte{'d'});
    ring.give_back(taken);
    const auto all = ring.linear();
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(all.data()), all.size()), "abcd");
    EXPECT_EQ(ring.dropped(), 0u);
    ring.push(std::byte{'e'});
    EXPECT_EQ(ring.dropped(), 1u);
    EXPECT_EQ(ring.front()[0], std::byte{'b'});
}

} // namespace
} // namespace segue::vmm
