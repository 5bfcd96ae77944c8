// Which requests count as polls, and how polling makes members.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/router.h"
#include "test/api/router_fixture.h"

namespace ta {
namespace {

using test::Scraper;

class RouterPollsTest : public test::RouterFixture {};

TEST_F(RouterPollsTest, AScrapersGetIsAPoll) {
  builder_.Member("c").Job("web");
  builder_.raw().generation = 42;
  const Response response = Handle(Scraper("/jobs/web/targets?collector_id=c"));
  ASSERT_TRUE(response.poll);
  EXPECT_EQ(response.poll->collector, "c");
  EXPECT_EQ(response.poll->job, "web");
  EXPECT_EQ(response.poll->sent_generation, 42u);
  EXPECT_EQ(response.poll->refresh_interval, std::chrono::seconds(30));
}

TEST_F(RouterPollsTest, TheSidecarsHeaderMakesAPoll) {
  builder_.Member("c").Job("web");
  Request request;
  request.method = "GET";
  request.target = "/jobs/web/targets?collector_id=c";
  request.sidecar = true;
  const Response response = Handle(request);
  ASSERT_TRUE(response.poll);
  EXPECT_EQ(response.poll->refresh_interval, std::chrono::milliseconds(0));
}

TEST_F(RouterPollsTest, A304IsAPollThatWasSent) {
  builder_.Member("c").Job("web");
  Request request = Scraper("/jobs/web/targets?collector_id=c");
  request.if_none_match = "*";
  const Response response = Handle(request);
  EXPECT_EQ(response.status, 304);
  ASSERT_TRUE(response.poll);
  EXPECT_EQ(response.poll->sent_generation, 1u);
}

TEST_F(RouterPollsTest, A503IsAPollOfWhichNothingWasSent) {
  builder_.Member("c").Job("web");
  builder_.raw().targets_served = false;
  const Response response = Handle(Scraper("/jobs/web/targets?collector_id=c"));
  EXPECT_EQ(response.status, 503);
  ASSERT_TRUE(response.poll);
  EXPECT_EQ(response.poll->sent_generation, std::nullopt);
}

TEST_F(RouterPollsTest, CurlHeadAndMistakesAreNoPolls) {
  builder_.Member("c").Job("web");
  EXPECT_FALSE(Get("/jobs/web/targets?collector_id=c").poll);
  Request head = Scraper("/jobs/web/targets?collector_id=c");
  head.method = "HEAD";
  EXPECT_FALSE(Handle(head).poll);
  EXPECT_FALSE(Handle(Scraper("/jobs/web/targets")).poll);
  EXPECT_FALSE(Handle(Scraper("/jobs/web/targets?collector_id=")).poll);
  EXPECT_FALSE(Handle(Scraper("/jobs/nobody/targets?collector_id=c")).poll);
  EXPECT_FALSE(Handle(Scraper("/jobs")).poll);
}

TEST_F(RouterPollsTest, TheRefreshIntervalIsSecondsOrNotSaid) {
  builder_.Member("c").Job("web");
  const std::pair<const char*, int> cases[] = {
      {"30", 30'000}, {"0.5", 500}, {"1e1", 10'000},      {"", 0},
      {"-3", 0},      {"nan", 0},   {"inf", 0},           {"99999999", 0},
      {"x", 0},       {"0", 0},     {"86400", 86'400'000}};
  for (const auto& [text, milliseconds] : cases) {
    Request request = Scraper("/jobs/web/targets?collector_id=c");
    request.refresh_interval = text;
    const Response response = Handle(request);
    ASSERT_TRUE(response.poll) << text;
    EXPECT_EQ(response.poll->refresh_interval.count(), milliseconds) << text;
  }
}

// -- polling members --

TEST_F(RouterPollsTest, AScrapersNewNameIsHeldUntilItIsAMember) {
  builder_.raw().polling_members = true;
  builder_.Job("web");
  const Request request = Scraper("/jobs/web/targets?collector_id=new");
  const Response held = Handle(request);
  EXPECT_TRUE(held.hold);
  ASSERT_TRUE(held.poll);
  EXPECT_EQ(held.poll->sent_generation, std::nullopt);

  builder_.Member("new");
  builder_.Target("web", "new", {{"__address__", "a:1"}});
  const Response answered = Handle(request);
  EXPECT_FALSE(answered.hold);
  EXPECT_EQ(answered.status, 200);
  EXPECT_THAT(BodyOf(answered), testing::HasSubstr("a:1"));
}

TEST_F(RouterPollsTest, AScraperHeldLongEnoughIs503AndNeverEmpty) {
  builder_.raw().polling_members = true;
  builder_.Member("other").Job("web");
  const Response response =
      Handle(Scraper("/jobs/web/targets?collector_id=new"), Patience::kSpent);
  EXPECT_FALSE(response.hold);
  EXPECT_EQ(response.status, 503);
  ASSERT_TRUE(response.poll);
  EXPECT_EQ(response.poll->sent_generation, std::nullopt);
}

TEST_F(RouterPollsTest, ACurlIsNotHeld) {
  builder_.raw().polling_members = true;
  builder_.Job("web");
  EXPECT_EQ(ErrorOf(Get("/jobs/web/targets?collector_id=new")),
            "no collectors");
  builder_.Member("other");
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets?collector_id=new")), "[]\n");
}

TEST_F(RouterPollsTest, InTheGraceAfterAStartPollsAre503AndCount) {
  builder_.raw().polling_members = true;
  builder_.raw().targets_served = false;
  builder_.raw().targets_wait = "waiting for polls";
  builder_.Job("web");
  const Response response =
      Handle(Scraper("/jobs/web/targets?collector_id=new"));
  EXPECT_FALSE(response.hold);
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.poll);
}

TEST_F(RouterPollsTest, MistakesAreNotHeld) {
  builder_.raw().polling_members = true;
  builder_.Job("web");
  EXPECT_EQ(Handle(Scraper("/jobs/nobody/targets?collector_id=n")).status, 404);
  EXPECT_EQ(Handle(Scraper("/jobs/web/targets?collector_id=")).status, 400);
}

}  // namespace
}  // namespace ta
