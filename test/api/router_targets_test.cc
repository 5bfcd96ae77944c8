// What collectors are answered, byte for byte where the Go allocator answers
// it, too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/router.h"
#include "test/api/router_fixture.h"

namespace ta {
namespace {

using test::MakeLabels;
using test::Scraper;

class RouterTargetsTest : public test::RouterFixture {};

// -- /scrape_configs --

TEST_F(RouterTargetsTest, ScrapeConfigsAreServedAsLoaded) {
  builder_.config().scrape_configs_json = R"({"web":{"job_name":"web"}})";
  const Response response = Get("/scrape_configs");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(BodyOf(response), R"({"web":{"job_name":"web"}})");
}

TEST_F(RouterTargetsTest, ScrapeConfigsDoNotWaitForTargets) {
  builder_.config().scrape_configs_json = "{}";
  builder_.raw().ready = false;
  builder_.raw().targets_served = false;
  EXPECT_EQ(BodyOf(Get("/scrape_configs")), "{}");
}

TEST_F(RouterTargetsTest, ScrapeConfigsWaitForTheConfiguration) {
  builder_.raw().configured = false;
  EXPECT_EQ(Get("/scrape_configs").status, 503);
  EXPECT_EQ(ErrorOf(Get("/scrape_configs")),
            "starting: no configuration loaded yet");
}

TEST_F(RouterTargetsTest, ScrapeConfigsAreNotEmptyWhileResourcesAreMissing) {
  builder_.config().scrape_configs_json = "{}";
  builder_.config().custom_resources_enabled = true;
  EXPECT_EQ(Get("/scrape_configs").status, 503);
  EXPECT_THAT(ErrorOf(Get("/scrape_configs")),
              testing::HasSubstr("prometheus_cr"));
  builder_.Job("web");
  builder_.config().scrape_configs_json = R"({"web":{}})";
  EXPECT_EQ(Get("/scrape_configs").status, 200);
}

// -- /jobs --

TEST_F(RouterTargetsTest, JobsListsThoseWithTargetsAndEscapesTheirLinks) {
  builder_.Member("c").Job("a/b c+d").Job("empty").Job("<x>").Job("lonely");
  builder_.Target("a/b c+d", "c", {{"__address__", "a:1"}});
  builder_.Target("<x>", "c", {{"__address__", "x:1"}});
  builder_.Unassigned("lonely", UnassignedReason::kNoNode,
                      {{"__address__", "l:1"}});
  EXPECT_EQ(BodyOf(Get("/jobs")),
            R"({"\u003cx\u003e":{"_link":"/jobs/%3Cx%3E/targets"},)"
            R"("a/b c+d":{"_link":"/jobs/a%2Fb+c%2Bd/targets"},)"
            R"("lonely":{"_link":"/jobs/lonely/targets"}})"
            "\n");
}

TEST_F(RouterTargetsTest, JobsWithoutAnyIsAnEmptyMap) {
  EXPECT_EQ(BodyOf(Get("/jobs")), "{}\n");
}

TEST_F(RouterTargetsTest, JobsWaitsForTargets) {
  builder_.raw().targets_served = false;
  builder_.raw().targets_wait = "waiting for file a.json";
  EXPECT_EQ(Get("/jobs").status, 503);
  EXPECT_EQ(ErrorOf(Get("/jobs")), "waiting for file a.json");
}

TEST_F(RouterTargetsTest, JobsLeavesOutWhatIsNotSynced) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  builder_.view("web").served = false;
  EXPECT_EQ(BodyOf(Get("/jobs")), "{}\n");
}

// -- /jobs/{job}/targets --

TEST_F(RouterTargetsTest, OneGroupATargetWithGroupLabelsUnderItsOwn) {
  builder_.Member("collector-0").Job("web");
  builder_.Target("web", "collector-0",
                  {{"__address__", "h:1"}, {"env", "own"}, {"zone", ""}},
                  {{"__meta_filepath", "/a.json"}, {"env", "group"}});
  const Response response = Get("/jobs/web/targets?collector_id=collector-0");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.route, Route::kTargets);
  EXPECT_EQ(BodyOf(response),
            R"([{"targets":["h:1"],"labels":{"__address__":"h:1",)"
            R"("__meta_filepath":"/a.json","env":"own","zone":""}}])"
            "\n");
}

