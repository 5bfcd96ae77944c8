// The whole metrics page, as the program wires it, beside the list of what the
// Go allocator has: dashboards and alerts made for that must go on working.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "allocator/discovery_metrics.h"
#include "allocator/telemetry/telemetry.h"
#include "api/metrics.h"
#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;

class IgnoringSink final : public UpdateSink {
 public:
  void Discovered(DiscoveryUpdate) override {}
  void Members(MembersUpdate) override {}
};

// What a page says of a family.
struct Family {
  std::string type;
  std::set<std::string> labels;  // of all samples, without `le` and `quantile`
};

// The name of the family that a sample belongs to.
std::string FamilyOf(const std::string& sample,
                     const std::map<std::string, Family>& families) {
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(suffix)) continue;
    std::string base = sample.substr(0, sample.size() - suffix.size());
    if (families.contains(base)) return base;
  }
  return sample;
}

std::map<std::string, Family> ParsePage(const std::string& page) {
  std::map<std::string, Family> families;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name, type;
    if (line.starts_with("# TYPE ")) {
      words >> hash >> kind >> name >> type;
      families[name].type = type;
    }
    if (line.starts_with("#")) continue;
    const std::size_t end = line.find_first_of("{ ");
    Family& family = families[FamilyOf(line.substr(0, end), families)];
    // `name="value"`, no value of these tests has a quote in it.
    for (std::size_t at = end; line[at] != ' ';) {
      const std::size_t equals = line.find("=\"", at);
      if (equals == std::string::npos) break;
      const std::string label = line.substr(at + 1, equals - at - 1);
      if (label != "le" && label != "quantile") family.labels.insert(label);
      at = line.find('"', equals + 2) + 1;
      if (line[at] == '}') break;
    }
  }
  return families;
}

// A page on which every family has a sample.
std::string FullPage() {
  test::SnapshotBuilder builder;
  builder.Member("a").Job("web");
  builder.Target("web", "a", {{"__address__", "a:1"}});
  SnapshotHolder snapshots;
  snapshots.Set(builder.Build());
  ServerStats server;
  server.http_duration[static_cast<int>(Route::kTargets)].Record(
      std::chrono::milliseconds(1));
  ServiceStats service;
  service.job_updates.Record({"web"}, std::chrono::milliseconds(1), 1.7e9);
  const Router router;
  IgnoringSink sink;
  DiscoveryManager manager(&sink);
  manager.file_counters().SetModified(&sink, "/targets/a.json", 1.6e9);
  manager.file_counters().CountScan(0.25, std::chrono::steady_clock::now());
  const auto series = manager.refresh_counters().SeriesOf("http", "web");
  series->Count(0.5, true, std::chrono::steady_clock::now());
  TelemetryConfig telemetry;
  telemetry.readers.emplace_back();
  return MetricsText({std::make_shared<SnapshotMetrics>(snapshots),
                      std::make_shared<ServerMetrics>(server, router),
                      std::make_shared<ServiceMetrics>(service, snapshots),
                      std::make_shared<ProcessMetrics>("1.2.3"),
                      std::make_shared<DiscoveryMetrics>(manager),
                      std::make_shared<TelemetryMetrics>(telemetry)});
}

TEST(MetricsPageTest, HasWhatTheGoAllocatorHas) {
  const auto families = ParsePage(FullPage());
  std::ifstream fixture(TA_TESTDATA "/metrics/go_allocator.txt");
  int known = 0;
  for (std::string line; std::getline(fixture, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string name, type, label;
    words >> name >> type;
    if (name == "absent") {
      EXPECT_TRUE(type.ends_with(":")) << line;
      EXPECT_THAT(families, Not(Contains(Key(type.substr(0, type.size() - 1)))))
          << "is here: say so in the list";
      continue;
    }
    ++known;
    ASSERT_TRUE(families.contains(name)) << name;
    std::set<std::string> labels;
    while (std::getline(words >> std::ws, label, ',')) labels.insert(label);
    if (name.starts_with("opentelemetry_allocator_")) {
      labels.insert(
          {"otel_scope_name", "otel_scope_schema_url", "otel_scope_version"});
    }
    EXPECT_EQ(families.at(name).type, type) << name;
    EXPECT_EQ(families.at(name).labels, labels) << name;
  }
  EXPECT_GT(known, 25);
}

TEST(MetricsPageTest, EveryFamilyIsInTheDocs) {
  std::ifstream file(TA_SOURCE "/docs/metrics.md");
  std::ostringstream docs;
  docs << file.rdbuf();
  const auto families = ParsePage(FullPage());
  EXPECT_GT(families.size(), 60u);
  for (const auto& [name, family] : families) {
    EXPECT_THAT(docs.str(), HasSubstr("`" + name + "`"));
  }
}

TEST(MetricsPageTest, NoneIsOfAnotherRuntime) {
  for (const auto& [name, family] : ParsePage(FullPage())) {
    EXPECT_FALSE(name.starts_with("go_")) << name;
  }
}

TEST(MetricsPageTest, ScansHaveTheQuantilesOfPrometheus) {
  const std::string page = FullPage();
  for (const char* quantile : {"0.5", "0.9", "0.99"}) {
    EXPECT_THAT(
        page, HasSubstr("prometheus_sd_file_scan_duration_seconds{quantile=\"" +
                        std::string(quantile) + "\"} 0.25\n"));
  }
  EXPECT_THAT(page, HasSubstr("_scan_duration_seconds_count 1\n"));
}

}  // namespace
}  // namespace ta
