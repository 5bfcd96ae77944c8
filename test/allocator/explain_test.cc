#include "allocator/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using test::MakeLabels;
using test::SnapshotBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

RelabelConfig Rule(RelabelConfig::Action action,
                   std::vector<std::string> sources, std::string regex,
                   std::string target = "") {
  RelabelConfig rule;
  rule.action = action;
  rule.source_labels = std::move(sources);
  rule.regex = std::move(regex);
  rule.target_label = std::move(target);
  return rule;
}

// One target's labels under `rules`, with the seeds of a bare scrape config.
Explanation Explain(std::vector<RelabelConfig> rules, const Labels& own) {
  ScrapeConfig config;
  config.job_name = "web";
  config.seeds = test::Seeds("web");
  config.relabel_configs = std::move(rules);
  const auto relabeler =
      Relabeler::Create("web", config.seeds, config.relabel_configs);
  EXPECT_TRUE(relabeler) << relabeler.error().message;
  return ExplainLabels(config, relabeler->get(), Labels(), own);
}

// -- labels under rules, offline --

TEST(ExplainLabelsTest, AKeptTargetHasIdAndLabelsAfterEachRule) {
  const auto result = Explain(
      {Rule(RelabelConfig::Action::kReplace, {"__meta_env"}, "(.*)", "env")},
      MakeLabels({{"__address__", "a:1"}, {"__meta_env", "prod"}}));
  EXPECT_EQ(result.state, Explanation::State::kKept);
  EXPECT_EQ(result.summary, "kept: it would be scraped");
  ASSERT_TRUE(result.trace);
  EXPECT_EQ(result.trace->after.Get("env"), "prod");
  EXPECT_THAT(result.rules, ElementsAre("replace source_labels=[__meta_env] "
                                        "target_label=env"));
  ASSERT_TRUE(result.id);
  EXPECT_EQ(*result.id, TargetIdOf("web", result.trace->after));
}

TEST(ExplainLabelsTest, ADropNamesItsRuleAndWhy) {
  struct Case {
    RelabelConfig rule;
    const char* summary;
  };
  using Action = RelabelConfig::Action;
  const Case cases[] = {
      {Rule(Action::kDrop, {"env"}, "pr.*"),
       "dropped by relabel_configs[0] (drop): \"prod\" matches regex pr.*"},
      {Rule(Action::kKeep, {"env"}, "test"),
       "dropped by relabel_configs[0] (keep): \"prod\" does not match regex "
       "test"},
      {Rule(Action::kKeepEqual, {"env"}, "(.*)", "job"),
       "dropped by relabel_configs[0] (keepequal): \"prod\" is not "
       "\"web\", the value of job"},
      {Rule(Action::kDropEqual, {"env"}, "(.*)", "same"),
       "dropped by relabel_configs[0] (dropequal): \"prod\" is also the "
       "value of same"},
  };
  const Labels labels =
      MakeLabels({{"__address__", "a:1"}, {"env", "prod"}, {"same", "prod"}});
  for (const Case& one : cases) {
    const auto result = Explain({one.rule}, labels);
    EXPECT_EQ(result.state, Explanation::State::kDropped);
    EXPECT_EQ(result.summary, one.summary);
    EXPECT_FALSE(result.id);
  }
}

TEST(ExplainLabelsTest, AFailedCheckIsSaid) {
  const auto result = Explain({}, MakeLabels({{"env", "prod"}}));
  EXPECT_EQ(result.state, Explanation::State::kDropped);
  EXPECT_EQ(result.summary, "dropped by check after relabeling: no address");
}

TEST(ExplainLabelsTest, WithoutAFilterNothingIsRelabeled) {
  ScrapeConfig config;
  config.job_name = "web";
  const Labels own = MakeLabels({{"__address__", "a:1"}, {"__meta_x", "1"}});
  const auto result = ExplainLabels(config, nullptr, Labels(), own);
  EXPECT_EQ(result.state, Explanation::State::kKept);
  EXPECT_FALSE(result.trace);
  EXPECT_EQ(result.id, TargetIdOf("web", own));
}

