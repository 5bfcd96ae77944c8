#include "allocator/relabel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "allocator/relabel_rules.h"
#include "test/allocator/relabel_case.h"

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Action = RelabelConfig::Action;

const Labels kSeeds = Labels::Of({{"job", "job-a"},
                                  {"__scheme__", "http"},
                                  {"__metrics_path__", "/metrics"},
                                  {"__scrape_interval__", "1m"},
                                  {"__scrape_timeout__", "10s"}});

std::shared_ptr<const Relabeler> Compile(std::vector<RelabelConfig> rules) {
  auto relabeler = Relabeler::Create("job-a", kSeeds, rules);
  EXPECT_TRUE(relabeler) << relabeler.error().message;
  return *relabeler;
}

// What Prometheus itself made of each case, recorded by test/oracle/record.sh.
class RecordedRelabelTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RecordedRelabelTest, IsAsPrometheusSays) {
  const std::string folder =
      TA_SOURCE_DIR "/test/testdata/relabel/" + GetParam();
  const auto request =
      test::ParseRequest(test::ReadFile(folder + "/input.json"));
  const auto answer =
      test::ParseAnswer(test::ReadFile(folder + "/expected.json"));
  EXPECT_EQ(test::Compare(request, answer), "");
}

std::vector<std::string> Cases() {
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(
           TA_SOURCE_DIR "/test/testdata/relabel")) {
    if (!entry.is_directory()) continue;
    cases.push_back(entry.path().filename().string());
  }
  std::ranges::sort(cases);
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, RecordedRelabelTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(RelabelTest, ThereAreRecordedCases) { EXPECT_GE(Cases().size(), 60u); }

TEST(RelabelTest, SaysWhichRuleDropped) {
  const auto relabeler = Compile({
      {.target_label = "a", .replacement = "1"},
      {.action = Action::kDrop, .source_labels = {"b"}, .regex = "x"},
      {.action = Action::kDrop, .source_labels = {"b"}, .regex = "y"},
  });
  RelabelBuffer buffer;
  const Labels own = Labels::Of({{"__address__", "h:1"}, {"b", "y"}});
  EXPECT_EQ(relabeler->Relabel({}, own, buffer),
            (RelabelOutcome{.kind = RelabelOutcome::Kind::kDroppedByRule,
                            .rule = 2}));
  EXPECT_THAT(buffer.labels(), IsEmpty());
}

TEST(RelabelTest, InvalidUtf8IsDroppedAfterRelabeling) {
  const auto relabeler = Compile({});
  RelabelBuffer buffer;
  const Labels bad = Labels::Of({{"__address__", "h:1"}, {"b", "a\xff"}});
  EXPECT_EQ(
      relabeler->Relabel({}, bad, buffer),
      (RelabelOutcome{.kind = RelabelOutcome::Kind::kDroppedByCheck,
                      .reason = R"(invalid label value for "b": "a\xff")"}));
  // A meta label may hold anything: it is gone by then.
  const Labels meta =
      Labels::Of({{"__address__", "h:1"}, {"__meta_b", "\xff"}});
  EXPECT_TRUE(relabeler->Relabel({}, meta, buffer).kept());
}

// Prometheus leaves it to a map's order which one wins; replicas must agree.
TEST(RelabelTest, LaterOfTwoMappedLabelsWins) {
  const auto relabeler =
      Compile({{.action = Action::kLabelMap, .regex = "__meta_[ab]_(.+)"}});
  RelabelBuffer buffer;
  const Labels group = Labels::Of({{"__meta_a_x", "group"}});
  const Labels own = Labels::Of({{"__address__", "h:1"},
                                 {"__meta_b_x", "own"},
                                 {"__meta_b_y", "b"},
                                 {"__meta_a_y", "a"}});
  ASSERT_TRUE(relabeler->Relabel(group, own, buffer).kept());
  test::LabelMap labels;
  for (const auto& [name, value] : buffer.labels()) {
    labels[std::string(name)] = value;
  }
  EXPECT_EQ(labels["x"], "group") << "group labels come after target labels";
  EXPECT_EQ(labels["y"], "b") << "labels of one set come in byte order";
}

// The operator's own rules drop nothing, and leave no trace of why.
TEST(RelabelTest, ShardingOfThePrometheusOperatorIsDisabled) {
  const auto relabeler = Compile({
      {.action = Action::kHashMod,
       .source_labels = {"__address__"},
       .modulus = 3,
       .target_label = "__tmp_hash"},
      {.action = Action::kLabelMap, .regex = "__(tmp_.+)"},
      {.action = Action::kKeep,
       .source_labels = {"__tmp_hash", "__tmp_disable_sharding"},
       .regex = "$(SHARD);|.+;.+"},
  });
  RelabelBuffer buffer;
  for (int i = 0; i < 10; ++i) {
    const std::string address = "h:" + std::to_string(i);
    const Labels own = Labels::Of({{"__address__", address}});
    ASSERT_TRUE(relabeler->Relabel({}, own, buffer).kept()) << address;
    for (const LabelPair& label : buffer.labels()) {
      EXPECT_THAT(label.name, ::testing::Not(HasSubstr("disable_sharding")));
    }
  }
}

