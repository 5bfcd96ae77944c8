#include "allocator/go_text.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace ta {
namespace {

std::string Lower(std::string_view text) {
  std::string out;
  AppendGoLower(text, out);
  return out;
}
std::string Upper(std::string_view text) {
  std::string out;
  AppendGoUpper(text, out);
  return out;
}

TEST(GoTextTest, QuotesAsStrconv) {
  EXPECT_EQ(GoQuote("plain ä日"), "\"plain ä日\"");
  EXPECT_EQ(GoQuote("\"\\\a\b\f\n\r\t\v"), R"("\"\\\a\b\f\n\r\t\v")");
  EXPECT_EQ(GoQuote(std::string_view("\0\x01\x7f", 3)), R"("\x00\x01\x7f")");
  EXPECT_EQ(GoQuote("a\xff\xc3"), R"("a\xff\xc3")");
  EXPECT_EQ(GoQuote("\u00a0\u200b\ufffd\U000e0001"),
            "\"\\u00a0\\u200b\ufffd\\U000e0001\"");
}

TEST(GoTextTest, MapsCaseRuneByRune) {
  EXPECT_EQ(Lower("AbÄẞİΣ"), "abäßiσ");
  EXPECT_EQ(Upper("abäßıςﬁÿ"), "ABÄßIΣﬁŸ");
  EXPECT_EQ(Lower("A\xff\xe2\x82z"), "a\ufffd\ufffd\ufffdz");
}

TEST(GoTextTest, ValidatesUtf8) {
  for (const char* good : {"", "a", "ä", "日本", "\U0010ffff", "12345678ä"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "12345678\xff", "\xf0\x9f\x98"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << GoQuote(bad);
  }
}

TEST(GoTextTest, ParsesDurations) {
  using std::chrono::nanoseconds;
  EXPECT_EQ(ParseDuration("1m30s"), nanoseconds(std::chrono::seconds(90)));
  EXPECT_EQ(ParseDuration("0"), nanoseconds(0));
  EXPECT_EQ(ParseDuration("1y2w3d4h5m6s7ms"),
            nanoseconds(std::chrono::hours(24 * (365 + 14 + 3) + 4) +
                        std::chrono::minutes(5) + std::chrono::seconds(6) +
                        std::chrono::milliseconds(7)));
  EXPECT_EQ(ParseDuration("").error().message, "empty duration string");
  EXPECT_EQ(ParseDuration("30s1m").error().message,
            R"(not a valid duration string: "30s1m")");
  EXPECT_EQ(ParseDuration("1x").error().message,
            R"(unknown unit "x" in duration "1x")");
  EXPECT_EQ(ParseDuration("300y").error().message, "duration out of range");
  EXPECT_EQ(ParseDuration("99999999999999999999s").error().message,
            R"(not a valid duration string: "99999999999999999999s")");
}

TEST(GoTextTest, ParsesBooleans) {
  EXPECT_EQ(ParseBool("TRUE"), true);
  EXPECT_EQ(ParseBool("f"), false);
  EXPECT_EQ(ParseBool("tRue").error().message,
            R"(strconv.ParseBool: parsing "tRue": invalid syntax)");
}

TEST(GoTextTest, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(ToValidUtf8("a\u00fc\n\u2713"), "a\u00fc\n\u2713");
  EXPECT_EQ(ToValidUtf8("a\xff\xc2z"), "a\ufffd\ufffdz");
  EXPECT_EQ(ToValidUtf8(""), "");
}

}  // namespace
}  // namespace ta
