#include "allocator/group_alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Labels> Versions(const std::string& names) {
  std::vector<Labels> all;
  for (const char name : names) {
    all.push_back(Labels::Of({{"a", std::string_view(&name, 1)}}));
  }
  return all;
}

TEST(GroupAlignmentTest, EqualGroupsHaveNothingToDo) {
  const Alignment same = Align(Versions("abc"), Versions("abc"));
  EXPECT_THAT(same.lost, IsEmpty());
  EXPECT_THAT(same.fresh, IsEmpty());
  EXPECT_THAT(same.moved, IsEmpty());
}

TEST(GroupAlignmentTest, AnInsertedOneShiftsTheRest) {
  const Alignment shifted = Align(Versions("abcd"), Versions("axbcd"));
  EXPECT_THAT(shifted.lost, IsEmpty());
  EXPECT_THAT(shifted.fresh, ElementsAre(1));
  EXPECT_THAT(shifted.moved, ::testing::SizeIs(3));
}

TEST(GroupAlignmentTest, OfEqualOnesEachIsTakenOnce) {
  const Alignment two = Align(Versions("aab"), Versions("baa"));
  EXPECT_THAT(two.lost, IsEmpty());
  EXPECT_THAT(two.fresh, IsEmpty());
  const Alignment more = Align(Versions("ab"), Versions("bbb"));
  EXPECT_THAT(more.lost, ElementsAre(0));
  EXPECT_THAT(more.fresh, ::testing::SizeIs(2));
}

TEST(GroupAlignmentTest, AppliedToTheOldItGivesTheNew) {
  std::mt19937 random(41);
  for (int round = 0; round < 5'000; ++round) {
    const auto draw = [&] {
      std::string text(random() % 8, 'a');
      for (char& c : text) c = static_cast<char>('a' + random() % 4);
      return Versions(text);
    };
    const std::vector<Labels> old = draw();
    const std::vector<Labels> next = draw();
    const Alignment alignment = Align(old, next);
    std::vector<Labels> made(next.size());
    std::set<std::uint32_t> from, to;
    for (const std::uint32_t index : alignment.lost) {
      ASSERT_TRUE(from.insert(index).second);
    }
    for (const std::uint32_t index : alignment.fresh) {
      made[index] = next[index];
      ASSERT_TRUE(to.insert(index).second);
    }
    for (const auto& moved : alignment.moved) {
      made[moved.to] = old[moved.from];
      ASSERT_TRUE(from.insert(moved.from).second);
      ASSERT_TRUE(to.insert(moved.to).second);
    }
    for (std::uint32_t i = 0; i < next.size(); ++i) {
      if (to.contains(i)) continue;
      ASSERT_LT(i, old.size());
      ASSERT_FALSE(from.contains(i)) << "given away and kept";
      made[i] = old[i];
    }
    for (std::uint32_t i = 0; i < old.size(); ++i) {
      if (from.contains(i)) continue;
      ASSERT_FALSE(to.contains(i) || i >= next.size());
    }
    ASSERT_EQ(made, next);
  }
}

}  // namespace
}  // namespace ta
