#include "hashing/capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "test/support/inputs.h"

namespace ta {
namespace {

TEST(CapacityTest, TotalIsTheCeilingInIntegers) {
  EXPECT_EQ(TotalCapacity(0, 1050), 0u);
  EXPECT_EQ(TotalCapacity(1, 1050), 2u);
  EXPECT_EQ(TotalCapacity(20, 1050), 21u);  // exact: no rounding up
  EXPECT_EQ(TotalCapacity(21, 1050), 23u);  // 22.05
  EXPECT_EQ(TotalCapacity(7, 1000), 7u);
  EXPECT_EQ(TotalCapacity(1'000'000, 1001), 1'001'000u);
  EXPECT_EQ(TotalCapacity(5'000'000'000, 10'000), 50'000'000'000u);
}

TEST(CapacityTest, SeatsAddUpToTheTotalAndDifferByOne) {
  for (const std::uint64_t members : {1, 2, 7, 10, 100}) {
    for (std::uint64_t total = 0; total < 300; ++total) {
      std::uint64_t sum = 0;
      for (std::uint64_t rank = 0; rank < members; ++rank) {
        const auto seats = SeatsOf(rank, members, total);
        EXPECT_GE(seats, total / members);
        EXPECT_LE(seats, total / members + 1);
        sum += seats;
      }
      EXPECT_EQ(sum, total) << members << " members";
    }
  }
}

// Promise 3: a member's part never passes the ceiling of the mean.
TEST(CapacityTest, NobodyHasMoreThanTheBound) {
  for (const std::uint64_t members : {1, 3, 10, 64}) {
    for (std::uint64_t items = 1; items < 500; ++items) {
      const auto bound = (items * 1050 + members * 1000 - 1) / (members * 1000);
      for (std::uint64_t rank = 0; rank < members; ++rank) {
        EXPECT_LE(SeatsOf(rank, members, TotalCapacity(items, 1050)), bound)
            << items << " items, " << members << " members";
      }
    }
  }
}

TEST(CapacityTest, OneSeatMoreConcernsOneMember) {
  for (std::uint64_t total = 0; total < 100; ++total) {
    int changed = 0;
    for (std::uint64_t rank = 0; rank < 7; ++rank) {
      const auto before = SeatsOf(rank, 7, total);
      const auto after = SeatsOf(rank, 7, total + 1);
      EXPECT_TRUE(after == before || after == before + 1);
      changed += after != before;
    }
    EXPECT_EQ(changed, 1) << "total " << total;
  }
}

TEST(CapacityTest, SeatOrderIsByTheMembersOwnHashes) {
  const auto names = test::Collectors(50);
  const auto order = SeatOrder(names);
  ASSERT_EQ(order.size(), names.size());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end(),
                             [&](std::uint32_t a, std::uint32_t b) {
                               return SeatHash(names[a]) < SeatHash(names[b]);
                             }));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(CapacityTest, AJoiningMemberKeepsTheOrderOfTheOthers) {
  auto names = test::Collectors(20);
  std::sort(names.begin(), names.end());
  const auto in_seat_order = [](const std::vector<std::string>& sorted) {
    std::vector<std::string> result;
    for (const auto member : SeatOrder(sorted))
      result.push_back(sorted[member]);
    return result;
  };
  const auto before = in_seat_order(names);
  names.insert(names.begin() + 3, "collector-10a");
  auto after = in_seat_order(names);
  std::erase(after, "collector-10a");
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace ta
