#include "allocator/group_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace ta {
namespace {

struct Named {
  std::string name;
  std::string_view source() const { return name; }
};
using Table = GroupTable<std::unique_ptr<Named>>;

Named& Insert(Table& table, const std::string& source) {
  return table.Insert(std::make_unique<Named>(Named{source}));
}

TEST(GroupTableTest, AnEmptyOneHasNothing) {
  const Table table;
  EXPECT_EQ(table.Find("a"), nullptr);
  EXPECT_EQ(table.size(), 0u);
  table.ForEach([](const Named&) { ADD_FAILURE(); });
}

// Claims on targets point to groups.
TEST(GroupTableTest, AGroupStaysWhereItIsInMemory) {
  Table table;
  const Named* first = &Insert(table, "first");
  for (int i = 0; i < 1'000; ++i) Insert(table, std::to_string(i));
  for (int i = 0; i < 1'000; i += 2) table.Erase(std::to_string(i));
  EXPECT_EQ(table.Find("first"), first);
}

TEST(GroupTableTest, IsAMapWhateverComesAndGoes) {
  std::mt19937 random(5);
  Table table;
  std::map<std::string, const Named*> expected;
  for (int step = 0; step < 50'000; ++step) {
    // First it grows, then it shrinks, then both in turn.
    const bool remove =
        step / 5'000 % 3 == 1 ? random() % 4 != 0 : random() % 4 == 0;
    const std::string source = std::to_string(random() % 3'000);
    const auto known = expected.find(source);
    ASSERT_EQ(table.Find(source),
              known == expected.end() ? nullptr : known->second);
    if (known == expected.end()) {
      if (!remove) expected[source] = &Insert(table, source);
    } else if (remove) {
      table.Erase(source);
      expected.erase(known);
    }
    ASSERT_EQ(table.size(), expected.size());
  }
  std::map<std::string, const Named*> visited;
  table.ForEach([&](const Named& group) {
    EXPECT_TRUE(visited.emplace(group.name, &group).second);
  });
  EXPECT_EQ(visited, expected);
}

}  // namespace
}  // namespace ta
