#include "allocator/effective_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "allocator/config/load.h"

namespace ta {
namespace {

std::string Json(const std::string& path, const std::string& text) {
  const auto config = LoadConfig(path, text, {});
  if (config) return config->scrape_configs_json;
  return "refused: " + config.error().at(0).ToString();
}

TEST(EffectiveYamlTest, WritesDefaultsAndQuotesWhatLooksLikeSomethingElse) {
  const std::string json = Json("prometheus.yml", R"(
scrape_configs:
- job_name: "010"
  static_configs: [{targets: ["a:1"], labels: {on: "yes", empty: "", n: "1_0"}}]
  sample_limit: 9007199254740991
  native_histogram_min_bucket_factor: 0.1
)");
  const std::string yaml = EffectiveYaml(json);
  EXPECT_THAT(yaml, testing::StartsWith("scrape_configs:\n  - "));
  EXPECT_THAT(yaml, testing::HasSubstr("job_name: \"010\"\n"));
  EXPECT_THAT(yaml, testing::HasSubstr("metrics_path: /metrics\n"));
  EXPECT_THAT(yaml, testing::HasSubstr("min_bucket_factor: 0.1\n"));
  EXPECT_EQ(Json("again.yml", yaml), json) << yaml;
}

TEST(EffectiveYamlTest, NoJobsAreAnEmptyList) {
  EXPECT_EQ(EffectiveYaml("{}"), "scrape_configs:\n  []\n");
}

// What can't be told by a file: effective_yaml.h.
const std::set<std::string> kLost = {
    // Emptied against a default.
    "file-sd", "merge-null-begins-anew", "nulls-are-zero-values", "sd-nomad",
    "sd-stackit",
    // Its username and password became basic_auth.
    "sd-consul",
    // A mask is no UUID.
    "http-client-of-every-mechanism", "sd-scaleway",
    // Rounded.
    "relabel-defaults-and-explicit-defaults", "yaml-numbers"};

// Whatever Prometheus accepts: written out and read again it is the same.
TEST(EffectiveYamlTest, ReadAgainItMeansTheSame) {
  namespace fs = std::filesystem;
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(TA_TESTDATA "/config")) {
    const fs::path input = entry.path() / "input.yaml";
    if (!fs::exists(input) || kLost.contains(entry.path().filename())) continue;
    std::ifstream in(input, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const std::string json = Json(input, text);
    if (json.starts_with("refused")) continue;
    const std::string yaml = EffectiveYaml(json);
    EXPECT_EQ(Json(entry.path() / "again.yaml", yaml), json)
        << entry.path() << "\n"
        << yaml;
    ++cases;
  }
  EXPECT_GT(cases, 40);
}

}  // namespace
}  // namespace ta