TEST_F(RouterTargetsTest, TargetsComeInOrderOfTheirIds) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  builder_.Target("web", "c", {{"__address__", "b:1"}});
  const auto body = BodyOf(Get("/jobs/web/targets?collector_id=c"));
  const std::string a = R"({"targets":["a:1"],"labels":{"__address__":"a:1"}})";
  const std::string b = R"({"targets":["b:1"],"labels":{"__address__":"b:1"}})";
  EXPECT_THAT(body, testing::AnyOf("[" + a + "," + b + "]\n",
                                   "[" + b + "," + a + "]\n"));
}

TEST_F(RouterTargetsTest, WithoutACollectorIdAllAreAnswered) {
  builder_.Member("c 0").Member("c&1").Job("a b");
  builder_.Member("c2", MemberView::State::kDraining);
  builder_.Member("c3", MemberView::State::kDrained);
  builder_.Target("a b", "c 0", {{"__address__", "a:1"}}, {}, {"c2"});
  const std::string list =
      R"([{"targets":["a:1"],"labels":{"__address__":"a:1"}}])";
  const std::string link = R"("_link":"/debug/jobs/a+b/targets?collector_id=)";
  const std::string expected = R"({"c 0":{)" + link + R"(c 0","targets":)" +
                               list + R"(},"c\u00261":{)" + link +
                               R"(c\u00261","targets":[]},"c2":{)" + link +
                               R"(c2","targets":)" + list + "}}\n";
  EXPECT_EQ(BodyOf(Get("/jobs/a+b/targets")), expected);
  EXPECT_EQ(BodyOf(Get("/jobs/a%20b/targets")), expected);
}

TEST_F(RouterTargetsTest, TheRouteThatTheLinkNamesExists) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const Response response = Get("/debug/jobs/web/targets?collector_id=c");
  EXPECT_EQ(response.route, Route::kDebugTargets);
  EXPECT_EQ(BodyOf(response), BodyOf(Get("/jobs/web/targets?collector_id=c")));
}

TEST_F(RouterTargetsTest, NamesAreEscapedInPathAndQuery) {
  builder_.Member("c/0 x").Job("a/b c+d");
  builder_.Target("a/b c+d", "c/0 x", {{"__address__", "a:1"}});
  EXPECT_THAT(BodyOf(Get("/jobs/a%2Fb+c%2Bd/targets?collector_id=c%2F0+x")),
              testing::HasSubstr("a:1"));
}

TEST_F(RouterTargetsTest, TheFirstCollectorIdWinsAndAnEmptyOneIs400) {
  builder_.Member("a").Member("b").Job("web");
  builder_.Target("web", "a", {{"__address__", "a:1"}});
  EXPECT_THAT(BodyOf(Get("/jobs/web/targets?collector_id=a&collector_id=b")),
              testing::HasSubstr("a:1"));
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets?collector_id=b&collector_id=a")),
            "[]\n");
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=").status, 400);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id&collector_id=a").status, 400);
}

TEST_F(RouterTargetsTest, AnUnknownJobIs404AndARemovedOneIsEmpty) {
  builder_.Member("c").Job("web");
  builder_.raw().removed_jobs = {"old"};
  EXPECT_EQ(Get("/jobs/nobody/targets?collector_id=c").status, 404);
  EXPECT_EQ(Get("/jobs/nobody/targets").status, 404);
  EXPECT_EQ(BodyOf(Get("/jobs/old/targets?collector_id=c")), "[]\n");
  EXPECT_EQ(BodyOf(Get("/jobs/old/targets?collector_id=c&labels=relabeled")),
            "[]\n");
  EXPECT_EQ(BodyOf(Get("/jobs/old/targets")),
            R"({"c":{"_link":"/debug/jobs/old/targets?collector_id=c",)"
            R"("targets":[]}})"
            "\n");
}

TEST_F(RouterTargetsTest, NoMemberIsAnsweredEmptyWhileOthersAre) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets?collector_id=x")), "[]\n");
}

TEST_F(RouterTargetsTest, WithoutAnyMemberEveryCollectorIsAnswered503) {
  builder_.Job("web");
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=x").status, 503);
  EXPECT_EQ(ErrorOf(Get("/jobs/web/targets?collector_id=x")), "no collectors");
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets")), "{}\n");
  builder_.Member("gone", MemberView::State::kDrained);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=x").status, 503);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=gone").status, 503);
}

TEST_F(RouterTargetsTest, DrainingMembersAreServedAndDrainedOnesAreNot) {
  builder_.Member("a").Member("d", MemberView::State::kDraining);
  builder_.Member("e", MemberView::State::kDrained).Job("web");
  builder_.Target("web", "a", {{"__address__", "a:1"}}, {}, {"d", "e"});
  EXPECT_THAT(BodyOf(Get("/jobs/web/targets?collector_id=d")),
              testing::HasSubstr("a:1"));
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets?collector_id=e")), "[]\n");
}

