#include "allocator/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

namespace ta {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The mistakes of a text as one would read them, or none.
std::vector<std::string> MistakesOf(std::string_view text,
                                    const LoadOptions& options = {}) {
  std::vector<std::string> out;
  const auto config = LoadConfig("dir/ta.yaml", text, options);
  if (config) return out;
  for (const auto& mistake : config.error()) out.push_back(mistake.ToString());
  return out;
}

Config Loaded(std::string_view text, const LoadOptions& options = {}) {
  auto config = LoadConfig("dir/ta.yaml", text, options);
  if (config) return std::move(*config);
  for (const auto& mistake : config.error())
    ADD_FAILURE() << mistake.ToString();
  return {};
}

constexpr std::string_view kSmall = R"(
collectors:
  static: [collector-0, {name: collector-1, node: node-1}]
config:
  scrape_configs:
  - job_name: web
    static_configs:
    - targets: [a:80, b:80]
      labels: {env: prod}
    file_sd_configs:
    - files: [targets/*.json]
)";

TEST(LoadConfigTest, AllocatorsFileGivesJobsAndMembers) {
  const Config config = Loaded(kSmall);
  const auto& members = std::get<StaticMembers>(config.members).collectors;
  EXPECT_THAT(members, ElementsAre(StaticCollector{"collector-0", ""},
                                   StaticCollector{"collector-1", "node-1"}));
  ASSERT_EQ(config.jobs.size(), 1u);
  const ScrapeConfig& job = *config.jobs[0];
  EXPECT_EQ(job.job_name, "web");
  EXPECT_EQ(job.scrape_interval, std::chrono::minutes(1));
  ASSERT_EQ(job.discoveries.size(), 2u);
  const auto& groups =
      std::get<StaticDiscovery>(job.discoveries[0].settings).groups;
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].source, "0");
  EXPECT_EQ(groups[0].labels, Labels::Of({{"env", "prod"}}));
  EXPECT_THAT(groups[0].targets,
              ElementsAre(Labels::Of({{"__address__", "a:80"}}),
                          Labels::Of({{"__address__", "b:80"}})));
  const auto& files = std::get<FileDiscovery>(job.discoveries[1].settings);
  EXPECT_THAT(files.files, ElementsAre("dir/targets/*.json"));
  EXPECT_EQ(files.refresh_interval, std::chrono::minutes(5));
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(LoadConfigTest, SeedsAreWhatPrometheusPopulates) {
  const Config config = Loaded(R"(
collectors: {polling: {}}
config:
  global: {scrape_interval: 90s}
  scrape_configs:
  - job_name: web
    params: {module: [http_2xx, other], empty: []}
)");
  EXPECT_EQ(config.jobs.at(0)->seeds,
            Labels::Of({{"job", "web"},
                        {"__scheme__", "http"},
                        {"__metrics_path__", "/metrics"},
                        {"__scrape_interval__", "1m30s"},
                        {"__scrape_timeout__", "10s"},
                        {"__param_module", "http_2xx"},
                        {"__convert_classic_histograms_to_nhcb__", "false"},
                        {"__always_scrape_classic_histograms__", "false"},
                        {"__scrape_native_histograms__", "false"}}));
}

TEST(LoadConfigTest, PrometheusFileHasPollingMembers) {
  const Config config =
      Loaded("scrape_configs: [{job_name: a}]\nalerting: {}\n");
  EXPECT_TRUE(std::holds_alternative<PollingMembers>(config.members));
  EXPECT_THAT(
      config.warnings,
      ElementsAre(HasSubstr("not used here, and not checked: alerting")));
}

TEST(LoadConfigTest, AllMistakesAreSaidAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(MistakesOf("collectors: {static: [a, a]}\n"
                         "config:\n"
                         "  scrape_configs:\n"
                         "  - job_name: x\n"
                         "    scrape_interval: 30\n"
                         "  - job_name: x\n"),
              ElementsAre(HasSubstr("dir/ta.yaml:1:26: collectors.static[1]: "),
                          HasSubstr("dir/ta.yaml:5:22: "
                                    "config.scrape_configs[0].scrape_interval"),
                          HasSubstr("dir/ta.yaml:6:15: "
                                    "config.scrape_configs[1].job_name")));
}

TEST(LoadConfigTest, UnknownKeysWarnUnlessStrict) {
  const std::string text = "collectors: {polling: {}}\nsync_timeot: 5s\n";
  const Config config = Loaded(text);
  EXPECT_EQ(config.unknown_keys, 1);
  EXPECT_THAT(config.warnings[0],
              HasSubstr("dir/ta.yaml:2:1: sync_timeot: unknown key in the "
                        "allocator's configuration (did you mean "
                        "\"sync_timeout\"?)"));
  EXPECT_THAT(MistakesOf(text, {.strict = true}),
              ElementsAre(HasSubstr("sync_timeot")));
}

TEST(LoadConfigTest, LeftOutCollectorsAreAMistakeWhilePodsAreNotThere) {
  EXPECT_THAT(MistakesOf("config: {}\n"), ElementsAre(HasSubstr("collectors")));
  const Config config = Loaded("config: {}\n", {.pods_supported = true});
  EXPECT_TRUE(std::holds_alternative<PodMembers>(config.members));
}

}  // namespace
}  // namespace ta
