#include "discovery/json_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Gives `text` in pieces of `piece` bytes.
ByteSource Pieces(std::string_view text, std::size_t piece) {
  return [text, piece](char* to, std::size_t size) mutable {
    const std::size_t count = std::min({size, piece, text.size()});
    std::memcpy(to, text.data(), count);
    text.remove_prefix(count);
    return Result<std::size_t>(count);
  };
}

// `a,b{x=1}` for targets a and b with a label x.
std::string Shown(const GroupText& group) {
  std::string shown;
  for (const std::string_view& target : group.targets) {
    if (&target != &group.targets.front()) shown += ',';
    shown += target;
  }
  shown += '{';
  for (const LabelPair& label : group.labels) {
    shown += shown.back() == '{' ? "" : ",";
    shown += std::string(label.name) + '=' + std::string(label.value);
  }
  return shown + '}';
}

struct Outcome {
  std::vector<std::string> changed;  // "<index>:<shown>"
  std::vector<GroupMark> marks;
  std::string error;
};

Outcome Read(std::string_view text, const std::vector<GroupMark>& before = {},
             std::size_t piece = 1 << 20) {
  Outcome outcome;
  auto marks = ReadJsonGroups(
      Pieces(text, piece), before,
      [&](std::size_t index, const GroupText& group) {
        outcome.changed.push_back(std::to_string(index) + ":" + Shown(group));
      });
  if (marks) {
    outcome.marks = *std::move(marks);
  } else {
    outcome.error = marks.error().message;
    outcome.changed.clear();
  }
  return outcome;
}

// Recorded from prometheus v0.314.0: json.Unmarshal into []*targetgroup.Group.
TEST(JsonGroupsTest, AcceptsWhatPrometheusAccepts) {
  struct Case {
    std::string text;
    std::vector<std::string> groups;
  };
  const std::vector<Case> cases = {
      {"null", {}},
      {" \n null\t", {}},
      {"[]", {}},
      {"[ ]\n", {}},
      {"[{}]", {"0:{}"}},
      {R"([{"targets":null,"labels":null}])", {"0:{}"}},
      {R"([{"Targets":["a"],"LABELS":{"x":"y"}}])", {"0:a{x=y}"}},
      {R"([{"targets":["a"],"targets":["b","c"]}])", {"0:b,c{}"}},
      {R"([{"targets":["a"],"targets":null}])", {"0:{}"}},
      {R"([{"labels":{"a":"1"},"labels":{"b":"3"}}])", {"0:{b=3}"}},
      {R"([{"labels":{"a":"b"},"labels":null}])", {"0:{}"}},
      {R"([{"targets":[null,"a"]}])", {"0:,a{}"}},
      {R"([{"targets":["a"],"labels":{"x":null}}])", {"0:a{x=}"}},
      {R"([{"targets":["\u0061\n\"}{"]}, {"targets":["b\\"]}])",
       {"0:a\n\"}{{}", "1:b\\{}"}},
      {R"([{"labels":{"a b":"é","__meta_filepath":"mine"}}])",
       {"0:{a b=é,__meta_filepath=mine}"}},
      {"[{\"targets\":[\"a\xff\xfe\"],\"labels\":{\"x\xff\":\"\xe2\x82\"}}]",
       {"0:a\uFFFD\uFFFD{x\uFFFD=\uFFFD\uFFFD}"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Outcome outcome = Read(c.text);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.changed, c.groups);
  }
}

TEST(JsonGroupsTest, RejectsWhatPrometheusRejects) {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"", "byte 0: a list of target groups expected, but the text ends"},
      {" ", "byte 1: a list of target groups expected, but the text ends"},
      {"{}", "a list of target groups expected"},
      {"nul", "a list of target groups expected"},
      {"nullx", "byte 4: the end expected"},
      {"[] x", "byte 3: the end expected"},
      {"[", "a target group expected, but the text ends"},
      {"[{}", "byte 3: a comma or the end of the list expected"},
      {"[{} {}]", "a comma or the end of the list"},
      {"[{},]", "byte 4: a target group expected"},
      {"[,{}]", "a target group expected"},
      {"[null]", "nil target group item found"},
      {R"(["a"])", "a target group expected"},
      {"[[]]", "a target group expected"},
      {"[{]", "byte 3: the end of a target group expected"},
      {R"([{"targets":["a")", "the end of a target group expected"},
      {R"([{"targets":["a"]}, {"targets":["b"}])", "group 1 at byte 20: "},
      {R"([{"labels":{"x":1}}])",
       "group 0 at byte 1: a label's value is not a string"},
      {R"([{"targets":[1]}])", "a target is not a string"},
      {R"([{"targets":"a"}])", "targets is not a list of strings"},
      {R"([{"targets":{}}])", "targets is not a list of strings"},
      {R"([{"labels":[]}])", "labels is not a map of strings"},
      {R"([{"targets":["a"],"foo":1}])", "unknown field \"foo\""},
      {"\xef\xbb\xbf[]", "a list of target groups expected"},
      {"[{\"targets\":[\"a\tb\"]}]", "group 0 at byte 1: "},
      {R"([{"targets":["a"],}])", "group 0 at byte 1: "},
      {R"([{"targets" ["a"]}])", "group 0 at byte 1: "},
      {R"([{"targets":nulx}])", "group 0 at byte 1: "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_THAT(Read(c.text).error, HasSubstr(c.error));
  }
}

