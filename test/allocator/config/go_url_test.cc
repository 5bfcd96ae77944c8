#include "allocator/config/go_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ta {
namespace {

// Each recorded from net/url: url.Parse(text), then Redacted().
TEST(GoUrlTest, PrintsAsGoWithThePasswordRedacted) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"http://host:80/path?q=1#f", "http://host:80/path?q=1#f"},
      {"HTTP://Host/", "http://Host/"},
      {"http://u:p@h/", "http://u:xxxxx@h/"},
      {"http://u@h", "http://u@h"},
      {"http://u:@h", "http://u:xxxxx@h"},
      {"//host/a b", "//host/a%20b"},
      {"http://h/%41%2F", "http://h/%41%2F"},
      {"http://h/ü", "http://h/%C3%BC"},
      {"http://[::1]:80/x", "http://[::1]:80/x"},
      {"mailto:x@y", "mailto:x@y"},
      {"http://h?", "http://h?"},
      {"/only/path", "/only/path"},
      {"relative/path", "relative/path"},
      {"file:///etc/x", "file:///etc/x"},
      {"http://h/a#b ü", "http://h/a#b%20%C3%BC"},
      {"http://h/*", "http://h/*"},
      {"*", "*"},
      {"http://a:1:2/", "http://a:1:2/"},
      {"http://h/?a b<>\"", "http://h/?a b<>\""},
      {"http://h/[a]!'()*", "http://h/[a]!'()*"},
      {"http://a%25b/", "http://a%25b/"},
      {"///x", "///x"}};
  for (const auto& [text, printed] : cases) {
    const auto url = ParseGoUrl(text);
    ASSERT_TRUE(url.has_value()) << text << ": " << url.error().message;
    EXPECT_EQ(url->Redacted(), printed) << text;
  }
}

TEST(GoUrlTest, RefusesWhatGoRefusesAndKeepsThePasswordToItself) {
  for (const auto* text :
       {"://host", "http://h:port", "http://[::1/", "http://h/%zz",
        "http://h%41", "http://u:SECRET@h:x", "a:b c\x7F", "http://a b/",
        "1a:b", "http://u s:SECRET@h", "http://h/a#b%zz", "http://[a]b/"}) {
    const auto url = ParseGoUrl(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_THAT(url.error().message,
                ::testing::Not(::testing::HasSubstr("SECRET")));
  }
}

TEST(GoUrlTest, PartsAreUnescaped) {
  const auto url = ParseGoUrl("https://us%65r:pw@host:8443/a%20b?x=%20#y");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user, "user");
  EXPECT_TRUE(url->has_password);
  EXPECT_EQ(url->host, "host:8443");
  EXPECT_EQ(url->path, "/a b");
  EXPECT_EQ(url->query, "x=%20");
  EXPECT_EQ(url->fragment, "y");
}

}  // namespace
}  // namespace ta
