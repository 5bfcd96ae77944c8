#include "hashing/ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "hashing/hash.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

void ExpectSame(const Ring& a, const Ring& b) {
  EXPECT_EQ(a.members(), b.members());
  ASSERT_EQ(a.points().size(), b.points().size());
  for (std::size_t i = 0; i < a.points().size(); ++i) {
    ASSERT_EQ(a.points()[i].hash, b.points()[i].hash) << "point " << i;
    ASSERT_EQ(a.points()[i].member, b.points()[i].member) << "point " << i;
    ASSERT_EQ(a.points()[i].gap, b.points()[i].gap) << "point " << i;
  }
}

// What makes the hashing consistent, exact rather than within a tolerance.
TEST(RingTest, JoiningCollectorTakesKeysAndMovesNoOthers) {
  const Ring before(test::Collectors(9));  // "collector-0" to "collector-8"
  const Ring after(test::Collectors(10));
  int moved = 0;
  for (const auto key : test::Keys(10'000)) {  // fixed seed
    if (before.Owner(key) == after.Owner(key)) continue;
    EXPECT_EQ(after.Owner(key), "collector-9") << "key " << key;
    ++moved;
  }
  EXPECT_GT(moved, 0);  // else the loop proved nothing
}

TEST(RingTest, OwnerIsTheMemberOfTheNearestPointClockwise) {
  const auto names = test::Collectors(7);
  const Ring ring(names, 20);
  auto keys = test::Keys(500);
  for (const auto& point : ring.points()) {
    keys.insert(keys.end(), {point.hash - 1, point.hash, point.hash + 1});
  }
  keys.insert(keys.end(), {0, ~std::uint64_t{0}});
  for (const auto key : keys) {
    std::uint64_t least = ~std::uint64_t{0};
    std::string nearest;
    for (const auto& name : names) {
      for (std::uint64_t i = 0; i < 20; ++i) {
        const auto point = Hasher(kRingSeed).Append(name).Append(i).Hash64();
        if (point - key < least) {
          least = point - key;
          nearest = name;
        }
      }
    }
    EXPECT_EQ(ring.Owner(key), nearest) << "key " << key;
  }
}

TEST(RingTest, DoesNotDependOnOrderOrRepetition) {
  auto names = test::Collectors(20);
  const Ring sorted(names, 50);
  std::mt19937_64 random(3);
  std::shuffle(names.begin(), names.end(), random);
  names.push_back(names.front());
  ExpectSame(Ring(names, 50), sorted);
}

TEST(RingTest, AnyHistoryOfMembersGivesTheRingBuiltAtOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Ring ring(30);
    for (int step = 0; step < 20; ++step) {
      auto names = test::Collectors(12);
      std::shuffle(names.begin(), names.end(), random);
      names.resize(random() % 13);  // none and one among them
      ring.SetMembers(names);
      ExpectSame(ring, Ring(names, 30));
    }
  }
}

TEST(RingTest, GapIsTheWayBackToTheMembersPreviousPoint) {
  const Ring ring(test::Collectors(5), 10);
  const auto points = ring.points();
  const auto size = static_cast<std::uint32_t>(points.size());
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint32_t gap = 1;
    while (points[(i + size - gap) % size].member != points[i].member) ++gap;
    EXPECT_EQ(points[i].gap, gap) << "point " << i;
  }
}

TEST(RingTest, SingleMemberHasASinglePointAndOwnsEverything) {
  const Ring ring({"only"});
  ASSERT_EQ(ring.points().size(), 1u);
  EXPECT_EQ(ring.points()[0].gap, 1u);
  for (const auto key : test::Keys(100)) EXPECT_EQ(ring.Owner(key), "only");
  EXPECT_EQ(ring.Owner(ring.points()[0].hash), "only");
  EXPECT_EQ(ring.Owner(ring.points()[0].hash + 1), "only");
}

TEST(RingTest, NoMembersGiveAnEmptyRing) {
  EXPECT_TRUE(Ring().empty());
  Ring ring(test::Collectors(3));
  ring.SetMembers({});
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.points().empty());
}

// With this many points a member the parts of the circle differ by a few
// percent; this is what the bound has to even out.
TEST(RingTest, PartsAreNearlyEqual) {
  const Ring ring(test::Collectors(10));
  std::vector<double> part(10, 0);
  const auto points = ring.points();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto before = points[(i + points.size() - 1) % points.size()].hash;
    part[points[i].member] +=
        static_cast<double>(points[i].hash - before) / 0x1p64;
  }
  // Six standard deviations and more: 1 / sqrt(1500) each.
  EXPECT_THAT(part, testing::Each(testing::DoubleNear(0.1, 0.1 * 6 / 31.6)));
}

}  // namespace
}  // namespace ta
