#include "allocator/config/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ta {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(PrometheusDurationTest, ParsesAndPrintsAsGo) {
  // text, milliseconds, printed
  const std::vector<std::tuple<std::string, std::int64_t, std::string>> cases =
      {{"0", 0, "0s"},
       {"0w", 0, "0s"},
       {"0s", 0, "0s"},
       {"324ms", 324, "324ms"},
       {"3s", 3000, "3s"},
       {"5m", 300000, "5m"},
       {"1h", 3600000, "1h"},
       {"4d", 345600000, "4d"},
       {"4d1h", 349200000, "4d1h"},
       {"14d", 1209600000, "2w"},
       {"3w", 1814400000, "3w"},
       {"3w2d1h", 1990800000, "23d1h"},
       {"10y", 315360000000, "10y"},
       {"1y1d", 31622400000, "366d"},
       {"90m", 5400000, "1h30m"},
       {"00090s", 90000, "1m30s"},
       {"1y2w3d4h5m6s7ms", 33019506007, "382d4h5m6s7ms"}};
  for (const auto& [text, ms, printed] : cases) {
    const auto value = ParsePrometheusDuration(text);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ(value->count(), ms) << text;
    EXPECT_EQ(FormatPrometheusDuration(*value), printed);
  }
}

TEST(PrometheusDurationTest, RefusesWhatGoRefuses) {
  for (const auto* text :
       {"", "1", "1.5h", "-1h", "1h 1m", "1hm", "h", "1s1m", "1m1m", "1ms1s",
        "1us", "5 s", "300y", "99999999999999999999s", "106751991168d"})
    EXPECT_FALSE(ParsePrometheusDuration(text).has_value()) << text;
}

TEST(GoDurationTest, ParsesWhatGoParses) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"0", 0},
      {"-0", 0},
      {"5s", 5'000'000'000},
      {"1m30s", 90'000'000'000},
      {"30s1m", 90'000'000'000},
      {"1.5h", 5'400'000'000'000},
      {".5s", 500'000'000},
      {"1.s", 1'000'000'000},
      {"-1m", -60'000'000'000},
      {"+1ms", 1'000'000},
      {"10us", 10'000},
      {"10µs", 10'000},
      {"10μs", 10'000},
      {"7ns", 7},
      {"0.1ms", 100'000},
      {"2562047h47m16.854775807s", 9'223'372'036'854'775'807}};
  for (const auto& [text, ns] : cases) {
    const auto value = ParseGoDuration(text);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ(value->count(), ns) << text;
  }
}

TEST(GoDurationTest, RefusesWhatGoRefuses) {
  for (const auto* text : {"", "3", "-", "s", ".", "-.s", "1d", "1w", "1 s",
                           "1s ", "1x", "9223372036s1000000h"})
    EXPECT_FALSE(ParseGoDuration(text).has_value()) << text;
}

TEST(BytesTest, ParsesAndPrintsAsUnits) {
  const std::vector<std::tuple<std::string, std::int64_t, std::string>> cases =
      {{"0", 0, "0B"},
       {"0B", 0, "0B"},
       {"1B", 1, "1B"},
       {"1KB", 1024, "1KiB"},
       {"1KiB", 1024, "1KiB"},
       {"1.5KiB", 1536, "1KiB512B"},
       {"15MB", 15 << 20, "15MiB"},
       {"1GB512MB", 1610612736, "1GiB512MiB"},
       {"+1B", 1, "1B"}};
  for (const auto& [text, bytes, printed] : cases) {
    const auto value = ParseBytes(text);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ(*value, bytes) << text;
    EXPECT_EQ(FormatBytes(*value), printed);
  }
}

TEST(BytesTest, RefusesWhatUnitsRefuses) {
  for (const auto* text : {"", "1", "1kB", "1kb", "1K", "B", "1 MB", "-", ".MB",
                           "1XB", "1KB1KiB", "9EB"})
    EXPECT_FALSE(ParseBytes(text).has_value()) << text;
}

}  // namespace
}  // namespace ta
