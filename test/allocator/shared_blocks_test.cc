#include "allocator/shared_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

namespace ta {
namespace {

static_assert(std::random_access_iterator<SharedBlocks<int>::Iterator>);

std::vector<int> Numbers(std::size_t count) {
  std::vector<int> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(SharedBlocksTest, HoldsWhatItWasGivenAtAnySize) {
  constexpr std::size_t kBlock = SharedBlocks<int>::kBlock;
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1,
        3 * kBlock, 3 * kBlock + 5}) {
    const SharedBlocks<int> array(Numbers(count));
    EXPECT_EQ(array.size(), count);
    EXPECT_EQ(array.empty(), count == 0);
    EXPECT_THAT(array, testing::ElementsAreArray(Numbers(count)));
  }
}

TEST(SharedBlocksTest, ACopyKeepsTheElementsItWasMadeWith) {
  SharedBlocks<int> array(Numbers(200));
  const SharedBlocks<int> before = array;
  array.Set(0, -1);
  array.Set(70, -2);
  array.Set(199, -3);
  EXPECT_THAT(before, testing::ElementsAreArray(Numbers(200)));
  EXPECT_EQ(array[0], -1);
  EXPECT_EQ(array[70], -2);
  EXPECT_EQ(array[199], -3);
  EXPECT_EQ(array[71], 71);
}

// What it is for: a change must not cost the whole array.
TEST(SharedBlocksTest, AChangeCopiesOneBlockAndSharesTheOthers) {
  constexpr std::size_t kBlock = SharedBlocks<int>::kBlock;
  SharedBlocks<int> array(Numbers(10 * kBlock));
  const SharedBlocks<int> before = array;
  array.Set(3 * kBlock + 1, -1);
  std::set<std::size_t> copied;
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (&array[i] != &before[i]) copied.insert(i / kBlock);
  }
  EXPECT_THAT(copied, testing::ElementsAre(3));
}

TEST(SharedBlocksTest, IsSearchedLikeASortedVector) {
  const SharedBlocks<int> array(Numbers(500));
  for (const int wanted : {0, 63, 64, 65, 128, 499}) {
    EXPECT_EQ(*std::ranges::lower_bound(array, wanted), wanted);
  }
  EXPECT_EQ(std::ranges::lower_bound(array, 500), array.end());
}

}  // namespace
}  // namespace ta
