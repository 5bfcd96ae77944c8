#include "allocator/config/collectors_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> MistakesOf(std::string_view text) {
  std::vector<std::string> out;
  const auto collectors = ParseCollectorsFile("c.yaml", text);
  if (collectors) return out;
  for (const auto& mistake : collectors.error())
    out.push_back(mistake.ToString());
  return out;
}

TEST(CollectorsFileTest, TakesNamesAndMapsInTheOrderOfTheFile) {
  const auto collectors = ParseCollectorsFile(
      "c.yaml", "- b\n- name: a\n  node: n1\n- {name: 010}\n");
  ASSERT_TRUE(collectors.has_value());
  EXPECT_THAT(*collectors,
              ElementsAre(StaticCollector{"b", ""}, StaticCollector{"a", "n1"},
                          StaticCollector{"010", ""}));
}

TEST(CollectorsFileTest, TakesJson) {
  const auto collectors =
      ParseCollectorsFile("c.json", R"(["a", {"name": "b", "node": "n"}])");
  ASSERT_TRUE(collectors.has_value());
  EXPECT_THAT(*collectors,
              ElementsAre(StaticCollector{"a", ""}, StaticCollector{"b", "n"}));
}

TEST(CollectorsFileTest, AnEmptyListIsNoMistakeButAnEmptyFileIs) {
  const auto none = ParseCollectorsFile("c.yaml", "[]");
  ASSERT_TRUE(none.has_value());
  EXPECT_THAT(*none, IsEmpty());
  EXPECT_THAT(MistakesOf(""), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(MistakesOf("# later\n"), ElementsAre(HasSubstr("is empty")));
}

TEST(CollectorsFileTest, SaysEveryMistake) {
  EXPECT_THAT(
      MistakesOf("- a\n- \"\"\n- a\n- [b]\n- {node: n}\n-\n"
                 "- {name: c, weight: 2}\n- {name: d, nod: x}\n"),
      ElementsAre(
          "c.yaml:2:3: [1]: a collector needs a name",
          "c.yaml:3:3: [2]: collector \"a\" is there already, at line 1",
          HasSubstr("c.yaml:4:3: [3]: expected a name or a map"),
          "c.yaml:5:3: [4]: a collector needs a name",
          "c.yaml:6:1: [5]: a collector needs a name",
          HasSubstr("c.yaml:7:21: [6].weight: weights are not"),
          HasSubstr("c.yaml:8:13: [7].nod: unknown key in a collector "
                    "(did you mean \"node\"?)")));
}

TEST(CollectorsFileTest, SomethingElseThanAListIsAMistake) {
  EXPECT_THAT(MistakesOf("collectors: [a]"),
              ElementsAre(HasSubstr("expected a list of collectors")));
  EXPECT_THAT(MistakesOf("a"), ElementsAre(HasSubstr("expected a list")));
  EXPECT_THAT(MistakesOf("[a"), ElementsAre(HasSubstr("not valid YAML")));
}

TEST(CollectorsFileTest, NamesThatWouldBreakTheMetricsAreMistakes) {
  EXPECT_THAT(
      MistakesOf("- \"a\\nb\"\n- {name: \"\\x00\"}\n- " +
                 std::string(254, 'x') + "\n- ok\n"),
      ElementsAre(
          "c.yaml:1:3: [0]: the collector's name has a control character",
          "c.yaml:2:3: [1]: the collector's name has a control character",
          "c.yaml:3:3: [2]: the collector's name has more than 253 bytes"));
}

}  // namespace
}  // namespace ta
