#include "bench/latencies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

namespace ta::bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LatenciesTest, OnesWithoutAnAnswerAreLeftOut) {
  Latencies latencies(4);
  latencies.Set(3, std::chrono::milliseconds(1));
  latencies.Set(1, std::chrono::microseconds(2500));
  EXPECT_THAT(latencies.Sorted(0, 4), ElementsAre(1, 2.5));
  EXPECT_THAT(latencies.Sorted(0, 3), ElementsAre(2.5));
  EXPECT_THAT(latencies.Sorted(2, 100), ElementsAre(1));
  EXPECT_THAT(latencies.Sorted(0, 1), IsEmpty());
}

TEST(LatenciesTest, OfAllTheOnesWithoutAnAnswerTookForEver) {
  constexpr double kForEver = std::numeric_limits<double>::infinity();
  Latencies latencies(4);
  latencies.Set(3, std::chrono::milliseconds(1));
  latencies.Set(1, std::chrono::microseconds(2500));
  EXPECT_THAT(latencies.SortedOfAll(0, 4),
              ElementsAre(1, 2.5, kForEver, kForEver));
  EXPECT_THAT(latencies.SortedOfAll(2, 100), ElementsAre(1, kForEver));
  EXPECT_THAT(latencies.SortedOfAll(9, 100), IsEmpty());
}

TEST(LatenciesTest, PercentilesAreOfWhatThereIs) {
  std::vector<double> sorted;
  for (int i = 0; i < 1000; ++i) sorted.push_back(i);
  EXPECT_EQ(Percentile(sorted, 0), 0);
  EXPECT_EQ(Percentile(sorted, 0.5), 500);
  EXPECT_EQ(Percentile(sorted, 0.99), 990);
  EXPECT_EQ(Percentile(sorted, 1), 999);
  EXPECT_TRUE(std::isnan(Percentile({}, 0.5)));
}

// The product was cut off, and 0.29 * 100 is a little less than 29.
TEST(LatenciesTest, APercentileIsNotOneTooLow) {
  std::vector<double> sorted;
  for (int i = 0; i < 100; ++i) sorted.push_back(i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Percentile(sorted, i / 100.0), i);
}

}  // namespace
}  // namespace ta::bench
