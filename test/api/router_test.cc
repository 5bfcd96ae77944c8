#include "api/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::SnapshotBuilder;

Response Ask(Router& router, const Snapshot& snapshot, std::string_view target,
             std::string_view method = "GET") {
  Request request;
  request.method = method;
  request.target = target;
  return router.Handle(request, snapshot);
}

std::string BodyOf(const Response& response) {
  return response.body.bytes ? *response.body.bytes : "";
}

TEST(RouterTest, UnknownPathsAre404WithAnError) {
  Router router;
  const auto snapshot = SnapshotBuilder().Job("web").Build();
  for (const char* target :
       {"/nothing", "/jobs/web", "/jobs//targets", "/jobs/targets",
        "/jobs/web/targets/x", "/jobs/a/b/targets", "/debug", "/debug/job/x",
        "/api/v1", "/api/v1/simulate", "//jobs", "/Jobs", "/-/"}) {
    const Response response = Ask(router, *snapshot, target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_TRUE(BodyOf(response).starts_with("{\"error\":\"")) << target;
    EXPECT_EQ(response.route, Route::kUnknown) << target;
  }
}

TEST(RouterTest, PprofIs404WithAPointer) {
  Router router;
  const auto snapshot = SnapshotBuilder().Build();
  const Response response = Ask(router, *snapshot, "/debug/pprof/heap");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(BodyOf(response), testing::HasSubstr("SIGUSR2"));
}

TEST(RouterTest, OtherMethodsAre405WithWhatIsAllowed) {
  Router router;
  const auto snapshot = SnapshotBuilder().Job("web").Build();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "X"}) {
    for (const char* target :
         {"/", "/jobs", "/jobs/web/targets", "/livez", "/api/v1/status"}) {
      const Response response = Ask(router, *snapshot, target, method);
      EXPECT_EQ(response.status, 405) << method << ' ' << target;
      EXPECT_EQ(response.allow, "GET, HEAD") << method << ' ' << target;
      EXPECT_EQ(BodyOf(response), "{\"error\":\"method not allowed\"}\n");
    }
  }
  EXPECT_EQ(Ask(router, *snapshot, "/-/reload").status, 405);
  EXPECT_EQ(Ask(router, *snapshot, "/-/reload").allow, "POST");
  EXPECT_EQ(Ask(router, *snapshot, "/nothing", "POST").status, 404);
}

TEST(RouterTest, AnExtraSlashRedirects) {
  Router router;
  const auto snapshot = SnapshotBuilder().Job("web").Build();
  const std::pair<const char*, const char*> cases[] = {
      {"/jobs/", "/jobs"},
      {"/scrape_configs/", "/scrape_configs"},
      {"/jobs/a%2Fb/targets/?collector_id=c",
       "/jobs/a%2Fb/targets?collector_id=c"},
  };
  for (const auto& [target, location] : cases) {
    const Response response = Ask(router, *snapshot, target);
    EXPECT_EQ(response.status, 301) << target;
    EXPECT_EQ(response.location, location) << target;
  }
}

TEST(RouterTest, NeverRedirectsToAnotherHost) {
  Router router;
  const auto snapshot = SnapshotBuilder().Build();
  EXPECT_EQ(Ask(router, *snapshot, "//evil.example/").status, 404);
  EXPECT_EQ(Ask(router, *snapshot, "//jobs/").status, 404);
}

TEST(RouterTest, BrokenPercentEncodingIs400) {
  Router router;
  const auto snapshot = SnapshotBuilder().Member("c").Job("web").Build();
  for (const char* target :
       {"/jobs/%/targets", "/jobs/%zz/targets?collector_id=c",
        "/jobs/web/targets?collector_id=%", "/jobs/web/targets?a=1;b=2",
        "/jobs?%zz", "jobs", "*", ""}) {
    const Response response = Ask(router, *snapshot, target);
    EXPECT_EQ(response.status, target == std::string("") ? 200 : 400)
        << '"' << target << '"';
  }
}

TEST(RouterTest, ReloadAsksTheServerForOne) {
  Router router;
  const auto snapshot = SnapshotBuilder().Build();
  const Response response = Ask(router, *snapshot, "/-/reload", "POST");
  EXPECT_TRUE(response.reload);
  EXPECT_EQ(response.route, Route::kReload);

  EXPECT_EQ(Router::ReloadResponse({}).status, 200);
  const Response failed = Router::ReloadResponse(
      Reject("ta.yaml:3:5: unknown strategy\nta.yaml:9:1: no job_name"));
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(BodyOf(failed),
            "{\"error\":\"ta.yaml:3:5: unknown strategy\\n"
            "ta.yaml:9:1: no job_name\"}\n");
}

TEST(RouterTest, AnErrorIsNeverEmptyAndNeverAMapOfJobs) {
  EXPECT_EQ(BodyOf(Router::ErrorResponse(503, "")),
            "{\"error\":\"unknown error\"}\n");
}

TEST(RouterTest, MetricsComeFromTheCallback) {
  RouterOptions options;
  options.metrics = [] { return std::string("up 1\n"); };
  Router router(options);
  const auto snapshot = SnapshotBuilder().Build();
  const Response response = Ask(router, *snapshot, "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(BodyOf(response), "up 1\n");
}

TEST(RouterTest, RoutesHaveTheGoAllocatorsTemplates) {
  EXPECT_EQ(RouteTemplate(Route::kTargets), "/jobs/:job_id/targets");
  EXPECT_EQ(RouteTemplate(Route::kScrapeConfigs), "/scrape_configs");
  EXPECT_EQ(RouteTemplate(Route::kUnknown), "");
  for (int i = 1; i < kRoutes; ++i) {
    EXPECT_NE(RouteTemplate(static_cast<Route>(i)), "") << i;
  }
}

}  // namespace
}  // namespace ta
