// What probes and people are answered.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::SnapshotBuilder;
using testing::HasSubstr;

Response Get(const Snapshot& snapshot, std::string_view target) {
  RouterOptions options;
  options.version = "1.2.3";
  Router router(options);
  Request request;
  request.method = "GET";
  request.target = target;
  return router.Handle(request, snapshot);
}

std::string BodyOf(const Response& response) {
  return response.body.bytes ? *response.body.bytes : "";
}

TEST(RouterStatusTest, LivezIsAnEmpty200FromTheFirstMoment) {
  const Response response = Get(Snapshot(), "/livez");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(BodyOf(response), "");
}

TEST(RouterStatusTest, ReadyzIsAnEmpty200OnceReady) {
  const Response response = Get(*SnapshotBuilder().Build(), "/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(BodyOf(response), "");
}

TEST(RouterStatusTest, ReadyzSaysWhatItWaitsFor) {
  SnapshotBuilder builder;
  builder.raw().ready = false;
  builder.raw().waiting_for = "waiting for the collector list";
  const Response response = Get(*builder.Build(), "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(BodyOf(response),
            "{\"error\":\"waiting for the collector list\"}\n");
  EXPECT_EQ(BodyOf(Get(Snapshot(), "/readyz")),
            "{\"error\":\"starting: not ready yet\"}\n");
}

TEST(RouterStatusTest, ReadyzNamesTheJobsThatAreNotSynced) {
  SnapshotBuilder builder;
  builder.raw().jobs_not_synced = {"a", "b"};
  const Response response = Get(*builder.Build(), "/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(BodyOf(response),
            "ready, without jobs that are not synced: a, b\n");
}

TEST(RouterStatusTest, IndexListsThePaths) {
  const std::string body = BodyOf(Get(Snapshot(), "/"));
  for (const char* path : {"/scrape_configs", "/jobs/{job}/targets", "/livez",
                           "/api/v1/status", "/-/reload"}) {
    EXPECT_THAT(body, HasSubstr(path));
  }
}

TEST(RouterStatusTest, StatusShowsTheWholeState) {
  SnapshotBuilder builder;
  builder.Member("a").Member("b", MemberView::State::kDraining).Job("web");
  builder.Target("web", "a", {{"__address__", "a:1"}});
  builder.config().path = "/conf/ta.yaml";
  builder.config().members = StaticMembers{};
  builder.config().unimplemented_mechanisms = {{"consul", 2}};
  builder.config().warnings = {"unknown key x"};
  Snapshot& raw = builder.raw();
  raw.generation = 7;
  raw.digest = 0xabc;
  raw.strangers = {"who"};
  raw.reload = {false, 1700000000, {"ta.yaml:1:1: empty"}};
  auto discoverer = std::make_shared<DiscovererView>();
  discoverer->mechanism = "file";
  discoverer->key = "file a.json";
  discoverer->jobs = {"web"};
  discoverer->synced = true;
  discoverer->problem = "a.json: not a list";
  discoverer->groups = 1;
  discoverer->targets = 1;
  raw.discoverers = {discoverer};
  EXPECT_EQ(
      BodyOf(Get(*builder.Build(), "/api/v1/status")),
      R"({"version":"1.2.3","generation":7,"digest":"0000000000000abc",)"
      R"("ready":true,"waiting_for":"","targets_served":true,)"
      R"("targets_wait":"","jobs_not_synced":[],"removed_jobs":[],)"
      R"("config":{"path":"/conf/ta.yaml","jobs":1,"unknown_keys":0,)"
      R"("prometheus_cr_enabled":false,)"
      R"("unimplemented_mechanisms":{"consul":2},)"
      R"("warnings":["unknown key x"],)"
      R"("last_reload":{"successful":false,)"
      R"("last_success_unix_seconds":1700000000,)"
      R"("mistakes":["ta.yaml:1:1: empty"]}},)"
      R"("assignment":{"strategy":"consistent-hashing",)"
      R"("max_load_ratio":1.05,"filter_strategy":"relabel-config",)"
      R"("hand_over":"overlap","hand_overs_open":0},)"
      R"("collectors":{"source":"static","problem":"","members":[)"
      R"({"name":"a","state":"live","reason":"","node":"","targets":0,)"
      R"("handing_over":0},)"
      R"({"name":"b","state":"draining","reason":"","node":"","targets":0,)"
      R"("handing_over":0}],)"
      R"("pods_left_out":[],"asking_but_no_member":["who"]},)"
      R"("jobs":[{"name":"web","served":true,"waiting_for":"",)"
      R"("discovered":1,"assigned":1,"unassigned":0,"dropped":0,)"
      R"("duplicates":0,"invalid":0}],)"
      R"("discoverers":[{"mechanism":"file","key":"file a.json",)"
      R"("synced":true,"problem":"a.json: not a list","groups":1,)"
      R"("targets":1,"jobs":["web"]}]})"
      "\n");
}

TEST(RouterStatusTest, StatusShowsPodsAndWhySomeAreNoMembers) {
  SnapshotBuilder builder;
  builder.Member("a", MemberView::State::kGrace);
  Snapshot snapshot = *builder.Build();
  MemberView member = snapshot.members[0];
  member.reason = "pod is not ready";
  member.pod_uid = "1-2";
  member.since = TimePoint(std::chrono::seconds(100));
  snapshot.members = SharedBlocks(std::vector{member});
  snapshot.left_out = {{"b", "pod is Pending"}};
  RouterOptions options;
  options.now = [] { return TimePoint(std::chrono::milliseconds(107'900)); };
  const std::string body = BodyOf(Router(options).Handle(
      Request{.method = "GET", .target = "/api/v1/status"}, snapshot));
  EXPECT_THAT(body,
              HasSubstr(R"({"name":"a","state":"grace","reason":)"
                        R"("pod is not ready","node":"","seconds_in_state":7,)"
                        R"("pod_uid":"1-2","targets":0,"handing_over":0})"));
  EXPECT_THAT(body, HasSubstr(R"("pods_left_out":[{"name":"b","reason":)"
                              R"("pod is Pending"}])"));
}

TEST(RouterStatusTest, StatusAnswersBeforeAnythingIsKnown) {
  const Response response = Get(Snapshot(), "/api/v1/status");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(BodyOf(response), HasSubstr("\"ready\":false"));
}

}  // namespace
}  // namespace ta
