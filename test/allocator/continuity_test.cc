#include "allocator/continuity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "allocator/snapshot.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Passing Make(Slot slot, TargetId id, std::uint64_t key, const test::Pairs& own,
             const test::Pairs& group = {}) {
  const boost::intrusive_ptr<Target> target(new Target);
  target->id = id;
  target->placement_key = key;
  target->own = test::LabelsOf(own);
  target->group = test::LabelsOf(group);
  return {slot, target};
}

TEST(ContinuityTest, EqualDiscoveredLabelsContinue) {
  const std::vector<Passing> gone = {Make(1, {0, 1}, 10, {{"a", "1"}}),
                                     Make(2, {0, 2}, 20, {{"a", "2"}})};
  const std::vector<Passing> come = {Make(3, {0, 3}, 30, {{"a", "2"}}),
                                     Make(4, {0, 4}, 40, {{"a", "9"}})};
  EXPECT_THAT(FindContinuations(gone, come),
              UnorderedElementsAre(Continuation{2, 3}));
}

TEST(ContinuityTest, ALabelMayMoveBetweenGroupAndTarget) {
  const std::vector<Passing> gone = {
      Make(1, {0, 1}, 10, {{"a", "1"}, {"c", "3"}}, {{"b", "2"}, {"c", "x"}})};
  const std::vector<Passing> come = {
      Make(2, {0, 2}, 20, {{"b", "2"}}, {{"a", "1"}, {"b", "y"}, {"c", "3"}})};
  EXPECT_THAT(FindContinuations(gone, come),
              UnorderedElementsAre(Continuation{1, 2}));
}

TEST(ContinuityTest, ElseEqualPlacementKeysInOrderOfTargetId) {
  const std::vector<Passing> gone = {Make(1, {0, 9}, 10, {{"a", "1"}}),
                                     Make(2, {0, 5}, 10, {{"a", "2"}}),
                                     Make(3, {0, 7}, 10, {{"a", "3"}})};
  const std::vector<Passing> come = {Make(4, {0, 8}, 10, {{"a", "4"}}),
                                     Make(5, {0, 1}, 10, {{"a", "5"}}),
                                     Make(6, {0, 6}, 77, {{"a", "1"}})};
  EXPECT_THAT(FindContinuations(gone, come),
              UnorderedElementsAre(Continuation{1, 6},  // labels come first
                                   Continuation{2, 5}, Continuation{3, 4}));
}

TEST(ContinuityTest, NothingInCommonIsNoContinuation) {
  const std::vector<Passing> gone = {Make(1, {0, 1}, 10, {{"a", "1"}})};
  const std::vector<Passing> come = {Make(2, {0, 2}, 20, {{"a", "2"}})};
  EXPECT_THAT(FindContinuations(gone, come), IsEmpty());
  EXPECT_THAT(FindContinuations({}, come), IsEmpty());
  EXPECT_THAT(FindContinuations(gone, {}), IsEmpty());
}

TEST(ContinuityTest, DependsOnTheSetsOnly) {
  std::vector<Passing> gone, come;
  for (Slot i = 0; i < 40; ++i) {
    gone.push_back(Make(i, {i * 7 % 41, 0}, i % 5, {{"a", std::to_string(i)}}));
    come.push_back(Make(100 + i, {i * 11 % 43, 1}, i % 4,
                        {{"a", std::to_string(i + 30)}}));
  }
  auto first = FindContinuations(gone, come);
  std::ranges::reverse(gone);
  std::ranges::rotate(come, come.begin() + 17);
  auto second = FindContinuations(gone, come);
  EXPECT_THAT(second, ::testing::UnorderedElementsAreArray(first));
}

}  // namespace
}  // namespace ta
