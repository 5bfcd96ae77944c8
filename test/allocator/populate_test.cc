#include "allocator/populate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ta {
namespace {

using ::testing::ElementsAre;

const Labels kSeeds = Labels::Of({{"job", "job-a"},
                                  {"__metrics_path__", "/metrics"},
                                  {"__param_a", ""},
                                  {"__param_b", "1"},
                                  {"__scheme__", "http"},
                                  {"__scrape_interval__", "15s"},
                                  {"__scrape_timeout__", "10s"},
                                  {"__scrape_native_histograms__", "false"}});

class PopulateTest : public ::testing::Test {
 protected:
  // Names in the order of the builder.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : builder_.entries()) {
      if (!value.empty()) names.emplace_back(label_pool::NameText(name));
    }
    return names;
  }
  void Seed(const Labels& group, const Labels& own) {
    group_ = group;
    own_ = own;
    builder_.Reset();
    builder_.AddTarget(group_, own_);
    populate_.Seed(builder_);
  }
  void Set(std::string_view name, std::string_view value) {
    builder_.Set(builder_.Name(name), builder_.Keep(value));
  }
  // The reason, "" if there is none.
  std::string Check() { return populate_.Check(builder_, kept_).value_or(""); }

  Labels group_, own_;
  LabelBuilder builder_;
  Populate populate_{kSeeds};
  KeptLabels kept_;
};

TEST_F(PopulateTest, SeedsComeAfterTargetAndGroupInPrometheussOrder) {
  Seed(Labels::Of({{"b", "1"}, {"a", "1"}}), Labels::Of({{"c", "1"}}));
  EXPECT_THAT(Names(), ElementsAre("c", "a", "b", "job", "__scrape_interval__",
                                   "__scrape_timeout__", "__metrics_path__",
                                   "__scheme__", "__scrape_native_histograms__",
                                   "__param_b"));
}

TEST_F(PopulateTest, SeedsOnlyWhatIsAbsentOrEmpty) {
  Seed(Labels::Of({{"job", "mine"}}), Labels::Of({{"__scheme__", ""}}));
  EXPECT_EQ(builder_.Get(LabelName("job").id()), "mine");
  EXPECT_EQ(builder_.Get(LabelName("__scheme__").id()), "http");
  EXPECT_EQ(builder_.Get(LabelName("__param_a").id()), "");
}

TEST_F(PopulateTest, KeepsSortedLabelsWithoutMetaAndWithInstance) {
  Seed({}, Labels::Of({{"__address__", "h:1"},
                       {"__meta_x", "1"},
                       {"__meta", "2"},
                       {"Z", "3"}}));
  EXPECT_EQ(Check(), "");
  std::vector<std::string> names;
  for (const LabelPair& label : kept_.pairs()) names.emplace_back(label.name);
  EXPECT_THAT(names,
              ElementsAre("Z", "__address__", "__meta", "__metrics_path__",
                          "__param_b", "__scheme__", "__scrape_interval__",
                          "__scrape_native_histograms__", "__scrape_timeout__",
                          "instance", "job"));
  EXPECT_EQ(kept_.pairs()[9].value, "h:1");
}

// A seed is checked once; a part of it, in the same place, is another value.
TEST_F(PopulateTest, ChecksAPartOfASeed) {
  Seed({}, Labels::Of({{"__address__", "h:1"}}));
  const LabelName interval("__scrape_interval__");
  const std::string_view seed = builder_.Get(interval.id());
  builder_.Set(interval.id(), seed.substr(0, 2));
  EXPECT_EQ(
      Check(),
      R"(error parsing scrape interval: not a valid duration string: "15")");
}

TEST_F(PopulateTest, ChecksBothWhenOneChanged) {
  Seed({}, Labels::Of({{"__address__", "h:1"}}));
  Set("__scrape_interval__", "9s");
  EXPECT_EQ(Check(),
            "scrape timeout cannot be greater than scrape interval (\"10s\" > "
            "\"9s\")");
}

TEST(PopulateSeedsTest, BadSeedsAreFoundInEveryTarget) {
  const Populate populate(Labels::Of({{"__scrape_interval__", "soon"}}));
  const Labels own = Labels::Of({{"__address__", "h:1"}});
  LabelBuilder builder;
  KeptLabels kept;
  for (int i = 0; i < 2; ++i) {
    builder.Reset();
    builder.AddTarget({}, own);
    populate.Seed(builder);
    EXPECT_EQ(
        populate.Check(builder, kept),
        R"(error parsing scrape interval: not a valid duration string: "soon")");
  }
}

}  // namespace
}  // namespace ta
