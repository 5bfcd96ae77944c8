#include "api/http_content.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace ta {
namespace {

TEST(AcceptsGzipTest, FollowsNamesAndQualities) {
  const std::pair<const char*, bool> cases[] = {
      {"", false},
      {"gzip", true},
      {"GZip", true},
      {"x-gzip", true},
      {"deflate, gzip;q=0.5", true},
      {"gzip;q=0", false},
      {"gzip; q=0.000", false},
      {"gzip ; Q=0 , *", false},
      {"*", true},
      {"*;q=0", false},
      {"*, gzip;q=0", false},
      {"*;q=0, gzip", true},
      {"identity", false},
      {"gzipped", false},
      {"deflate,, br", false},
      {";q=1", false},
      {"gzip;level=9;q=0", false},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(AcceptsGzip(header), expected) << '"' << header << '"';
  }
}

TEST(PrefersHtmlTest, ABrowserDoesAndAProgramDoesNot) {
  const std::pair<const char*, bool> cases[] = {
      {"", false},
      {"*/*", false},
      {"application/json", false},
      {"application/json, */*;q=0.1", false},
      {"text/*", false},
      {"text/plain", false},
      {"text/html", true},
      {"Text/HTML;charset=utf-8", true},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
      {"text/html, application/json", true},
      {"application/json, text/html", true},
      {"text/html;q=0.5, application/json", false},
      {"text/html;q=0.5, application/json;q=0.4", true},
      {"text/html;q=0.5, application/*;q=0.6", false},
      {"text/html;q=0.5, */*", false},
      {"text/html;q=0.5, */*, application/json;q=0.1", true},
      {"text/html;q=0", false},
      {"text/html;q=0.000, */*;q=0", false},
      {"text/html ; level=1 ; Q=0.4 , application/json;q=0.3", true},
      {"text/html;q=x, application/json", true},
      {"text/html;q=-1", true},
      {"text/html;q=nan", true},
      {"text/htmlx", false},
      {",;q=1,,", false},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(PrefersHtml(header), expected) << '"' << header << '"';
  }
}

TEST(MatchesETagTest, ComparesWeakly) {
  const std::pair<const char*, bool> cases[] = {
      {"", false},
      {"*", true},
      {" * ", true},
      {"\"abc\"", true},
      {"W/\"abc\"", true},
      {"\"x\", W/\"abc\"", true},
      {"\"x\",\"y\"", false},
      {"abc", false},
      {"\"abcd\"", false},
      {"w/\"abc\"", false},
      {",,\"abc\"", true},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(MatchesETag(header, "W/\"abc\""), expected) << header;
    EXPECT_EQ(MatchesETag(header, "\"abc\""), expected) << header;
  }
}

TEST(MatchesETagTest, NothingMatchesAnAnswerWithoutOne) {
  EXPECT_FALSE(MatchesETag("*", ""));
}

TEST(GzipTest, UnpacksToTheSameAndIsDeterministic) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "target-" + std::to_string(i * 7919);
  const std::string packed = Gzip(body);
  EXPECT_EQ(packed, Gzip(body));
  EXPECT_LT(packed.size(), body.size() / 2);

  std::string unpacked(body.size() + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  unpacked.resize(stream.total_out);
  inflateEnd(&stream);
  EXPECT_EQ(unpacked, body);
}

TEST(GzipTest, WhatIsTooLongIsLeftAsItIs) {
  // Never touched: only its length is looked at.
  const char byte = 'x';
  EXPECT_EQ(Gzip({&byte, kGzipMaxBytes + 1}), "");
  EXPECT_EQ(Gzip({&byte, (std::size_t{1} << 32) + 1}), "");
}

}  // namespace
}  // namespace ta
