#include "allocator/collector_name.h"

#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

std::string ErrorOf(std::string_view name) {
  const auto valid = CheckCollectorName(name);
  return valid ? "" : valid.error().message;
}

TEST(CollectorNameTest, TakesWhatPodsAndPeopleCallThem) {
  for (const std::string_view name : {"collector-0", "otel/collector.ns:8080",
                                      "sammler-\u00fc \u2713", "a b"})
    EXPECT_EQ(ErrorOf(name), "") << name;
  EXPECT_EQ(ErrorOf(std::string(253, 'x')), "");
}

TEST(CollectorNameTest, RefusesWhatWouldBreakMetricsAndLogs) {
  EXPECT_EQ(ErrorOf(""), "the collector's name is empty");
  EXPECT_EQ(ErrorOf(std::string(254, 'x')),
            "the collector's name has more than 253 bytes");
  for (const std::string_view name :
       {"a\xff", "\xc2", "\xc0\x80", "\xed\xa0\x80"})
    EXPECT_EQ(ErrorOf(name), "the collector's name is not UTF-8");
  for (const std::string_view name :
       {std::string_view("a\0b", 3), std::string_view("a\nb"),
        std::string_view("\x1b[31m"), std::string_view("a\x7f"),
        std::string_view("\u0085")})
    EXPECT_EQ(ErrorOf(name), "the collector's name has a control character");
}

}  // namespace
}  // namespace ta
