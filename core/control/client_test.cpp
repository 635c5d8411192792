// SPDX-License-Identifier: Apache-2.0
#include "core/control/client.hpp"

#include <gtest/gtest.h>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "core/control/fake_service.hpp"
#include "core/control/json.hpp"
#include "core/control/server.hpp"

namespace segue::control {
namespace {

struct ClientTest : testing::Test {
    TempDir dir;
    std::string path = dir / "api.sock";
    FakeService service;
    Client client{"web1", path, std::chrono::seconds(30)};
};

TEST_F(ClientTest, MirrorsTheService) {
    const auto server = Server::start(service, listen_unix(path, 0600).value()).value();
    EXPECT_TRUE(client.healthz());
    EXPECT_EQ(to_json(client.vm().value()), to_json(service.info));
    EXPECT_TRUE(client.pause());
    EXPECT_TRUE(client.resume());
    EXPECT_TRUE(client.shutdown());
    EXPECT_EQ(service.shutdowns, 1);
    EXPECT_TRUE(client.set_balloon(1ull << 40));
    EXPECT_EQ(service.balloon, 1ull << 40);
    EXPECT_EQ(service.quits, 0);
    EXPECT_TRUE(client.quit());
    EXPECT_EQ(service.quits, 1);
    UpdateRequest request;
    request.config = "/c", request.key = "k-1", request.expected_generation = 3;
    EXPECT_EQ(client.start_update(request).value().id, "3-1");
    EXPECT_EQ(service.asked().config, "/c");
    EXPECT_EQ(service.asked().key, "k-1");
    EXPECT_EQ(service.asked().expected_generation, 3u);
    EXPECT_EQ(client.updates(1)->size(), 1u);
    EXPECT_EQ(to_json(client.plugins().value()), to_json(service.plugins()));
    EXPECT_EQ(to_json(client.update("3-1").value()), to_json(service.record));
    const auto missing = client.update("8-8");
    EXPECT_EQ(missing.code(), Code::NotFound);
    EXPECT_FALSE(is_no_guest(missing.error()));
    const auto late = client.cancel_update();
    EXPECT_EQ(late.code(), Code::Refused);
    EXPECT_EQ(late.error().what(), "too late");
}

TEST_F(ClientTest, NoGuestIsSaidWithTheWayOut) {
    for (int i = 0; i < 2; ++i) { // without a path, then with one where nobody listens
        const auto r = client.vm();
        ASSERT_FALSE(r);
        EXPECT_TRUE(is_no_guest(r.error()));
        EXPECT_NE(r.error().what().find("no guest 'web1' runs"), std::string::npos);
        EXPECT_NE(r.error().way_out().find("segue list"), std::string::npos);
        listen_unix(path, 0600).value();
    }
}

TEST_F(ClientTest, ASilentVmmEndsAtTheTimeout) {
    const auto listening = listen_unix(path, 0600).value();
    const Client hasty("web1", path, std::chrono::milliseconds(20));
    const auto r = hasty.vm();
    EXPECT_EQ(r.code(), Code::Deadline);
    EXPECT_NE(r.error().what().find("GET /v1/vm"), std::string::npos);
}

} // namespace
} // namespace segue::control