TEST(RelabelTest, CompilationNamesEveryBadRule) {
  const std::vector<RelabelConfig> rules = {
      {.target_label = "fine"},
      {.regex = "(", .target_label = "a"},
      {.action = Action::kHashMod, .target_label = "h"},
  };
  const auto relabeler = Relabeler::Create("job-a", kSeeds, rules);
  ASSERT_FALSE(relabeler);
  EXPECT_EQ(relabeler.error().message,
            "relabel_configs[1]: error parsing regexp: missing closing ): "
            "`^(?s:()$`\n"
            "relabel_configs[2]: relabel configuration for hashmod requires "
            "non-zero modulus");
  EXPECT_EQ(ValidateRelabelConfig(rules[2]).error().message,
            "relabel configuration for hashmod requires non-zero modulus");
  EXPECT_TRUE(ValidateRelabelConfig(rules[0]));
}

TEST(RelabelTest, ResultIsSortedAndIdentifies) {
  const auto relabeler = Compile({{.target_label = "Z", .replacement = "1"},
                                  {.target_label = "a", .replacement = "2"}});
  RelabelBuffer buffer;
  const Labels own = Labels::Of({{"__address__", "h:1"}, {"__meta_x", "1"}});
  ASSERT_TRUE(relabeler->Relabel({}, own, buffer).kept());
  EXPECT_TRUE(std::ranges::is_sorted(buffer.labels()));
  EXPECT_EQ(buffer.Id(), TargetIdOf("job-a", buffer.labels()));
  EXPECT_EQ(buffer.PlacementKey(), PlacementKeyOf("job-a", buffer.labels()));
  const TargetId id = buffer.Id();
  const Labels other_meta =
      Labels::Of({{"__address__", "h:1"}, {"__meta_x", "2"}});
  ASSERT_TRUE(relabeler->Relabel({}, other_meta, buffer).kept());
  EXPECT_EQ(buffer.Id(), id) << "meta labels are no part of the identity";
}

TEST(RelabelTest, TraceTellsEachStep) {
  const auto relabeler = Compile({
      {.source_labels = {"__meta_a", "job"}, .target_label = "both"},
      {.source_labels = {"__meta_a"}, .regex = "no", .target_label = "x"},
      {.action = Action::kLabelDrop, .regex = "both"},
      {.action = Action::kKeep, .source_labels = {"__meta_a"}, .regex = "2"},
      {.target_label = "never", .replacement = "1"},
  });
  const Labels group = Labels::Of({{"__meta_a", "1"}});
  const Labels own = Labels::Of({{"__address__", "h:1"}});
  const RelabelTrace trace = relabeler->Trace(group, own);
  EXPECT_EQ(trace.discovered, Labels::Merge(group, own));
  EXPECT_EQ(trace.before, Labels::Merge(kSeeds, trace.discovered));
  ASSERT_EQ(trace.steps.size(), 4u) << "nothing after the drop";
  EXPECT_EQ(trace.steps[0].source, "1;job-a");
  EXPECT_TRUE(trace.steps[0].matched);
  EXPECT_THAT(trace.steps[0].changes,
              ElementsAre(LabelChange{"both", "", "1;job-a"}));
  EXPECT_FALSE(trace.steps[1].matched);
  EXPECT_THAT(trace.steps[1].changes, IsEmpty());
  EXPECT_THAT(trace.steps[2].changes,
              ElementsAre(LabelChange{"both", "1;job-a", ""}));
  EXPECT_TRUE(trace.steps[3].dropped);
  EXPECT_EQ(trace.outcome.rule, 3);
  EXPECT_TRUE(trace.after.empty());
}

TEST(RelabelTest, TraceEndsAsRelabelDoes) {
  const auto relabeler = Compile({{.target_label = "a", .replacement = "1"}});
  RelabelBuffer buffer;
  const Labels own = Labels::Of({{"__address__", "h:1"}});
  ASSERT_TRUE(relabeler->Relabel({}, own, buffer).kept());
  const auto labels = buffer.labels();
  EXPECT_EQ(relabeler->Trace({}, own).after,
            Labels::Of({labels.begin(), labels.end()}));
  const auto dropped = relabeler->Trace({}, Labels::Of({{"a", "b"}}));
  EXPECT_EQ(dropped.outcome.reason, "no address");
}

