#include "api/explain_json.h"

#include <gtest/gtest.h>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::MakeLabels;

TEST(ExplainJsonTest, ShowsLabelsBeforeAndAfterEachRule) {
  ScrapeConfig config;
  config.job_name = "web";
  config.seeds = MakeLabels({{"__scrape_interval__", "9s"},
                             {"__scrape_timeout__", "3s"},
                             {"job", "web"}});
  RelabelConfig rule;
  rule.source_labels = {"__meta_x"};
  rule.target_label = "x";
  config.relabel_configs = {rule};
  const auto relabeler =
      *Relabeler::Create("web", config.seeds, config.relabel_configs);
  ExplainResult result;
  result.matches = 1;
  result.explanations.push_back(
      ExplainLabels(config, relabeler.get(), Labels(),
                    MakeLabels({{"__address__", "a:1"}, {"__meta_x", "1"}})));
  const Explanation& kept = result.explanations[0];
  EXPECT_EQ(
      ExplainJson(result),
      R"({"matches":1,"targets":[{"job":"web","state":"kept",)"
      R"("summary":"kept: it would be scraped","id":")" +
          ToHex(*kept.id) + R"(","placement_key":")" +
          [&] {
            char text[17];
            std::snprintf(text, sizeof text, "%016llx",
                          static_cast<unsigned long long>(kept.placement_key));
            return std::string(text);
          }() +
          R"(","discovered":{"__address__":"a:1","__meta_x":"1"},)"
          R"("before_rules":{"__address__":"a:1","__meta_x":"1",)"
          R"("__scrape_interval__":"9s","__scrape_timeout__":"3s",)"
          R"("job":"web"},"rules":[{"index":0,)"
          R"("rule":"replace source_labels=[__meta_x] target_label=x",)"
          R"("source":"1","matched":true,)"
          R"-("why":"\"1\" matches regex (.*)","dropped":false,)-"
          R"("changes":[)"
          R"({"name":"x","before":"","after":"1"}]}],)"
          R"("after_rules":{"__address__":"a:1","__scrape_interval__":"9s",)"
          R"("__scrape_timeout__":"3s","instance":"a:1",)"
          R"("job":"web","x":"1"}}]})"
          "\n");
}

TEST(ExplainJsonTest, NoMatchIsAnEmptyList) {
  EXPECT_EQ(ExplainJson({}), "{\"matches\":0,\"targets\":[]}\n");
}

}  // namespace
}  // namespace ta
