// SPDX-License-Identifier: Apache-2.0
#include "core/control/server.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <future>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "core/control/client.hpp"
#include "core/control/fake_service.hpp"
#include "core/control/routes.hpp"

namespace segue::control {
namespace {

Deadline soon() {
    return Deadline::in(std::chrono::seconds(30));
}

struct ServerTest : testing::Test {
    TempDir dir;
    std::string path = dir / "api.sock";
    UniqueFd listening = listen_unix(path, 0600).value();
    FakeService service;
    std::unique_ptr<Server> server = start();
    Client client{"web1", path, std::chrono::seconds(30)};

    std::unique_ptr<Server> start() {
        return Server::start(service, UniqueFd(::dup(listening.get()))).value();
    }
    void restart(const ServerLimits& limits) {
        server.reset();
        server = Server::start(service, UniqueFd(::dup(listening.get())), limits).value();
    }
    UniqueFd connect() { return connect_unix(path, soon()).value(); }
    static void send(const UniqueFd& fd, const std::string& text) {
        EXPECT_TRUE(sys::write_all(fd.get(), std::as_bytes(std::span(text))));
    }
    // Until the end of file, or until `enough` is in it.
    static std::string receive(const UniqueFd& fd, const std::string& enough = "\n\n\n") {
        std::string all;
        char buffer[4096];
        while (all.find(enough) == std::string::npos) {
            pollfd p = {fd.get(), POLLIN, 0};
            if (::poll(&p, 1, 30000) <= 0)
                return all + "<timeout>";
            const auto n = ::read(fd.get(), buffer, sizeof buffer);
            if (n <= 0)
                return all;
            all.append(buffer, static_cast<std::size_t>(n));
        }
        return all;
    }
    std::string raw(const std::string& text) {
        const auto fd = connect();
        send(fd, text);
        return receive(fd);
    }
    static bool readable(const UniqueFd& fd) {
        pollfd p = {fd.get(), POLLIN, 0};
        return ::poll(&p, 1, 50) == 1;
    }
};

const std::string kGet = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kGetClose = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(ServerTest, AnswersInHttp) {
    const auto answer = raw(kGetClose);
    EXPECT_EQ(answer.rfind("HTTP/1.1 200 OK", 0), 0u) << answer;
    EXPECT_NE(answer.find("Content-Type: application/json"), std::string::npos);
    const auto created = raw("POST /v1/updates HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                             "Content-Length: 2\r\n\r\n{}");
    EXPECT_EQ(created.rfind("HTTP/1.1 202 Accepted", 0), 0u) << created;
    EXPECT_NE(created.find("Location: /v1/updates/3-1"), std::string::npos);
    const auto wrong = raw("PUT /v1/vm?x=1 HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(wrong.rfind("HTTP/1.1 405 ", 0), 0u) << wrong;
    EXPECT_NE(wrong.find("Allow: GET"), std::string::npos);
}

TEST_F(ServerTest, RefusesWhatIsTooLarge) {
    const std::string body(kMaxBody + 1, 'x');
    const auto answer = raw("POST /v1/updates HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_EQ(answer.rfind("HTTP/1.1 413 ", 0), 0u) << answer.substr(0, 300);
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);

    const auto header = raw("GET /healthz HTTP/1.1\r\nX: " + std::string(100000, 'x') + "\r\n\r\n");
    EXPECT_EQ(header.rfind("HTTP/1.1 431 ", 0), 0u) << header.substr(0, 300);
    EXPECT_NE(header.find("application/problem+json"), std::string::npos);
    std::string many = "GET /healthz HTTP/1.1\r\n";
    for (int i = 0; i < 200; ++i)
        many += "X" + std::to_string(i) + ": y\r\n";
    EXPECT_EQ(raw(many + "\r\n").rfind("HTTP/1.1 431 ", 0), 0u);
    EXPECT_TRUE(client.healthz());
}

TEST_F(ServerTest, MalformedRequestsAreAnsweredAndForgotten) {
    const auto json = raw("POST /v1/updates HTTP/1.1\r\nConnection: close\r\n"
                          "Content-Length: 5\r\n\r\n{\"mo}");
    EXPECT_EQ(json.rfind("HTTP/1.1 400 ", 0), 0u) << json;
    for (const char* garbage : {"\x01\x02\x03\r\n\r\n", "GET\r\n\r\n"}) {
        const auto answer = raw(garbage);
        EXPECT_EQ(answer.find("HTTP/1."), 0u) << answer;
        EXPECT_NE(answer.find(" 400 "), std::string::npos) << answer;
        EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << answer;
    }
    EXPECT_TRUE(client.healthz());
}

TEST_F(ServerTest, AConnectionThatSaysNothingIsEnded) {
    ServerLimits limits;
    limits.receive = std::chrono::milliseconds(20);
    restart(limits);
    const auto silent = connect(), half = connect();
    send(half, "GET /heal");
    EXPECT_EQ(receive(silent).find("<timeout>"), std::string::npos);
    EXPECT_EQ(receive(half).find("<timeout>"), std::string::npos);
}

TEST_F(ServerTest, KeepsAConnectionUntilItIsClosing) {
    const auto fd = connect();
    send(fd, kGet);
    EXPECT_NE(receive(fd, "}").find("Connection: Keep-Alive"), std::string::npos);
    server->closing(true);
    send(fd, kGet);
    EXPECT_NE(receive(fd).find("Connection: Close"), std::string::npos); // to the end of file
    server->closing(false);
    const auto again = connect();
    send(again, kGet);
    EXPECT_NE(receive(again, "}").find("Connection: Keep-Alive"), std::string::npos);
}

TEST_F(ServerTest, HoldAnswersWhatIsInHandAndLetsOthersWait) {
    service.slow(true);
    auto in_hand = std::async(std::launch::async, [&] { return client.pause(); });
    service.await_pause();
    const auto kept = connect(); // a kept connection, idle
    send(kept, kGet);
    receive(kept, "}");

    EXPECT_EQ(server->hold(Deadline::in(std::chrono::milliseconds(20))).code(), Code::Deadline);
    EXPECT_EQ(receive(kept), "");

    auto held = std::async(std::launch::async, [&] { return server->hold(soon()); });
    service.slow(false);
    EXPECT_TRUE(held.get());
    EXPECT_TRUE(in_hand.get());

    const auto waiting = connect();
    send(waiting, kGetClose);
    EXPECT_FALSE(readable(waiting));
    server->resume();
    EXPECT_EQ(receive(waiting).rfind("HTTP/1.1 200 OK", 0), 0u);
}

TEST_F(ServerTest, ReleaseLeavesTheSocketToTheNextGeneration) {
    ASSERT_TRUE(server->hold(soon()));
    const auto waiting = connect();
    send(waiting, kGetClose);
    server->release();
    EXPECT_EQ(server->hold(soon()).code(), Code::Closed);
    const auto between = connect(); // the path and the listener are as before
    send(between, kGetClose);
    EXPECT_FALSE(readable(waiting));

    const auto next = start();
    EXPECT_EQ(receive(waiting).rfind("HTTP/1.1 200 OK", 0), 0u);
    EXPECT_EQ(receive(between).rfind("HTTP/1.1 200 OK", 0), 0u);
}

TEST_F(ServerTest, TheNextGenerationMayListenWhileThisOneHolds) {
    ASSERT_TRUE(server->hold(soon()));
    const auto next = start();
    EXPECT_TRUE(client.healthz());
    server->release();
    EXPECT_TRUE(client.healthz());
}

TEST_F(ServerTest, OtherUsersAreRefused) {
    ServerLimits limits;
    limits.access.owners = {::geteuid() + 1}; // so that we are somebody else
    restart(limits);
    const auto answer = raw(kGetClose);
    EXPECT_EQ(answer.rfind("HTTP/1.1 403 ", 0), 0u) << answer;
    EXPECT_NE(answer.find("uid " + std::to_string(::geteuid()) + " may not"), std::string::npos);
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
}

TEST_F(ServerTest, TheGroupIsServedButBringsNoProgram) {
    EXPECT_TRUE(client.start_update({}));
    EXPECT_TRUE(service.asked().from_owner);
    ServerLimits limits;
    limits.access.owners = {::geteuid() + 1};
    limits.access.group = ::getegid();
    restart(limits);
    EXPECT_EQ(raw(kGetClose).rfind("HTTP/1.1 200 ", 0), 0u);
    EXPECT_TRUE(client.start_update({}));
    EXPECT_FALSE(service.asked().from_owner);
}

TEST_F(ServerTest, AKeyGoesToTheService) {
    raw("POST /v1/updates HTTP/1.1\r\nIdempotency-Key: k-1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n");
    EXPECT_EQ(service.asked().key, "k-1");
}

TEST_F(ServerTest, ARequestThatDribblesIsCut) {
    ServerLimits limits;
    limits.receive = std::chrono::milliseconds(100);
    restart(limits);
    const auto slow = connect();
    const auto ends = [&] {
        pollfd p = {slow.get(), POLLIN, 0};
        return ::poll(&p, 1, 10) == 1;
    };
    send(slow, "GET /");
    for (int i = 0; i < 3000 && !ends(); ++i) // a byte every 10 ms: no read takes long
        static_cast<void>(!::send(slow.get(), "x", 1, MSG_NOSIGNAL));
    EXPECT_TRUE(ends());
    const auto half = connect();
    send(half, "GET /heal");
    EXPECT_EQ(receive(half).rfind("HTTP/1.1 408 ", 0), 0u);
    const auto body = connect();
    send(body, "POST /v1/updates HTTP/1.1\r\nContent-Length: 9\r\n\r\n{");
    EXPECT_EQ(receive(body).rfind("HTTP/1.1 408 ", 0), 0u);
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitWait) {
    ServerLimits limits;
    limits.connections = 2;
    limits.receive = std::chrono::seconds(30);
    restart(limits);
    auto first = connect(), second = connect();
    const auto third = connect();
    send(third, kGetClose);
    EXPECT_FALSE(readable(third));
    first.reset();
    EXPECT_EQ(receive(third).rfind("HTTP/1.1 200 OK", 0), 0u);
}

} // namespace
} // namespace segue::control
