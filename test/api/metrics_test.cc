#include "api/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kScope =
    R"(otel_scope_name="targetallocator",otel_scope_schema_url="",)"
    R"(otel_scope_version="")";

std::string SnapshotText(test::SnapshotBuilder& builder) {
  SnapshotHolder holder;
  holder.Set(builder.Build());
  return MetricsText({std::make_shared<SnapshotMetrics>(holder)});
}

TEST(SnapshotMetricsTest, HasTheGoAllocatorsNamesTypesAndLabels) {
  test::SnapshotBuilder builder;
  builder.Member("a").Member("b").Job("web").Job("db");
  builder.Target("web", "a", {{"__address__", "a:1"}});
  builder.Target("web", "b", {{"__address__", "b:1"}});
  builder.Unassigned("db", UnassignedReason::kNoNode, {{"__address__", "c:1"}});
  const std::string text = SnapshotText(builder);
  const std::string scope(kScope);
  for (const std::string& line : {
           "# TYPE opentelemetry_allocator_collectors_allocatable gauge\n"
           "opentelemetry_allocator_collectors_allocatable{"
           "strategy=\"consistent-hashing\"," +
               scope + "} 2\n",
           "opentelemetry_allocator_collectors_discovered{" + scope + "} 2\n",
           "opentelemetry_allocator_targets{job_name=\"web\"," + scope +
               "} 2\n",
           "opentelemetry_allocator_targets_per_collector{"
           "collector_name=\"a\",strategy=\"consistent-hashing\"," +
               scope + "} 0\n",
           "opentelemetry_allocator_targets_remaining{" + scope + "} 3\n",
           "opentelemetry_allocator_targets_unassigned{" + scope + "} 1\n",
           std::string("prometheus_sd_discovered_targets{config=\"web\","
                       "name=\"\"} 2\n"),
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SnapshotMetricsTest, EveryDegradedStateShows) {
  test::SnapshotBuilder builder;
  builder.Member("d", MemberView::State::kDraining).Job("web");
  builder.view("web").served = false;
  Snapshot& raw = builder.raw();
  raw.ready = false;
  raw.reload = {false, 1700000000, {"mistake"}};
  raw.strangers = {"x", "y"};
  raw.members_problem = "no such file";
  raw.hand_overs_open = 3;
  raw.totals.moves_members = 4;
  raw.totals.hand_overs_timed_out = 5;
  raw.totals.overlap_seconds.Add(7);
  builder.config().unknown_keys = 6;
  builder.config().unimplemented_mechanisms = {{"consul", 8}};
  builder.config().custom_resources_enabled = true;
  auto discoverer = std::make_shared<DiscovererView>();
  discoverer->mechanism = "file";
  discoverer->problem = "unreadable";
  raw.discoverers = {discoverer};
  const std::string text = SnapshotText(builder);
  for (const char* line : {
           "target_allocator_ready 0\n",
           "target_allocator_config_last_reload_successful 0\n",
           "target_allocator_config_last_reload_success_timestamp_seconds "
           "1700000000\n",
           "target_allocator_config_unknown_keys 6\n",
           "target_allocator_unimplemented_mechanism_jobs{"
           "mechanism=\"consul\"} 8\n",
           "target_allocator_prometheus_cr_unimplemented 1\n",
           "target_allocator_members{state=\"live\"} 0\n",
           "target_allocator_members{state=\"grace\"} 0\n",
           "target_allocator_members{state=\"draining\"} 1\n",
           "target_allocator_members_problem 1\n",
           "target_allocator_pods_left_out 0\n",
           "target_allocator_strangers 2\n",
           "target_allocator_discoverers{mechanism=\"file\","
           "state=\"not_synced\"} 1\n",
           "target_allocator_discoverer_problems{mechanism=\"file\"} 1\n",
           "target_allocator_jobs_not_synced 1\n",
           "target_allocator_hand_overs_open 3\n",
           "target_allocator_moves_total{reason=\"members\"} 4\n",
           "target_allocator_hand_overs_timed_out_total 5\n",
           "target_allocator_hand_over_overlap_seconds_bucket{le=\"5\"} 0\n",
           "target_allocator_hand_over_overlap_seconds_bucket{le=\"10\"} 1\n",
           "target_allocator_hand_over_overlap_seconds_bucket{le=\"+Inf\"} 1\n",
           "target_allocator_hand_over_overlap_seconds_sum 7\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SnapshotMetricsTest, AnswersBeforeThereIsAConfiguration) {
  SnapshotHolder holder;
  const std::string text =
      MetricsText({std::make_shared<SnapshotMetrics>(holder)});
  EXPECT_THAT(text, HasSubstr("target_allocator_ready 0\n"));
}

TEST(MetricsTextTest, LabelValuesAreEscaped) {
  test::SnapshotBuilder builder;
  builder.Job("a\"b\\c\nd");
  EXPECT_THAT(SnapshotText(builder), HasSubstr(R"({job_name="a\"b\\c\nd",)"));
}

TEST(MetricsTextTest, FamiliesAreSortedAndEmptyOnesLeftOut) {
  test::SnapshotBuilder builder;
  const std::string text = SnapshotText(builder);
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != text.npos;) {
    at += 7;
    names.push_back(text.substr(at, text.find(' ', at) - at));
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_THAT(names, Not(testing::Contains("opentelemetry_allocator_targets")));
}

// Each stage is counted where it runs; two families of one name would make the
// page unreadable.
TEST(MetricsTextTest, StagesOfSeveralSourcesAreOneFamily) {
  SnapshotHolder holder;
  ServiceStats service;
  service.stages[static_cast<std::size_t>(Stage::kAssign)].Record(
      std::chrono::milliseconds(2), 7);
  const ServerStats server;
  const Router router;
  const std::string text =
      MetricsText({std::make_shared<ServerMetrics>(server, router),
                   std::make_shared<ServiceMetrics>(service, holder)});
  const std::string type =
      "# TYPE target_allocator_stage_duration_seconds histogram\n";
  ASSERT_THAT(text, HasSubstr(type));
  EXPECT_EQ(text.find(type), text.rfind(type));
  const std::string name = "\ntarget_allocator_stage_";
  for (const char* line :
       {R"(duration_seconds_bucket{stage="assign",le="0.001"} 0)",
        R"(duration_seconds_bucket{stage="assign",le="0.003"} 1)",
        R"(duration_seconds_bucket{stage="assign",le="10"} 1)",
        R"(duration_seconds_count{stage="assign"} 1)",
        R"(duration_seconds_sum{stage="assign"} 0.002)",
        R"(duration_seconds_count{stage="relabel"} 0)",
        R"(duration_seconds_count{stage="render"} 0)",
        R"(items_total{stage="assign"} 7)"}) {
    EXPECT_THAT(text, HasSubstr(name + line + "\n"));
  }
}

TEST(ServiceMetricsTest, ShowsTheQueue) {
  SnapshotHolder holder;
  ServiceStats stats;
  const auto text = [&] {
    return MetricsText({std::make_shared<ServiceMetrics>(stats, holder)});
  };
  EXPECT_THAT(text(), HasSubstr("\ntarget_allocator_queue_age_seconds 0\n"));
  EXPECT_THAT(text(), HasSubstr("\ntarget_allocator_queue_events 0\n"));
  stats.waiting_events = 3;
  stats.waiting_since =
      std::chrono::steady_clock::now() - std::chrono::hours(1);
  stats.event_wait.Record(std::chrono::milliseconds(50));
  Add(stats.coalesced_events, 4);
  for (const char* line :
       {"queue_events 3", "coalesced_events_total 4",
        "event_wait_seconds_bucket{le=\"0.03\"} 0",
        "event_wait_seconds_bucket{le=\"0.1\"} 1", "queue_age_seconds 36"}) {
    EXPECT_THAT(text(), HasSubstr(std::string("\ntarget_allocator_") + line));
  }
}

TEST(ServiceMetricsTest, MeasuresWhatTheGoAllocatorMeasures) {
  SnapshotHolder holder;
  test::SnapshotBuilder builder;
  holder.Set(builder.Build());
  ServiceStats stats;
  stats.apply_targets.Record(std::chrono::milliseconds(2));
  Add(stats.config_events);
  Add(stats.polls, 3);
  const std::string text =
      MetricsText({std::make_shared<ServiceMetrics>(stats, holder)});
  EXPECT_THAT(text, HasSubstr("opentelemetry_allocator_events_total{"
                              "source=\"EventSourceConfigMap\"," +
                              std::string(kScope) + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("\ntarget_allocator_polls_total 3\n"));
  EXPECT_THAT(text, HasSubstr("opentelemetry_allocator_time_to_allocate_count{"
                              "method=\"SetTargets\","
                              "strategy=\"consistent-hashing\"," +
                              std::string(kScope) + "} 1\n"));
  EXPECT_THAT(text, HasSubstr(",le=\"0.0025\"} 1\n"));
}

TEST(ProcessMetricsTest, ReadsItsOwnProcess) {
  const std::string text =
      MetricsText({std::make_shared<ProcessMetrics>("1.2.3")});
  for (const char* name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
        "process_start_time_seconds"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + " ")) << name;
  }
  EXPECT_THAT(text, HasSubstr("target_allocator_build_info{algorithm=\"1\","
                              "version=\"1.2.3\"} 1\n"));
}

TEST(AtomicHistogramTest, CountsIntoTheFirstBucketThatHolds) {
  AtomicHistogram histogram;
  histogram.Record(std::chrono::microseconds(100));  // equal to the first bound
  histogram.Record(std::chrono::microseconds(101));
  histogram.Record(std::chrono::seconds(100));
  histogram.Record(std::chrono::seconds(-1));  // a clock that went back
  EXPECT_EQ(histogram.count(0), 2u);
  EXPECT_EQ(histogram.count(1), 1u);
  EXPECT_EQ(histogram.count(AtomicHistogram::kBounds.size()), 1u);
  EXPECT_NEAR(histogram.sum_seconds(), 100.0002, 0.0001);
}

TEST(MetricsTextTest, LabelValuesAreUtf8WhateverTheNames) {
  test::SnapshotBuilder builder;
  builder.Member("a").Job("w\xff\n\"");
  builder.Target("w\xff\n\"", "a", {{"__address__", "a:1"}});
  const std::string text = SnapshotText(builder);
  EXPECT_THAT(text, HasSubstr("job_name=\"w\ufffd\\n\\\"\""));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
}

}  // namespace
}  // namespace ta