TEST_F(RouterTargetsTest, ADrainingMemberAloneKeepsItsTargets) {
  builder_.Member("d", MemberView::State::kDraining).Job("web");
  builder_.Target("web", "d", {{"__address__", "a:1"}});
  EXPECT_THAT(BodyOf(Get("/jobs/web/targets?collector_id=d")),
              testing::HasSubstr("a:1"));
  EXPECT_EQ(BodyOf(Get("/jobs/web/targets?collector_id=x")), "[]\n");
}

TEST_F(RouterTargetsTest, TargetsWaitUntilTheyAreKnown) {
  builder_.Member("c").Job("web");
  builder_.raw().targets_served = false;
  builder_.raw().targets_wait = "waiting for the collector list";
  for (const char* target :
       {"/jobs/web/targets?collector_id=c", "/jobs/web/targets",
        "/jobs/nobody/targets?collector_id=c"}) {
    EXPECT_EQ(Get(target).status, 503) << target;
    EXPECT_EQ(ErrorOf(Get(target)), "waiting for the collector list");
  }
  builder_.raw().targets_wait = "";
  EXPECT_NE(ErrorOf(Get("/jobs/web/targets")), "");
}

TEST_F(RouterTargetsTest, AJobThatIsNotSyncedWaitsAlone) {
  builder_.Member("c").Job("web").Job("slow");
  builder_.view("slow").served = false;
  builder_.view("slow").waiting_for = "file a.json: permission denied";
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=c").status, 200);
  EXPECT_EQ(Get("/jobs/slow/targets?collector_id=c").status, 503);
  EXPECT_EQ(ErrorOf(Get("/jobs/slow/targets?collector_id=c")),
            "job slow: file a.json: permission denied");
}

// -- labels=relabeled --

TEST_F(RouterTargetsTest, RelabeledServesWhatTheRulesLeft) {
  RelabelConfig rule;
  rule.source_labels = {"__meta_name"};
  rule.target_label = "name";
  builder_.Member("c").Job("web", {rule},
                           MakeLabels({{"__metrics_path__", "/metrics"},
                                       {"__param_module", "http"},
                                       {"__scheme__", "http"},
                                       {"__scrape_interval__", "10s"},
                                       {"__scrape_timeout__", "5s"},
                                       {"job", "web"}}));
  builder_.Target("web", "c", {{"__address__", "h:1"}, {"__meta_name", "n"}});
  EXPECT_EQ(
      BodyOf(Get("/jobs/web/targets?collector_id=c&labels=relabeled")),
      R"([{"targets":["h:1"],"labels":{"__address__":"h:1",)"
      R"("__metrics_path__":"/metrics","__param_module":"http",)"
      R"("__scheme__":"http","__scrape_interval__":"10s",)"
      R"("__scrape_timeout__":"5s","instance":"h:1","job":"web","name":"n"}}])"
      "\n");
}

TEST_F(RouterTargetsTest, RelabeledNeedsRules) {
  builder_.Member("c").Job("web");
  builder_.config().filter_strategy = FilterStrategy::kNone;
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=c&labels=relabeled").status,
            400);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=c&labels=discovered").status,
            200);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=c&labels=other").status, 400);
}

// -- ETag, 304, gzip, HEAD, the cache --

TEST_F(RouterTargetsTest, AnUnchangedListIs304AndAChangedOneIsNot) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const Response first = Get("/jobs/web/targets?collector_id=c");
  ASSERT_FALSE(first.etag.empty());
  Request again = Scraper("/jobs/web/targets?collector_id=c");
  again.if_none_match = first.etag;
  const Response unchanged = Handle(again);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.etag, first.etag);
  EXPECT_EQ(BodyOf(unchanged), "");
  builder_.Target("web", "c", {{"__address__", "b:1"}});
  EXPECT_EQ(Handle(again).status, 200);
}

