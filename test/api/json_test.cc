#include "api/json.h"

#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

struct Case {
  std::string name;
  std::string text;
  std::string json;
};

// What Go's encoding/json writes, with its default of escaping HTML.
const Case kCases[] = {
    {"Empty", "", R"("")"},
    {"Plain", "host-1.example:9100", R"("host-1.example:9100")"},
    {"QuoteAndBackslash", R"(a"b\c)", R"("a\"b\\c")"},
    {"Html", "<a>&b", R"("\u003ca\u003e\u0026b")"},
    {"ShortEscapes", "\b\f\n\r\t", R"("\b\f\n\r\t")"},
    {"OtherControls", std::string("\0\x01\x1f\x7f", 4),
     "\"\\u0000\\u0001\\u001f\x7f\""},
    {"LineSeparators", "a\u2028b\u2029c", R"("a\u2028b\u2029c")"},
    {"NeighboursOfLineSeparators", "\u2027\u202a", "\"\u2027\u202a\""},
    {"Utf8", "Ünï ☃ 🚀", "\"Ünï ☃ 🚀\""},
    {"StrayContinuation", "a\x80z", R"("a\ufffdz")"},
    {"CutSequence", "\xe2\x82", R"("\ufffd\ufffd")"},
    {"CutAtTheEnd", "12345678\xf0\x9f\x9a", R"("12345678\ufffd\ufffd\ufffd")"},
    {"Overlong", "\xc0\xaf", R"("\ufffd\ufffd")"},
    {"Surrogate", "\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},
    {"AboveUnicode", "\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},
    {"SequenceAcrossTheEighthByte", "1234567\u00fc9", "\"1234567\u00fc9\""},
};

class JsonStringTest : public testing::TestWithParam<Case> {};

TEST_P(JsonStringTest, WritesWhatGoWrites) {
  EXPECT_EQ(JsonString(GetParam().text), GetParam().json);
}

// The fast path looks at eight bytes at a time, so every case must hold at
// every offset from a multiple of eight.
TEST_P(JsonStringTest, WritesTheSameAtEveryOffset) {
  const std::string body =
      GetParam().json.substr(1, GetParam().json.size() - 2);
  for (std::size_t offset = 0; offset <= 16; ++offset) {
    const std::string before(offset, 'x');
    EXPECT_EQ(JsonString(before + GetParam().text + "yy"),
              "\"" + before + body + "yy\"")
        << "offset " << offset;
  }
}

INSTANTIATE_TEST_SUITE_P(All, JsonStringTest, testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

TEST(JsonStringTest, EscapesEachByteThatNeedsItAndNoOther) {
  for (int c = 0; c < 0x80; ++c) {
    const char byte = static_cast<char>(c);
    const bool escaped = c < 0x20 || byte == '"' || byte == '\\' ||
                         byte == '<' || byte == '>' || byte == '&';
    const std::string text = "abcd" + std::string(1, byte) + "efgh";
    EXPECT_EQ(JsonString(text) != "\"" + text + "\"", escaped) << "byte " << c;
  }
}

TEST(JsonWriterTest, PutsCommasBetweenValuesOnly) {
  ByteBuffer out;
  JsonWriter json(out);
  json.BeginObject()
      .Field("a", 1)
      .Field("b", std::uint64_t{18446744073709551615u})
      .Field("c", -5)
      .Field("d", true)
      .Field("e", "x");
  json.Key("f").BeginArray().String("1").BeginObject().EndObject().EndArray();
  json.Key("g").Double(1.05).Key("h").BeginArray().EndArray().EndObject();
  EXPECT_EQ(out.Take(),
            R"({"a":1,"b":18446744073709551615,"c":-5,"d":true,"e":"x",)"
            R"("f":["1",{}],"g":1.05,"h":[]})");
}

TEST(ErrorBodyTest, IsAnObjectWithAnErrorAndANewline) {
  EXPECT_EQ(ErrorBody("no \"x\""), "{\"error\":\"no \\\"x\\\"\"}\n");
}

TEST(ByteBufferTest, GrowsAndKeepsWhatWasWritten) {
  ByteBuffer out;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    const std::string piece = std::to_string(i);
    out.Append(piece);
    out.Append(',');
    expected += piece + ",";
  }
  EXPECT_EQ(out.view(), expected);
  EXPECT_EQ(out.Take(), expected);
  EXPECT_EQ(out.size(), 0u);
}

}  // namespace
}  // namespace ta
