// Bodies that are alive at once have one budget: what the router answers where
// it is used up.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "api/router.h"
#include "test/api/router_fixture.h"

namespace ta {
namespace {

using testing::HasSubstr;

constexpr std::size_t kLimit = 1 << 20;

RouterOptions SmallBudget() {
  RouterOptions options;
  options.body_bytes = kLimit;
  options.cache_bytes = 0;
  return options;
}

// The upper half of `hash`, which looks random, so that gzip gains little.
std::string Hex(std::uint64_t hash) {
  return fmt::format("{:08x}", hash >> 32);
}

class RouterBudgetTest : public test::RouterFixture {
 protected:
  RouterBudgetTest() {
    builder_.Member("a").Member("b").Job("web");
    Add("a", 100);
    Add("b", 100);
  }

  // Targets that are 1 kB in an answer, none like another.
  void Add(const std::string& member, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = member + std::to_string(added_++);
      std::string value(1000, 'x');
      for (std::size_t at = 0; at + 8 < value.size(); at += 8) {
        value.replace(
            at, 8,
            Hex(hash_ = hash_ * 6364136223846793005 + 1442695040888963407));
      }
      builder_.Target("web", member,
                      {{"__address__", name + ":1"}, {"long", value}});
    }
  }
  Response Ask(std::string_view target, std::string_view accept = "") {
    Request request;
    request.method = "GET";
    request.target = target;
    request.accept_encoding = accept;
    return limited_.Handle(request, *builder_.Build());
  }
  std::size_t used() const { return limited_.budget().stats().bytes; }

  Router limited_{SmallBudget()};
  int added_ = 0;
  std::uint64_t hash_ = 1;
};

constexpr const char* kAll = "/jobs/web/targets";
constexpr const char* kOne = "/jobs/web/targets?collector_id=a";

TEST_F(RouterBudgetTest, ABodyIsChargedUntilItsLastHolderGoes) {
  for (const char* path :
       {kAll, kOne, "/api/v1/targets", "/api/v1/explain?job=web&address=a0:1",
        "/api/v1/explain?job=web&address=a0:1&format=text"}) {
    for (const char* accept : {"", "gzip"}) {
      Response response = Ask(path, accept);
      ASSERT_EQ(response.status, 200) << path;
      EXPECT_EQ(response.body.gzipped, *accept != 0);
      const Body copy = response.body;
      response = Response();
      if (copy.bytes->size() > ByteCharge::kFreeBytes) {
        EXPECT_GE(used(), copy.bytes->size()) << path;
        EXPECT_LE(used(), copy.bytes->size() * 5 / 4) << path;
      }
    }
    EXPECT_EQ(used(), 0u) << path;
  }
}

TEST_F(RouterBudgetTest, AboveItPeopleAreAskedToComeBack) {
  std::vector<Response> held;
  while (true) {
    Response response = Ask(kAll);
    EXPECT_LE(used(), kLimit * 7 / 8);
    if (response.status != 200) {
      EXPECT_EQ(response.status, 503);
      EXPECT_GT(response.retry_after_seconds, 0);
      EXPECT_THAT(ErrorOf(response), HasSubstr("too many large answers"));
      break;
    }
    held.push_back(std::move(response));
    ASSERT_LT(held.size(), 10u);
  }
  EXPECT_GE(held.size(), 2u);
  EXPECT_EQ(limited_.budget().stats().refused, 1u);
  EXPECT_EQ(Ask("/api/v1/targets").status, 503);
  // Collectors and probes are served.
  EXPECT_EQ(Ask("/readyz").status, 200);
  EXPECT_EQ(Ask("/livez").status, 200);
  EXPECT_EQ(Ask("/jobs").status, 200);
  EXPECT_EQ(Ask("/scrape_configs").status, 200);
  EXPECT_EQ(Ask("/jobs/web/targets?collector_id=nobody").status, 200);
  held.clear();
  EXPECT_EQ(Ask(kAll).status, 200);
}

TEST_F(RouterBudgetTest, AnAnswerThatCanNeverFitSaysSo) {
  Add("a", 1000);
  const Response response = Ask(kAll);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.retry_after_seconds, 0);
  EXPECT_FALSE(response.crowded);
  EXPECT_THAT(ErrorOf(response), HasSubstr("too large"));
  EXPECT_EQ(used(), 0u);
}

TEST_F(RouterBudgetTest, ACollectorsOwnListIsServedHoweverLong) {
  Add("a", 2000);
  Add("b", 2000);
  Response first = Ask(kOne);
  ASSERT_EQ(first.status, 200);
  EXPECT_GT(first.body.bytes->size(), 2 * kLimit);
  // One at a time; the next is told to wait.
  const Response second = Ask("/jobs/web/targets?collector_id=b");
  EXPECT_EQ(second.status, 503);
  EXPECT_TRUE(second.crowded);
  first = Response();
  EXPECT_EQ(Ask("/jobs/web/targets?collector_id=b").status, 200);
}

TEST_F(RouterBudgetTest, WithoutRoomToCompressABodyIsSentAsItIs) {
  // 380 kB: to write it takes its buffer's 390 and once half of that, to
  // compress it as much again.
  Add("a", 260);
  std::vector<Response> others;  // 420 kB
  for (int i = 0; i < 4; ++i) {
    others.push_back(Ask("/jobs/web/targets?collector_id=b"));
  }
  Response response = Ask(kOne, "gzip");
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.body.gzipped);
  response = Response();
  others.clear();
  EXPECT_TRUE(Ask(kOne, "gzip").body.gzipped);
}

TEST_F(RouterBudgetTest, ScrapeConfigsAreNotCopied) {
  builder_.config().scrape_configs_json = std::string(3 * kLimit, ' ');
  const Response response = Ask("/scrape_configs");
  EXPECT_EQ(response.body.bytes->size(), 3 * kLimit);
  EXPECT_EQ(used(), 0u);
}

}  // namespace
}  // namespace ta