TEST(ExplainLabelsTest, TargetLabelsStandOverGroupLabels) {
  ScrapeConfig config;
  config.job_name = "web";
  const auto result =
      ExplainLabels(config, nullptr, MakeLabels({{"a", "g"}, {"b", "g"}}),
                    MakeLabels({{"a", "o"}}));
  EXPECT_EQ(result.discovered, MakeLabels({{"a", "o"}, {"b", "g"}}));
}

// -- in a snapshot --

// Says what it was asked, so that a test sees that it was.
class EchoView final : public StrategyView {
 public:
  PlacementExplanation Explain(const TargetId&, std::uint64_t,
                               std::string_view node, std::string_view owner,
                               std::size_t) const override {
    return {"test",
            "node " + std::string(node) + " owner " + std::string(owner),
            {{"c0", 0x10, 1, 2, "owner"}, {"c1", 0x20, 2, 2, "full"}}};
  }
};

class ExplainTargetsTest : public testing::Test {
 protected:
  ExplainTargetsTest() {
    RelabelConfig rename;
    rename.source_labels = {"__meta_zone"};
    rename.target_label = "zone";
    builder_.Member("c0").Member("c1").Member("c2");
    builder_.Job("web", {rename}).Job("db");
    builder_.Target("web", "c0",
                    {{"__address__", "a:1"},
                     {"__meta_zone", "z1"},
                     {"__meta_kubernetes_pod_node_name", "n7"}},
                    {{"__meta_group", "g"}});
    builder_.Target("web", "c1", {{"__address__", "b:1"}}, {}, {"c0", "c2"});
    builder_.Unassigned("db", UnassignedReason::kNoCollectorOnNode,
                        {{"__address__", "d:1"}});
    builder_.raw().strategy = std::make_shared<EchoView>();
  }

  ExplainResult Find(ExplainQuery query, std::size_t limit = 10) {
    return ExplainTargets(*builder_.Build(), query, limit);
  }
  Explanation One(ExplainQuery query) {
    ExplainResult result = Find(std::move(query));
    EXPECT_EQ(result.matches, 1u);
    if (result.explanations.empty()) return {};
    return std::move(result.explanations[0]);
  }

  SnapshotBuilder builder_;
};

TEST_F(ExplainTargetsTest, FindsByWhateverIsSaid) {
  const auto by_address = One({.job = "web", .address = "a:1"});
  EXPECT_EQ(by_address.owner, "c0");
  const auto id = by_address.id;
  EXPECT_EQ(One({.id = id}).owner, "c0");
  EXPECT_EQ(One({.labels = {{"__meta_zone", "z1"}}}).id, id);  // discovered
  EXPECT_EQ(One({.labels = {{"zone", "z1"}}}).id, id);         // relabeled
  EXPECT_EQ(One({.labels = {{"__meta_group", "g"}}}).id, id);  // of the group
  EXPECT_EQ(One({.labels = {{"instance", "a:1"}}}).id, id);    // made
  EXPECT_EQ(Find({.job = "db", .address = "a:1"}).matches, 0u);
  EXPECT_EQ(Find({.address = "a:1", .labels = {{"zone", "z2"}}}).matches, 0u);
}

TEST_F(ExplainTargetsTest, ShowsTheFirstAndCountsTheRest) {
  const ExplainResult result = Find({.job = "web"}, 1);
  EXPECT_EQ(result.matches, 2u);
  EXPECT_EQ(result.explanations.size(), 1u);
}

TEST_F(ExplainTargetsTest, AnAssignedTargetHasOwnerAndPlacement) {
  const auto result = One({.address = "a:1"});
  EXPECT_EQ(result.state, Explanation::State::kAssigned);
  EXPECT_EQ(result.summary, "assigned to c0");
  ASSERT_TRUE(result.placement);
  EXPECT_EQ(result.placement->summary, "node n7 owner c0");
}

TEST_F(ExplainTargetsTest, AHandOverNamesWhoStillScrapes) {
  const auto result = One({.address = "b:1"});
  EXPECT_THAT(result.earlier_owners, ElementsAre("c0", "c2"));
  EXPECT_EQ(result.summary,
            "assigned to c1; c0, c2 still scrape it until the hand-over ends");
}

