#include "allocator/compact_array.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace ta {
namespace {

TEST(CompactArrayTest, OneStandsInTheObject) {
  static_assert(sizeof(CompactArray<std::uint32_t>) == 16);
  static_assert(sizeof(CompactArray<std::unique_ptr<int>>) == 16);
  CompactArray<int> array;
  EXPECT_TRUE(array.empty());
  array.Resize(1);
  EXPECT_EQ(array[0], 0);
  EXPECT_GE(static_cast<void*>(array.begin()), static_cast<void*>(&array));
  EXPECT_LT(static_cast<void*>(array.begin()), static_cast<void*>(&array + 1));
}

TEST(CompactArrayTest, ItsPaddingIsRoomForTheNextMember) {
  struct Both {
    [[no_unique_address]] CompactArray<std::unique_ptr<int>> array;
    std::uint32_t next = 7;
  };
  static_assert(sizeof(Both) == 16);
  for (const std::size_t size : {1, 2, 1, 0, 1}) {
    Both both;
    both.array.Resize(size);
    Both other = std::move(both);
    both = Both();
    both.array = std::move(other.array);
    EXPECT_EQ(both.array.size(), size);
    EXPECT_EQ(both.next, 7u);
    EXPECT_EQ(other.next, 7u);
  }
}

TEST(CompactArrayTest, FollowsAVector) {
  std::mt19937 random(43);
  CompactArray<std::unique_ptr<std::string>> array;
  std::vector<std::string> expected;
  for (int step = 0; step < 3'000; ++step) {
    if (random() % 3 == 0 && !expected.empty()) {
      const std::size_t at = random() % expected.size();
      array.Erase(array.begin() + at);
      expected.erase(expected.begin() + at);
    } else {
      const std::size_t size = random() % 5;
      array.Resize(size);
      expected.resize(size, "new");
      for (auto& each : array) {
        if (each == nullptr) each = std::make_unique<std::string>("new");
      }
    }
    if (!expected.empty()) {
      const std::size_t at = random() % expected.size();
      *array[at] = expected[at] = std::to_string(step);
      EXPECT_EQ(*array.back(), expected.back());
    }
    CompactArray<std::unique_ptr<std::string>> other = std::move(array);
    EXPECT_TRUE(array.empty());
    array = std::move(other);
    ASSERT_EQ(array.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(*array[i], expected[i]);
    }
  }
}

}  // namespace
}  // namespace ta