// simdjson took the byte behind a group for a part of it and said that the
// document "ended early", or not, by what stood there, or was not read yet.
TEST(JsonGroupsTest, WhatIsWrongWithAGroupDoesNotDependOnWhatFollows) {
  const std::string bad = R"([{"targets":["a:1","b:2""x"})";
  const std::string error = Read(bad).error;
  EXPECT_THAT(error, HasSubstr("group 0 at byte 1: "));
  for (const char* behind : {"}", "]", ",", "{", "x"}) {
    for (const std::size_t piece : {std::size_t{1}, bad.size() + 1}) {
      EXPECT_EQ(Read(bad + behind, {}, piece).error, error)
          << behind << " in pieces of " << piece;
    }
  }
}

TEST(JsonGroupsTest, OnlyChangedGroupsAreParsed) {
  const Outcome first = Read(R"([{"targets":["a"]}, {"targets":["b"]}])");
  EXPECT_THAT(first.changed, ElementsAre("0:a{}", "1:b{}"));
  const Outcome second =
      Read(R"([{"targets":["a"]}, {"targets":["bb"]}])", first.marks);
  EXPECT_THAT(second.changed, ElementsAre("1:bb{}"));
  const Outcome same =
      Read(R"([{"targets":["a"]}, {"targets":["bb"]}])", second.marks);
  EXPECT_THAT(same.changed, IsEmpty());
  EXPECT_EQ(same.marks, second.marks);
}

TEST(JsonGroupsTest, TheEndIsCheckedThoughNoGroupChanged) {
  const Outcome first = Read(R"([{"targets":["a"]}])");
  EXPECT_NE(Read(R"([{"targets":["a"]}]])", first.marks).error, "");
  EXPECT_NE(Read(R"([{"targets":["a"]})", first.marks).error, "");
  EXPECT_EQ(Read(R"([{"targets":["a"]} ] )", first.marks).error, "");
}

TEST(JsonGroupsTest, AGroupLargerThanAnyWindowIsRead) {
  std::string text = "[{\"targets\":[\"first\"";
  for (int i = 0; i < 200'000; ++i) {
    text += ",\"host-" + std::to_string(i) + "\"";
  }
  text += "]},{\"targets\":[\"last\"]}]";
  std::size_t targets = 0;
  const auto marks = ReadJsonGroups(Pieces(text, 10'000), {},
                                    [&](std::size_t, const GroupText& group) {
                                      targets += group.targets.size();
                                    });
  ASSERT_TRUE(marks.has_value());
  EXPECT_EQ(marks->size(), 2u);
  EXPECT_EQ(targets, 200'002u);
}

TEST(JsonGroupsTest, AnErrorOfTheSourceIsPassedOn) {
  int calls = 0;
  const ByteSource source = [&](char* to, std::size_t) -> Result<std::size_t> {
    if (++calls == 2) return Reject("the disk is gone");
    *to = '[';
    return 1;
  };
  const auto marks =
      ReadJsonGroups(source, {}, [](std::size_t, const GroupText&) {});
  ASSERT_FALSE(marks.has_value());
  EXPECT_EQ(marks.error().message, "the disk is gone");
}

// The oracle of the incremental path: after any edit, in pieces of any size, it
// gives what reading from scratch gives, and the groups it didn't mention are
// those that a comparison finds equal.
TEST(JsonGroupsTest, IncrementalEqualsFromScratchAfterAnyEdit) {
  constexpr std::uint32_t kSeed = 20260102;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const auto pick = [&](std::size_t n) { return random() % n; };
  const std::vector<std::string> bits = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         "\"",
                                         "\\",
                                         " ",
                                         "\n",
                                         ":",
                                         "null",
                                         "a",
                                         "\xff",
                                         "\"labels\":{\"x\":\"y\"}",
                                         "{}",
                                         "{\"targets\":[\"n\"]}",
                                         ",{\"targets\":[\"m\"]}"};
  int valid = 0;
  for (int round = 0; round < 600; ++round) {
    std::string text = "[";
    const std::size_t groups = pick(6);
    for (std::size_t i = 0; i < groups; ++i) {
      if (i > 0) text += pick(2) == 0 ? "," : " ,\n ";
      text += "{\"targets\":[\"t" + std::to_string(pick(4)) + "\"]}";
    }
    text += "]";
    std::vector<GroupMark> marks;
    std::vector<std::string> known;  // by index
    for (int edit = 0; edit < 30; ++edit) {
      const Outcome fresh = Read(text);
      const Outcome next = Read(text, marks, 1 + pick(40));
      ASSERT_EQ(next.error, fresh.error) << text;
      if (fresh.error.empty()) {
        ++valid;
        ASSERT_EQ(next.marks, fresh.marks) << text;
        known.resize(next.marks.size());
        for (const std::string& changed : next.changed) {
          const std::size_t colon = changed.find(':');
          known[std::stoul(changed)] = changed.substr(colon + 1);
        }
        marks = next.marks;
        ASSERT_EQ(known.size(), fresh.changed.size());
        for (std::size_t i = 0; i < known.size(); ++i) {
          ASSERT_EQ(std::to_string(i) + ":" + known[i], fresh.changed[i])
              << text;
        }
      }
      const std::string backup = text;
      const std::size_t at = pick(text.size() + 1);
      switch (pick(3)) {
        case 0:
          text.insert(at, bits[pick(bits.size())]);
          break;
        case 1:
          text.erase(at, pick(20));
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>('a' + pick(26));
      }
      // Mostly go on from what is valid, so that edits add up.
      if (!Read(text).error.empty() && pick(4) != 0) text = backup;
      if (text.empty()) text = "[]";
    }
  }
  EXPECT_GT(valid, 2000);  // else the loop proved little
}

}  // namespace
}  // namespace ta