TEST_F(RouterTargetsTest, ETagsTellModesRulesAndCollectorsApart) {
  builder_.Member("c").Member("d").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const auto etag = [&](std::string_view target) { return Get(target).etag; };
  const std::string plain = etag("/jobs/web/targets?collector_id=c");
  const std::string relabeled =
      etag("/jobs/web/targets?collector_id=c&labels=relabeled");
  EXPECT_NE(plain, relabeled);
  EXPECT_NE(plain, etag("/jobs/web/targets?collector_id=d"));
  EXPECT_NE(plain, etag("/jobs/web/targets"));
  builder_.view("web").rules_digest = 99;
  EXPECT_EQ(plain, etag("/jobs/web/targets?collector_id=c"));
  EXPECT_NE(relabeled,
            etag("/jobs/web/targets?collector_id=c&labels=relabeled"));
}

TEST_F(RouterTargetsTest, EqualListsAreRenderedOnce) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const Response first = Get("/jobs/web/targets?collector_id=c");
  builder_.raw().generation = 7;  // another snapshot, the same list
  const Response second = Get("/jobs/web/targets?collector_id=c");
  EXPECT_EQ(first.body.bytes.get(), second.body.bytes.get());
  EXPECT_EQ(router_.cache().stats().hit_bytes, BodyOf(first).size());
}

TEST_F(RouterTargetsTest, OnlyWhatIsRenderedCountsAsRendering) {
  builder_.Member("c").Job("web");
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const StageStats& rendering = router_.rendering();
  Request request = Scraper("/jobs/web/targets?collector_id=c");
  const Response first = Handle(request);
  const std::uint64_t bytes = BodyOf(first).size();
  EXPECT_EQ(rendering.items.load(), bytes);
  Handle(request);  // from the cache
  request.if_none_match = first.etag;
  EXPECT_EQ(Handle(request).status, 304);
  Get("/livez");
  EXPECT_EQ(rendering.items.load(), bytes);
  builder_.Target("web", "c", {{"__address__", "b:1"}});
  const Response changed = Handle(request);
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(rendering.items.load(), bytes + BodyOf(changed).size());
}

TEST_F(RouterTargetsTest, ChangedRulesAreRenderedAnew) {
  RelabelConfig rule;
  rule.target_label = "x";
  rule.replacement = "1";
  builder_.Member("c").Job("web", {rule});
  builder_.Target("web", "c", {{"__address__", "a:1"}});
  const char* target = "/jobs/web/targets?collector_id=c&labels=relabeled";
  EXPECT_THAT(BodyOf(Get(target)), testing::HasSubstr(R"("x":"1")"));
  rule.replacement = "2";
  builder_.Job("web", {rule});
  builder_.view("web").rules_digest = 2;
  EXPECT_THAT(BodyOf(Get(target)), testing::HasSubstr(R"("x":"2")"));
}

TEST_F(RouterTargetsTest, GzipIsUsedWhereItIsTakenAndWorthIt) {
  builder_.Member("c").Member("d").Job("web");
  for (int i = 0; i < 50; ++i) {
    builder_.Target("web", "c", {{"__address__", "a:" + std::to_string(i)}});
  }
  Request request;
  request.method = "GET";
  request.target = "/jobs/web/targets?collector_id=c";
  const Response plain = Handle(request);
  request.accept_encoding = "gzip";
  const Response packed = Handle(request);
  EXPECT_FALSE(plain.body.gzipped);
  EXPECT_TRUE(packed.body.gzipped);
  EXPECT_EQ(plain.vary, "Accept-Encoding");
  EXPECT_EQ(packed.vary, "Accept-Encoding");
  EXPECT_EQ(plain.etag, packed.etag);
  EXPECT_LT(BodyOf(packed).size(), BodyOf(plain).size() / 4);
  request.target = "/jobs/web/targets?collector_id=d";
  const Response small = Handle(request);
  EXPECT_FALSE(small.body.gzipped);
  EXPECT_EQ(BodyOf(small), "[]\n");
}

TEST_F(RouterTargetsTest, NamesThatWouldBreakTheMetricsAreRefused) {
  builder_.Member("c").Job("web");
  for (const std::string name :
       {"a%FF", "%00", "a%0Ab", "%1b", "%7f", "%C2%85", "%C0%80"}) {
    const std::string target = "/jobs/web/targets?collector_id=" + name;
    const Response response = Handle(Scraper(target));
    EXPECT_EQ(response.status, 400) << name;
    EXPECT_THAT(ErrorOf(response), testing::StartsWith("collector_id: "));
    EXPECT_FALSE(response.poll.has_value()) << name;
    EXPECT_FALSE(response.hold) << name;
  }
  const std::string longest(253, 'x');
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=" + longest).status, 200);
  EXPECT_EQ(Get("/jobs/web/targets?collector_id=" + longest + "x").status, 400);
}

}  // namespace
}  // namespace ta
