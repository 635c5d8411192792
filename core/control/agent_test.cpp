// SPDX-License-Identifier: Apache-2.0
#include "core/control/agent.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "core/base/temp_dir.hpp"
#include "core/control/fake_agent.hpp"

namespace segue::control {
namespace {

using testing::HasSubstr;

Deadline patience() {
    return Deadline::in(std::chrono::seconds(30));
}
Deadline no_time() {
    return Deadline::in(std::chrono::milliseconds(20));
}

class AgentTest : public testing::Test {
protected:
    // One answer to each line, in their order; then none.
    void agent_says(std::vector<std::string> all) {
        answers = std::move(all);
        fake.emplace(path, [this, next = 0u](const std::string& line) mutable {
            asked += line;
            return next < answers.size() ? answers[next++] : "...";
        });
    }
    Result<Agent> connect(Deadline deadline = patience()) { return Agent::connect(path, deadline); }

    const TempDir dir;
    const std::string path = dir / "agent.sock";
    std::vector<std::string> answers;
    std::string asked; // once the agent has ended
    std::optional<FakeAgent> fake;
};

constexpr const char* kSynchronised = FakeAgent::kSynchronised;

TEST_F(AgentTest, AsksAndGivesWhatIsReturned) {
    agent_says({kSynchronised, "{\"return\": {\"b\": 18446744073709551615, \"a\": []}}\n"});
    auto agent = connect();
    ASSERT_TRUE(agent.ok()) << agent.error().what();
    ASSERT_TRUE(agent->send("guest-info", "{ \"x\": 1.50 }", patience()));
    EXPECT_EQ(agent->answer(patience()).value(), "{\"b\":18446744073709551615,\"a\":[]}");
    fake.reset();
    EXPECT_EQ(asked.substr(0, 48), "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{");
    EXPECT_THAT(asked, HasSubstr("\n{\"execute\":\"guest-info\",\"arguments\":{ \"x\": 1.50 }}\n"));
}

TEST_F(AgentTest, NothingLeftOverIsAnAnswer) {
    agent_says({"{\"return\": 5}\n{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON\"}}\n"
                "\xff{\"return\": 99999999999}\n" +
                    std::string(8000, 'x') + kSynchronised, // comes in a piece of its own
                "{\"return\": 7}\n"});
    auto agent = connect();
    ASSERT_TRUE(agent.ok()) << agent.error().what();
    ASSERT_TRUE(agent->send("guest-get-time", "", patience()));
    const auto answer = agent->answer(patience());
    ASSERT_TRUE(answer.ok()) << answer.error().what();
    EXPECT_EQ(*answer, "7");
}

TEST_F(AgentTest, AnErrorOfTheAgentsIsItsWords) {
    agent_says({kSynchronised,
                "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no such thing\"}}\n"});
    auto agent = connect();
    ASSERT_TRUE(agent.ok());
    ASSERT_TRUE(agent->send("guest-x", "", patience()));
    const auto answer = agent->answer(patience());
    EXPECT_EQ(answer.code(), Code::Refused);
    EXPECT_THAT(answer.error().what(), HasSubstr("no such thing"));
    EXPECT_EQ(answer.error().detail("class"), "CommandNotFound");
}

TEST_F(AgentTest, WithoutAnAgentItSaysWhereToLook) {
    agent_says({});
    const auto agent = connect(no_time());
    ASSERT_EQ(agent.code(), Code::Deadline);
    EXPECT_THAT(agent.error().what(), HasSubstr(path));
    EXPECT_THAT(agent.error().way_out(), HasSubstr("qemu-guest-agent"));
}

TEST_F(AgentTest, WhereAnotherClientIsItIsHungUpOn) {
    agent_says({""});
    const auto agent = connect();
    ASSERT_EQ(agent.code(), Code::Exists) << agent.error().what();
    EXPECT_THAT(agent.error().way_out(), HasSubstr("another client"));
}

TEST_F(AgentTest, AnAnswerThatDoesNotComeMayBeWaitedForAgain) {
    agent_says({kSynchronised, "{\"return\"", ": {}}\n"});
    auto agent = connect();
    ASSERT_TRUE(agent.ok());
    ASSERT_TRUE(agent->send("guest-ping", "", patience()));
    EXPECT_EQ(agent->answer(no_time()).code(), Code::Deadline);
    ASSERT_TRUE(agent->send("guest-ping", "", patience())); // has the rest said
    EXPECT_EQ(agent->answer(patience()).value(), "{}");
}

TEST_F(AgentTest, AnAnswerHasABound) {
    agent_says({kSynchronised, std::string(17 << 20, 'x')});
    auto agent = connect();
    ASSERT_TRUE(agent.ok());
    ASSERT_TRUE(agent->send("guest-file-read", "", patience()));
    EXPECT_EQ(agent->answer(patience()).code(), Code::Refused);
}

TEST_F(AgentTest, ArgumentsAreAnObject) {
    agent_says({kSynchronised});
    auto agent = connect();
    ASSERT_TRUE(agent.ok());
    for (const char* bad : {"[1]", "{", "7", "{\"a\"}", "{} {}"})
        EXPECT_EQ(agent->send("guest-x", bad, patience()).code(), Code::Invalid) << bad;
}

TEST_F(AgentTest, SilentCommandsAreKnown) {
    EXPECT_TRUE(Agent::is_silent("guest-suspend-ram"));
    EXPECT_TRUE(Agent::is_silent("guest-shutdown"));
    EXPECT_FALSE(Agent::is_silent("guest-ping"));
}

} // namespace
} // namespace segue::control
