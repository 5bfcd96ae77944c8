#include "allocator/config/pod_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/config/load.h"

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PodMembers PodsOf(const std::string& selector) {
  const auto config =
      LoadConfig("f", "collector_selector: " + selector + "\nconfig: {}\n", {});
  if (!config) {
    ADD_FAILURE() << config.error().front().ToString();
    return {};
  }
  return std::get<PodMembers>(config->members);
}

std::vector<std::string> MistakesOf(const std::string& selector) {
  const auto config =
      LoadConfig("f", "collector_selector: " + selector + "\nconfig: {}\n", {});
  std::vector<std::string> texts;
  if (config) return texts;
  for (const Mistake& mistake : config.error()) {
    texts.push_back(mistake.ToString());
  }
  return texts;
}

// What labels.Selector prints for the same.
TEST(PodSelectorTest, IsWrittenAsTheApiTakesIt) {
  struct Case {
    const char* yaml;
    const char* text;
  };
  const Case cases[] = {
      {"{}", ""},
      {"{matchLabels: {}}", ""},
      {"{matchLabels: {b: y, a: x}}", "a=x,b=y"},
      {"{matchlabels: {app.kubernetes.io/name: ta, empty: \"\"}}",
       "app.kubernetes.io/name=ta,empty="},
      {"{matchExpressions: [{key: a, operator: In, values: [z, y, z]}]}",
       "a in (y,z)"},
      {"{matchexpressions: [{key: a, operator: NotIn, values: [y]}]}",
       "a notin (y)"},
      {"{matchExpressions: [{key: a, operator: Exists}]}", "a"},
      {"{matchExpressions: [{key: a, operator: DoesNotExist}]}", "!a"},
      {"{matchExpressions: [{key: b, operator: Exists, values: []}, {key: a, "
       "operator: In, values: [\"\"]}], matchLabels: {c: d}}",
       "a in (),b,c=d"},
  };
  for (const Case& each : cases) {
    const PodMembers pods = PodsOf(each.yaml);
    EXPECT_TRUE(pods.has_selector) << each.yaml;
    EXPECT_EQ(pods.selector, each.text) << each.yaml;
  }
}

TEST(PodSelectorTest, NullSelectsNobody) {
  EXPECT_FALSE(PodsOf("null").has_selector);
}

TEST(PodSelectorTest, SaysEveryMistake) {
  EXPECT_THAT(
      MistakesOf(R"(
  matchLabels: {"-a": b, c: "not a value"}
  matchExpressions:
  - {operator: In, values: [x]}
  - {key: "a/b/c", operator: Exists}
  - {key: a}
  - {key: a, operator: In}
  - {key: a, operator: NotIn, values: ["-"]}
  - {key: a, operator: Exists, values: [b]})"),
      ElementsAre(
          HasSubstr("f:2:23: collector_selector.matchLabels.-a: invalid label "
                    "name \"-a\""),
          HasSubstr("f:2:29: collector_selector.matchLabels.c: invalid label "
                    "value \"not a value\""),
          HasSubstr("f:4:5: collector_selector.matchExpressions[0].key: must "
                    "be set"),
          HasSubstr("f:5:11: collector_selector.matchExpressions[1].key: "
                    "invalid label name \"a/b/c\""),
          HasSubstr("f:6:5: collector_selector.matchExpressions[2].operator: "
                    "must be set, one of In, NotIn, Exists, DoesNotExist"),
          HasSubstr("f:7:5: collector_selector.matchExpressions[3].values: "
                    "must be set for operator In"),
          HasSubstr("f:8:40: collector_selector.matchExpressions[4].values[0]: "
                    "invalid label value \"-\""),
          HasSubstr("f:9:40: collector_selector.matchExpressions[5].values: "
                    "cannot be set together with operator Exists")));
  EXPECT_THAT(MistakesOf("{matchLabels: {a: b}, matchlabels: {c: d}}"),
              ElementsAre(HasSubstr("collector_selector.matchLabels: cannot be "
                                    "set together with matchlabels")));
}

// Every pod was a collector, with a warning.
TEST(PodSelectorTest, AnUnknownKeyIsAMistakeThoughElsewhereItIsNot) {
  EXPECT_THAT(
      MistakesOf("{matchLabel: {app: c}}"),
      ElementsAre("f:1:22: collector_selector.matchLabel: unknown key in a "
                  "label selector (did you mean \"matchLabels\"?)"));
  EXPECT_THAT(
      MistakesOf("{matchExpressions: [{key: a, operator: Exists, value: b}]}"),
      ElementsAre(HasSubstr("collector_selector.matchExpressions[0].value: "
                            "unknown key")));
  EXPECT_THAT(MistakesOf("{}\ncollector_selectors: {}"), IsEmpty());
}

TEST(PodSelectorTest, IsCheckedThoughOthersAreTheCollectors) {
  const auto config = LoadConfig("f",
                                 "collectors: {polling: {}}\n"
                                 "collector_selector: {matchLabels: {-: a}}\n"
                                 "config: {}\n",
                                 {});
  EXPECT_FALSE(config);
}

TEST(PodSelectorTest, NamespaceAndKubeconfigAreTheMembersToo) {
  LoadOptions options;
  const std::string text =
      "collector_selector: {}\ncollector_namespace: file\n"
      "kube_config_file_path: file.config\nconfig: {}\n";
  auto pods = std::get<PodMembers>(LoadConfig("f", text, options)->members);
  EXPECT_EQ(pods.collector_namespace, "file");
  EXPECT_EQ(pods.kube_config_path, "file.config");
  options.environment["OTELCOL_NAMESPACE"] = "";
  options.flags.kube_config_path = "flag.config";
  pods = std::get<PodMembers>(LoadConfig("f", text, options)->members);
  EXPECT_EQ(pods.collector_namespace, "") << "it wins though it is empty";
  EXPECT_EQ(pods.kube_config_path, "flag.config");
}

}  // namespace
}  // namespace ta