TEST_F(ExplainTargetsTest, AnUnassignedTargetSaysWhy) {
  const auto result = One({.address = "d:1"});
  EXPECT_EQ(result.state, Explanation::State::kUnassigned);
  EXPECT_EQ(result.summary,
            "no collector scrapes it: no live collector runs on its node");
}

TEST_F(ExplainTargetsTest, ADroppedTargetIsTracedAgain) {
  builder_.Job("web", {Rule(RelabelConfig::Action::kDrop, {"env"}, "x")});
  UnservedTarget dropped{UnservedTarget::State::kDroppedByRule};
  dropped.rule = 0;
  dropped.own = MakeLabels({{"__address__", "e:1"}, {"env", "x"}});
  builder_.Unserved("web", "f.json:0", dropped);
  const auto result = One({.address = "e:1"});
  EXPECT_EQ(result.state, Explanation::State::kDropped);
  EXPECT_EQ(result.summary,
            "dropped by relabel_configs[0] (drop): \"x\" matches regex x");
  EXPECT_EQ(result.group, "f.json:0 of file");
  EXPECT_FALSE(result.placement);
}

TEST_F(ExplainTargetsTest, ADuplicateNamesTheOneThatIsServed) {
  const auto served = One({.address = "a:1"});
  UnservedTarget duplicate{UnservedTarget::State::kDuplicate};
  duplicate.id = *served.id;
  duplicate.own = MakeLabels({{"__address__", "a:1"}, {"__meta_zone", "z1"}});
  builder_.Unserved("web", "f.json:1", duplicate);
  const ExplainResult result = Find({.id = served.id});
  ASSERT_EQ(result.matches, 2u);
  EXPECT_EQ(result.explanations[0].state, Explanation::State::kAssigned);
  EXPECT_EQ(result.explanations[1].state, Explanation::State::kDuplicate);
  EXPECT_EQ(result.explanations[1].duplicate_of, served.id);
}

TEST_F(ExplainTargetsTest, AnInvalidOneIsFoundByTheAddressInItsReason) {
  UnservedTarget invalid{UnservedTarget::State::kInvalid};
  invalid.reason = "f:1: invalid label name \"a b\"";
  builder_.Unserved("db", "f.json:2", invalid);
  const auto result = One({.address = "f:1"});
  EXPECT_EQ(result.state, Explanation::State::kInvalid);
  EXPECT_EQ(result.summary,
            "left out by its discoverer: f:1: invalid label name \"a b\"");
  EXPECT_FALSE(result.trace);
}

// -- text --

TEST_F(ExplainTargetsTest, TextTellsTheWholeStory) {
  const std::string text = ToText(One({.address = "a:1"}));
  for (const char* part :
       {"job web, target \"a:1\"\nassigned to c0\nid ", "collector: c0\n",
        "discovered labels\n  __address__ = \"a:1\"\n",
        "[0] replace source_labels=[__meta_zone] target_label=zone\n"
        "       \"z1\" matches regex (.*)\n"
        "       + zone = \"z1\"\n",
        "labels after relabeling\n", "placement: test\n  node n7 owner c0\n",
        "  c0  distance 0000000000000010  1 targets of 2  owner\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(ExplainTextTest, MarksTheRuleThatDrops) {
  const std::string text =
      ToText(Explain({Rule(RelabelConfig::Action::kDrop, {"env"}, "no"),
                      Rule(RelabelConfig::Action::kDrop, {"env"}, "x")},
                     MakeLabels({{"__address__", "a:1"}, {"env", "x"}})));
  EXPECT_THAT(text,
              HasSubstr("[0] drop source_labels=[env] regex=no   -> no match"));
  EXPECT_THAT(text,
              HasSubstr("[1] drop source_labels=[env] regex=x   -> DROPS IT"));
  EXPECT_THAT(text, Not(HasSubstr("labels after relabeling")));
}

// A label's value must not be able to drive the terminal or fake a line.
TEST(ExplainTextTest, ControlCharactersAreEscaped) {
  const std::string text = ToText(Explain(
      {}, MakeLabels({{"__address__", "a:1"}, {"x", "\x1b[2J\nid fake"}})));
  EXPECT_THAT(text, HasSubstr("x = \"\\x1b[2J\\nid fake\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace ta
