#include "discovery/yaml_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Outcome {
  std::vector<std::string> changed;  // "<index>:<targets>{<labels>}"
  std::vector<GroupMark> marks;
  std::string error;
};

Outcome Read(std::string_view text, const std::vector<GroupMark>& before = {}) {
  Outcome outcome;
  auto marks = ReadYamlGroups(
      "f.yml", text, before, [&](std::size_t index, const GroupText& group) {
        std::string shown = std::to_string(index) + ":";
        for (const std::string_view target : group.targets) {
          shown += std::string(target) + ",";
        }
        shown += '{';
        for (const LabelPair& label : group.labels) {
          shown +=
              std::string(label.name) + '=' + std::string(label.value) + ',';
        }
        outcome.changed.push_back(shown + '}');
      });
  if (marks) {
    outcome.marks = *std::move(marks);
  } else {
    outcome.error = marks.error().message;
  }
  return outcome;
}

// Recorded from prometheus v0.314.0: yaml.UnmarshalStrict into
// []*targetgroup.Group.
TEST(YamlGroupsTest, AcceptsWhatPrometheusAccepts) {
  struct Case {
    std::string text;
    std::vector<std::string> groups;
  };
  const std::vector<Case> cases = {
      {"", {}},
      {" ", {}},
      {"null", {}},
      {"~", {}},
      {"---", {}},
      {"[]", {}},
      {"# just a comment\n", {}},
      {"- {}", {"0:{}"}},
      {"- targets: ~\n  labels: ~", {"0:{}"}},
      {"- targets: [a, 1, ~, yes]", {"0:a,1,,yes,{}"}},
      {"- targets: [a]\n  labels: {x: yes, y: 010, z: ~, w: 1.50, v: }",
       {"0:a,{x=yes,y=010,z=,w=1.50,v=,}"}},
      {"- &x {targets: [a]}\n- *x\n- {<<: *x, labels: {a: b}}",
       {"0:a,{}", "1:a,{}", "2:a,{a=b,}"}},
      {"\xef\xbb\xbf- targets: [a]", {"0:a,{}"}},
      {"- targets: [a]\n...\n", {"0:a,{}"}},
      {"[{\"targets\": [\"a\"], \"labels\": {\"x\": \"y\"}}]", {"0:a,{x=y,}"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Outcome outcome = Read(c.text);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.changed, c.groups);
  }
}

TEST(YamlGroupsTest, RejectsWhatPrometheusRejects) {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"{}", "f.yml:1:1: not a list of target groups"},
      {"foo", "not a list of target groups"},
      {"- ~", "nil target group item found"},
      {"-", "nil target group item found"},
      {"- 'x'", "a target group is not a map"},
      {"- targets: [a]\n  foo: 1", "f.yml:2:8: unknown field \"foo\""},
      {"- targets: [a]\n  Labels: {}", "unknown field \"Labels\""},
      {"- targets: a", "targets is not a list of strings"},
      {"- targets: {}", "targets is not a list of strings"},
      {"- targets: [[a]]", "a target is not a string"},
      {"- labels: []", "labels is not a map of strings"},
      {"- labels: {x: [1]}", "a label's value is not a string"},
      {"- targets: [a]\n  targets: [b]", "f.yml:2:"},
      {"- targets: [a]\n  labels: {x: 1, x: 2}", "f.yml:2:"},
      {"- targets: [\"a\xff\"]", "UTF-8"},
      {"- targets:\n  - a\n  labels:\n\tx: y\n", "f.yml:4:"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_THAT(Read(c.text).error, HasSubstr(c.error));
  }
}

TEST(YamlGroupsTest, OnlyChangedGroupsAreTold) {
  const Outcome first = Read("- targets: [a]\n- targets: [b]\n");
  EXPECT_EQ(first.changed.size(), 2u);
  // How it is written doesn't count.
  const Outcome same = Read("[{targets: [a]}, {targets: ['b']}]", first.marks);
  EXPECT_THAT(same.changed, IsEmpty());
  const Outcome second =
      Read("- targets: [a]\n- targets: [c]\n- {}\n", first.marks);
  EXPECT_THAT(second.changed, ElementsAre("1:c,{}", "2:{}"));
}

}  // namespace
}  // namespace ta
