// SPDX-License-Identifier: Apache-2.0
#include "core/control/routes.hpp"

#include <gtest/gtest.h>

#include "core/control/fake_service.hpp"
#include "core/control/idempotency.hpp"
#include "core/control/json.hpp"

namespace segue::control {
namespace {

struct Routes : testing::Test {
    FakeService service;
    Answer ask(const std::string& method, const std::string& path, const std::string& body = {}) {
        return answer(service, {method, path, body, "", true});
    }
    static std::string header(const Answer& a, const std::string& key) {
        for (const auto& [k, v] : a.headers)
            if (k == key)
                return v;
        return {};
    }
};

TEST_F(Routes, EachCallsItsService) {
    EXPECT_EQ(ask("GET", "/healthz").status, 200);
    EXPECT_EQ(ask("GET", "/v1/vm").body, to_json(service.info));
    EXPECT_EQ(ask("POST", "/v1/vm/pause").status, 204);
    EXPECT_EQ(service.pauses, 1);
    EXPECT_EQ(ask("POST", "/v1/vm/resume").status, 204);
    EXPECT_EQ(ask("POST", "/v1/vm/wakeup").status, 204);
    EXPECT_EQ(service.wakeups, 1);
    EXPECT_EQ(ask("POST", "/v1/vm/shutdown").status, 204);
    EXPECT_EQ(service.shutdowns, 1);
    EXPECT_EQ(ask("POST", "/v1/vm/balloon", R"({"bytes":8192})").status, 204);
    EXPECT_EQ(service.balloon, 8192u);
    EXPECT_EQ(ask("POST", "/v1/vm/balloon", R"({"size":1})").status, 400);
    EXPECT_EQ(ask("POST", "/v1/vm/balloon", R"({"bytes":-1})").status, 400);
    EXPECT_EQ(ask("POST", "/v1/vm/quit").status, 204);
    EXPECT_EQ(service.quits, 1);
    EXPECT_EQ(service.shutdowns, 1);
    EXPECT_EQ(ask("GET", "/v1/updates/3-1").body, to_json(service.record));
}

TEST_F(Routes, AnUpdateIsToldToSwitch) {
    EXPECT_EQ(ask("POST", "/v1/updates/current/postcopy").status, 204);
    EXPECT_EQ(service.switches, 1);
    EXPECT_EQ(ask("GET", "/v1/updates/current/postcopy").status, 405);
}

TEST_F(Routes, AnUpdateGoesOnWhereItsOwnerSays) {
    const std::string path = "/v1/updates/current/recover";
    EXPECT_EQ(ask("POST", path, R"({"channel":"tcp:192.0.2.2:4444"})").status, 204);
    EXPECT_EQ(service.recovered_at, "tcp:192.0.2.2:4444");
    const auto others = answer(service, {"POST", path, R"({"channel":"unix:/a"})", "", false});
    EXPECT_EQ(others.status, 409) << "it would be connected to as the VMM's user";
    EXPECT_EQ(ask("GET", path).status, 405);
}

TEST_F(Routes, NowhereIsNoPlaceToGoOn) {
    const std::string path = "/v1/updates/current/recover";
    for (const char* nowhere : {R"({"channel":""})", "{}", ""}) {
        const auto a = ask("POST", path, nowhere);
        EXPECT_EQ(a.status, 400) << nowhere;
        const Error why = error_from_problem(a.body, a.status);
        EXPECT_EQ(why.what(), "it is not said where the other host is");
        EXPECT_NE(why.way_out().find("channel"), std::string::npos);
    }
    for (const char* wrong : {"{", R"({"channel":1})", R"({"channel":"tcp:a","now":1})"})
        EXPECT_EQ(ask("POST", path, wrong).status, 400) << wrong;
    EXPECT_EQ(service.recovered_at, "");
}

TEST_F(Routes, ADoubtIsResolvedByWhoSaysWhere) {
    const std::string path = "/v1/updates/current/resolve";
    EXPECT_EQ(ask("POST", path, R"({"runs":"here"})").status, 409) << "nothing is in doubt";
    service.cancellable = true;
    EXPECT_EQ(ask("POST", path, R"({"runs":"there"})").status, 204);
    EXPECT_TRUE(service.resolved_there);
    EXPECT_FALSE(service.resolved_here);
    EXPECT_EQ(ask("POST", path, resolution_to_json(true)).status, 204);
    EXPECT_TRUE(service.resolved_here);
    for (const char* wrong : {R"({"runs":"nowhere"})", "{}", R"({"runs":"here","now":1})", ""})
        EXPECT_EQ(ask("POST", path, wrong).status, 400) << wrong;
}

TEST_F(Routes, AnUpdateIsAcceptedWithItsPlace) {
    const auto a = ask("POST", "/v1/updates", R"({"mode":"m","binary":"/b","config":"/c"})");
    EXPECT_EQ(a.status, 202);
    EXPECT_EQ(header(a, "Location"), "/v1/updates/3-1");
    EXPECT_EQ(service.asked().mode, "m");
    EXPECT_EQ(service.asked().binary, "/b");
    EXPECT_EQ(service.asked().config, "/c");
    EXPECT_EQ(ask("POST", "/v1/updates").status, 202);
}

TEST_F(Routes, AnUpdateMayHaveAKeyAndAGeneration) {
    const auto post = [&](const std::string& key, bool owner = true) {
        return answer(service, {"POST", "/v1/updates", R"({"expected_generation":3})", key, owner});
    };
    EXPECT_EQ(post("k").status, 202);
    EXPECT_EQ(service.asked().key, "k");
    EXPECT_EQ(service.asked().expected_generation, 3u);
    EXPECT_TRUE(service.asked().from_owner);
    EXPECT_EQ(post("k", false).status, 202);
    EXPECT_FALSE(service.asked().from_owner);
    EXPECT_EQ(post("with a space").status, 400);
    EXPECT_EQ(post(std::string(129, 'x')).status, 400);
    service.refusal = replay(service.record, service.asked()).error();
    EXPECT_EQ(post("k").status, 422);
}

TEST_F(Routes, Lists) {
    EXPECT_EQ(ask("GET", "/v1/plugins").body, to_json(service.plugins()));
    EXPECT_EQ(records_from_json(ask("GET", "/v1/updates").body)->size(), 2u);
    EXPECT_EQ(records_from_json(ask("GET", "/v1/updates?limit=1").body)->size(), 1u);
    for (const char* query : {"limit=0", "limit=101", "limit=x", "limit=1x", "limit=", "most=1"})
        EXPECT_EQ(ask("GET", "/v1/updates?" + std::string(query)).status, 400) << query;
}

TEST_F(Routes, ErrorsAreProblems) {
    EXPECT_EQ(ask("POST", "/v1/updates", "{").status, 400);
    EXPECT_EQ(ask("GET", "/v1/updates/9-9").status, 404);
    const auto late = ask("DELETE", "/v1/updates/current");
    EXPECT_EQ(late.status, 409);
    EXPECT_EQ(late.content_type, "application/problem+json");
    EXPECT_EQ(error_from_problem(late.body, 409).what(), "too late");
    service.refusal = Error(Code::Exists, "an update is running");
    EXPECT_EQ(ask("POST", "/v1/updates").status, 409);
}

TEST_F(Routes, UnknownPathsAndMethods) {
    for (const char* path :
         {"/", "/v1", "/v1/vm/", "/v1/updates/", "/v1/updates/1/2", "/v1/vmx", ""})
        EXPECT_EQ(ask("GET", path).status, 404) << path;
    const auto wrong = ask("PUT", "/v1/updates/current");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(header(wrong, "Allow"), "DELETE, GET");
    EXPECT_EQ(header(ask("GET", "/v1/vm/pause"), "Allow"), "POST");
}

} // namespace
} // namespace segue::control