// Meta labels that no rule reads stay out of a Relabel, which Trace does not
// know: whatever the rules, both must come to the same.
TEST(RelabelTest, WhatNoRuleReadsMakesNoDifference) {
  std::mt19937 random(9);
  const auto one_of = [&random](std::span<const std::string> choices) {
    return choices[random() % choices.size()];
  };
  const std::vector<std::string> names = {"a",        "b",         "__meta_a",
                                          "__meta_b", "__meta_ab", "instance"};
  const std::vector<std::string> values = {"", "x", "Xy", "1"};
  const std::vector<std::string> regexes = {
      "(.*)", "x", "x;x", "__meta_(.+)", "__meta_a(.*)", "a", "(.+);(.*)"};
  const std::vector<std::string> written = {"$1", "__meta_$1", "", "x"};
  const std::vector<Action> actions = {
      Action::kReplace,   Action::kReplace,   Action::kKeep,
      Action::kDrop,      Action::kKeepEqual, Action::kDropEqual,
      Action::kHashMod,   Action::kLabelMap,  Action::kLabelDrop,
      Action::kLabelKeep, Action::kLowercase, Action::kUppercase};
  std::size_t kept = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<RelabelConfig> rules;
    for (unsigned i = random() % 5; i > 0; --i) {
      RelabelConfig rule;
      rule.action = actions[random() % actions.size()];
      switch (rule.action) {
        case Action::kLabelMap:
          rule.replacement = one_of(std::span(written).first(2));
          [[fallthrough]];
        case Action::kLabelDrop:
        case Action::kLabelKeep:
          rule.regex = one_of(regexes);
          break;
        case Action::kReplace:
          rule.replacement = one_of(written);
          [[fallthrough]];
        case Action::kKeep:
        case Action::kDrop:
          rule.regex = one_of(regexes);
          [[fallthrough]];
        default:
          for (unsigned n = random() % 2 + 1; n > 0; --n) {
            rule.source_labels.push_back(one_of(names));
          }
      }
      rule.modulus = 2;
      if (rule.action != Action::kKeep && rule.action != Action::kDrop) {
        rule.target_label = one_of(names);
      }
      if (!ValidateRelabelConfig(rule)) continue;
      rules.push_back(std::move(rule));
    }
    const auto relabeler = Compile(rules);
    std::vector<LabelPair> own = {{"__address__", "h:1"}};
    std::vector<LabelPair> group;
    std::vector<std::string> texts;
    texts.reserve(2 * names.size());
    for (const std::string& name : names) {
      for (auto* pairs : {&own, &group}) {
        if (random() % 2 == 0) continue;
        pairs->push_back({name, texts.emplace_back(one_of(values))});
      }
    }
    const Labels own_labels = Labels::Of(own);
    const Labels group_labels = Labels::Of(group);
    RelabelBuffer buffer;
    const RelabelOutcome outcome =
        relabeler->Relabel(group_labels, own_labels, buffer);
    const RelabelTrace trace = relabeler->Trace(group_labels, own_labels);
    const auto labels = buffer.labels();
    ASSERT_EQ(outcome, trace.outcome) << "round " << round;
    ASSERT_EQ(trace.after, Labels::Of({labels.begin(), labels.end()}))
        << "round " << round;
    kept += outcome.kept();
  }
  EXPECT_GT(kept, 5'000u);
}

// A name seen by one thread is remembered for all. For tsan.
TEST(RelabelTest, ThreadsShareARelabeler) {
  const auto relabeler = Compile({
      {.action = Action::kLabelMap, .regex = "__meta_(.+)"},
      {.action = Action::kLabelDrop, .regex = "label1.*"},
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&relabeler, t] {
      RelabelBuffer buffer;
      for (int i = 0; i < 300; ++i) {
        const std::string name = "label" + std::to_string(t + i);
        const std::string meta = "__meta_" + name;
        const Labels own = Labels::Of({{"__address__", "h:1"}, {meta, "1"}});
        ASSERT_TRUE(relabeler->Relabel({}, own, buffer).kept());
        const bool there =
            std::ranges::find(buffer.labels(), name, &LabelPair::name) !=
            buffer.labels().end();
        ASSERT_EQ(there, !name.starts_with("label1")) << name;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RelabelTest, MoreNamesThanAreRememberedStillWork) {
  const auto relabeler =
      Compile({{.action = Action::kLabelMap, .regex = "__meta_(.+)"}});
  RelabelBuffer buffer;
  std::vector<LabelPair> pairs = {{"__address__", "h:1"}};
  std::vector<std::string> names;
  for (int i = 0; i < 70'000; ++i)
    names.push_back("__meta_" + std::to_string(i));
  for (const std::string& name : names) pairs.push_back({name, "1"});
  const Labels own = Labels::Of(std::move(pairs));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(relabeler->Relabel({}, own, buffer).kept());
    EXPECT_EQ(buffer.labels().size(), 70'000 + kSeeds.size() + 2);
  }
}

// Keeps OpenSSL from loading what has MD5, and ends the process.
[[noreturn]] void CompileHashmodWithoutMd5() {
  OSSL_PROVIDER_load(nullptr, "null");
  RelabelConfig rule;
  rule.action = RelabelConfig::Action::kHashMod;
  rule.target_label = "h";
  rule.modulus = 2;
  const auto compiled = RelabelRules::Compile({&rule, 1});
  std::fputs(compiled ? "accepted" : compiled.error().message.c_str(), stderr);
  std::_Exit(compiled ? 1 : 0);  // OpenSSL keeps its provider: no leak of ours
}

// In a process of its own, because OpenSSL remembers what it once provided.
TEST(RelabelDeathTest, HashmodIsRefusedWithoutMd5) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(CompileHashmodWithoutMd5(), ::testing::ExitedWithCode(0),
              "hashmod needs MD5");
}

}  // namespace
}  // namespace ta
