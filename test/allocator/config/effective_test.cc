// The effective value of every field in every accepted case, recorded from
// Prometheus (test/oracle/record.sh).

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "allocator/config/schema.h"
#include "test/allocator/config/config_case.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Cases() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(TA_TESTDATA)) {
    if (fs::exists(entry.path() / "input.yaml"))
      out.push_back(entry.path().string());
  }
  return out;
}

TEST(EffectiveTest, EveryFieldHasTheValueThatPrometheusGivesIt) {
  for (const std::string& folder : Cases()) {
    const auto ours = test::LoadCase(test::ReadConfigCase(folder));
    for (const auto& mistake : ours.mistakes)
      ADD_FAILURE() << folder << ": " << mistake.ToString();
    if (!ours.mistakes.empty()) continue;
    EXPECT_EQ(test::JsonDifference(ours.effective,
                                   test::ReadFile(folder + "/effective.json")),
              "")
        << folder;
    EXPECT_EQ(ours.json + "\n", test::ReadFile(folder + "/scrape_configs.json"))
        << folder;
  }
}

TEST(EffectiveTest, TheCasesTogetherTouchEveryField) {
  std::set<std::string> all, touched;
  test::AddFields(GlobalRecord(), all);
  test::AddFields(ScrapeConfigRecord(), all);
  const auto cases = Cases();
  EXPECT_GE(cases.size(), 120u);
  for (const std::string& folder : cases)
    touched.merge(test::LoadCase(test::ReadConfigCase(folder)).touched);
  // Nobody can write it: see docs/configuration.md.
  all.erase("digitalocean_sd_configs.httpclient");
  EXPECT_GT(all.size(), 300u);  // else the tables were not walked
  for (const std::string& field : all)
    EXPECT_TRUE(touched.contains(field))
        << field << " is never written with a value of its own";
}

}  // namespace
}  // namespace ta
