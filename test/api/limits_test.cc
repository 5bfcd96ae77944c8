#include "api/limits.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace ta {
namespace {

TEST(LimitsTest, CpuMaxIsQuotaOverPeriod) {
  EXPECT_EQ(ParseCpuMax("200000 100000"), 2.0);
  EXPECT_EQ(ParseCpuMax("50000 100000"), 0.5);
  EXPECT_EQ(ParseCpuMax("max 100000"), std::nullopt);
  EXPECT_EQ(ParseCpuMax(""), std::nullopt);
  EXPECT_EQ(ParseCpuMax("100000"), std::nullopt);
  EXPECT_EQ(ParseCpuMax("100000 0"), std::nullopt);
}

TEST(LimitsTest, GomaxprocsDecidesWhereItIsANumber) {
  ::setenv("GOMAXPROCS", "3", 1);
  EXPECT_EQ(AllowedCores(), 3);
  for (const char* ignored : {"0", "-1", "x", "", "2x"}) {
    ::setenv("GOMAXPROCS", ignored, 1);
    EXPECT_NE(AllowedCores(), 3) << ignored;
    EXPECT_GE(AllowedCores(), 1) << ignored;
  }
  ::unsetenv("GOMAXPROCS");
  EXPECT_GE(AllowedCores(), 1);
}

}  // namespace
}  // namespace ta
