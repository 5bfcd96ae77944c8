// Clients that ask for much and read nothing: what they can take is bounded,
// and others don't notice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "api/server.h"
#include "test/api/server_fixture.h"

namespace ta {
namespace {

using std::chrono::milliseconds;
using test::Eventually;
using test::kScraper;
using test::RawClient;
using test::SnapshotBuilder;
using testing::HasSubstr;
using testing::StartsWith;

// Far more than the kernel's buffers of a connection on loopback take.
constexpr std::size_t kBodyBytes = std::size_t{8} << 20;
constexpr std::size_t kLimit = std::size_t{64} << 20;
constexpr const char* kAll = "/jobs/web/targets";

class ServerBudgetTest : public test::ServerFixture {
 protected:
  ServerBudgetTest() {
    SnapshotBuilder builder;
    builder.Member("small").Member("large").Job("web");
    builder.Target("web", "small", {{"__address__", "a:1"}});
    const std::string value(kBodyBytes / 64, 'x');
    for (int i = 0; i < 64; ++i) {
      builder.Target("web", "large",
                     {{"__address__", "b:" + std::to_string(i)}},
                     {{"long", value}});
    }
    snapshots_.Set(builder.Build());
    options_.router.cache_bytes = 0;
    options_.router.body_bytes = kLimit;
  }

  // One that stays.
  RawClient& Add() { return clients_.emplace_back(server_->port()); }
  double Metric(const std::string& name) {
    const std::string text = Ask("/metrics");
    const std::size_t at = text.find("\n" + name + " ");
    return at == text.npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  std::deque<RawClient> clients_;
};

TEST_F(ServerBudgetTest, FiftyWhoDoNotReadHoldNoMoreThanTheBudget) {
  Start();
  for (int i = 0; i < 50; ++i) Add().Get(kAll);
  ASSERT_TRUE(Eventually(
      [&] { return Metric("target_allocator_bodies_refused_total") > 30; }));
  EXPECT_LE(Metric("target_allocator_bodies_bytes"), kLimit);
  EXPECT_GT(Metric("target_allocator_bodies_bytes"), kLimit / 4);
  const std::string refused = Ask(kAll);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 10\r\n"));
  EXPECT_THAT(refused, HasSubstr("{\"error\":\"too many large answers"));
  EXPECT_THAT(Ask("/jobs/web/targets?collector_id=small", kScraper),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("/readyz"), StartsWith("HTTP/1.1 200 "));
  clients_.clear();
  EXPECT_TRUE(
      Eventually([&] { return Ask(kAll).starts_with("HTTP/1.1 200 "); }));
}

TEST_F(ServerBudgetTest, AScraperWaitsForRoom) {
  options_.room_time = std::chrono::seconds(20);
  options_.router.body_bytes = kBodyBytes * 3 / 2;
  Start();
  // Beyond the limit while it is rendered, and so is the next.
  RawClient& slow = Add();
  slow.Get("/jobs/web/targets?collector_id=large", kScraper);
  ASSERT_TRUE(Eventually(
      [&] { return Metric("target_allocator_bodies_bytes") >= kBodyBytes; }));
  RawClient& waiting = Add();
  waiting.Get("/jobs/web/targets?collector_id=large", kScraper);
  ASSERT_TRUE(Eventually(
      [&] { return Metric("target_allocator_bodies_refused_total") > 0; }));
  slow.Reset();
  EXPECT_THAT(waiting.ReadAnswer().substr(0, 13), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerBudgetTest, AScraperThatWaitedInVainIsAnswered503) {
  options_.room_time = milliseconds(50);
  options_.router.body_bytes = kBodyBytes * 3 / 2;
  Start();
  Add().Get("/jobs/web/targets?collector_id=large", kScraper);
  ASSERT_TRUE(Eventually(
      [&] { return Metric("target_allocator_bodies_bytes") >= kBodyBytes; }));
  EXPECT_THAT(Ask("/jobs/web/targets?collector_id=large", kScraper),
              StartsWith("HTTP/1.1 503 "));
}

}  // namespace
}  // namespace ta
