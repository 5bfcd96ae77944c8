// /api/v1/targets and /api/v1/explain.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::MakeLabels;
using test::SnapshotBuilder;
using testing::HasSubstr;
using testing::Not;

class RouterInspectTest : public testing::Test {
 protected:
  RouterInspectTest() {
    builder_.Member("c0").Member("c1").Job("web").Job("db");
    builder_.Target("web", "c0", {{"__address__", "a:1"}, {"env", "x&y"}}, {},
                    {"c1"});
    builder_.Unassigned("db", UnassignedReason::kNoNode,
                        {{"__address__", "b:1"}});
    UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
    dropped.rule = 2;
    dropped.own = MakeLabels({{"__address__", "c:1"}});
    builder_.Unserved("web", "f.json:0", dropped);
    UnservedTarget invalid{UnservedTarget::State::kInvalid};
    invalid.reason = "d:1: invalid label name \"a b\"";
    builder_.Unserved("db", "g.json:0", invalid);
  }

  Response Get(std::string_view target, RouterOptions options = {}) {
    Router router(options);
    Request request;
    request.method = "GET";
    request.target = target;
    return router.Handle(request, *builder_.Build());
  }
  std::string Body(std::string_view target) {
    const Response response = Get(target);
    return response.body.bytes ? *response.body.bytes : "";
  }

  SnapshotBuilder builder_;
};

TEST_F(RouterInspectTest, TargetsShowsEveryOneWithItsState) {
  const std::string body = Body("/api/v1/targets");
  EXPECT_THAT(body, HasSubstr("\"matches\":4,\"truncated\":false"));
  EXPECT_THAT(body, HasSubstr(R"("state":"assigned","address":"a:1")"));
  EXPECT_THAT(body,
              HasSubstr(R"("collector":"c0","earlier_collectors":["c1"],)"
                        R"("labels":{"__address__":"a:1","env":"x\u0026y"}})"));
  EXPECT_THAT(body, HasSubstr(R"("reason":"no_node")"));
  EXPECT_THAT(body,
              HasSubstr(R"("state":"dropped","address":"c:1",)"
                        R"("dropped_by":"rule","rule":2,"source":"f.json:0")"));
  EXPECT_THAT(body, HasSubstr(R"("state":"invalid","address":"",)"
                              R"("reason":"d:1: invalid label name )"));
}

TEST_F(RouterInspectTest, TargetsAreFiltered) {
  EXPECT_THAT(Body("/api/v1/targets?job=web"), HasSubstr("\"matches\":2"));
  EXPECT_THAT(Body("/api/v1/targets?collector=c0"), HasSubstr("\"matches\":1"));
  EXPECT_THAT(Body("/api/v1/targets?collector=c1"), HasSubstr("\"matches\":1"));
  EXPECT_THAT(Body("/api/v1/targets?state=dropped"),
              HasSubstr("\"matches\":1"));
  EXPECT_THAT(Body("/api/v1/targets?job=&collector=&state="),
              HasSubstr("\"matches\":4"));
}

TEST_F(RouterInspectTest, WrongFiltersAreSaid) {
  EXPECT_EQ(Get("/api/v1/targets?job=x").status, 404);
  EXPECT_EQ(Get("/api/v1/targets?collector=x").status, 404);
  EXPECT_EQ(Get("/api/v1/targets?state=x").status, 400);
  EXPECT_EQ(Get("/api/v1/targets?jobs=web").status, 400);
}

TEST_F(RouterInspectTest, TargetsStopsAtItsLimitAndSaysSo) {
  RouterOptions options;
  options.inspect_bytes = 10;
  const Response response = Get("/api/v1/targets", options);
  EXPECT_THAT(*response.body.bytes,
              HasSubstr("\"matches\":4,\"truncated\":true"));
}

TEST_F(RouterInspectTest, ExplainFindsByAddressLabelAndId) {
  const std::string by_address = Body("/api/v1/explain?job=web&address=a:1");
  EXPECT_THAT(by_address, HasSubstr(R"("matches":1)"));
  EXPECT_THAT(by_address,
              HasSubstr(R"("summary":"assigned to c0; c1 still scrapes it )"
                        R"(until the hand-over ends")"));
  EXPECT_EQ(Body("/api/v1/explain?env=x%26y"), by_address);
  const std::size_t at = by_address.find("\"id\":\"") + 6;
  EXPECT_EQ(Body("/api/v1/explain?id=" + by_address.substr(at, 32)),
            by_address);
}

TEST_F(RouterInspectTest, ExplainSaysWhatIsWrongWithTheQuestion) {
  EXPECT_EQ(Get("/api/v1/explain").status, 400);
  EXPECT_EQ(Get("/api/v1/explain?job=web").status, 400);
  EXPECT_EQ(Get("/api/v1/explain?job=wbe&address=a:1").status, 404);
  EXPECT_THAT(Body("/api/v1/explain?job=wbe&address=a:1"),
              HasSubstr(R"(unknown job wbe (did you mean \"web\"?))"));
  EXPECT_EQ(Get("/api/v1/explain?job=web&address=z").status, 404);
  EXPECT_EQ(Get("/api/v1/explain?id=12").status, 400);
  EXPECT_EQ(Get("/api/v1/explain?address=a:1&format=xml").status, 400);
}

TEST_F(RouterInspectTest, ExplainAnswersATerminalInText) {
  const Response response =
      Get("/api/v1/explain?job=web&address=a:1&format=text");
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_THAT(*response.body.bytes, HasSubstr("assigned to c0"));
  EXPECT_THAT(*response.body.bytes, Not(HasSubstr("{\"")));
}

}  // namespace
}  // namespace ta
