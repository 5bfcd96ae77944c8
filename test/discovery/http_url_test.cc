#include "discovery/http_url.h"

#include <gtest/gtest.h>

#include <string>

namespace ta {
namespace {

TEST(HttpUrlTest, PartsAreTakenApart) {
  const auto url =
      ParseHttpUrl("HTTPS://us%40er:pa%3Ass@Example.com:8443/a%2Fb?x=1&y#frag");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user, "us@er");
  EXPECT_EQ(url->password, "pa:ss");
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a%2Fb?x=1&y");
  EXPECT_EQ(url->Authority(), "example.com:8443");
}

TEST(HttpUrlTest, WhatIsShownHasNeitherUserNorQuery) {
  EXPECT_EQ(ParseHttpUrl("http://user:secret@h/p?token=secret")->Shown(),
            "http://h/p");
}

TEST(HttpUrlTest, PortsAndBracketsFollowTheScheme) {
  EXPECT_EQ(ParseHttpUrl("http://h")->HostPort(), "h:80");
  EXPECT_EQ(ParseHttpUrl("https://h")->HostPort(), "h:443");
  EXPECT_EQ(ParseHttpUrl("https://[FD00::1]")->Authority(), "[fd00::1]");
  EXPECT_EQ(ParseHttpUrl("https://[fd00::1]:6443/x")->HostPort(),
            "[fd00::1]:6443");
  EXPECT_EQ(ParseHttpUrl("http://h?q")->target, "/?q");
}

TEST(HttpUrlTest, NothingBreaksOutOfTheRequestLine) {
  EXPECT_EQ(ParseHttpUrl("http://h/a b\xC3\xA9")->target, "/a%20b%C3%A9");
  EXPECT_FALSE(ParseHttpUrl("http://h/a\r\nX: y"));
  EXPECT_FALSE(ParseHttpUrl("http://h\r\nX/"));
}

TEST(HttpUrlTest, WhatIsNoHttpUrlIsAnErrorThatDoesNotShowIt) {
  for (const char* text :
       {"", "secret", "/secret", "ftp://secret/", "http://", "http:secret",
        "http://secret:99999/", "http://secret:port/", "http://:secret@/"}) {
    const auto url = ParseHttpUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message.find("secret"), std::string::npos) << text;
  }
}

TEST(HttpUrlTest, ReferencesResolveAsInRfc3986) {
  const auto base = *ParseHttpUrl("http://u:p@h:81/b/c/d?q");
  const struct {
    const char* reference;
    const char* resolved;
  } kCases[] = {
      {"https://other/x", "https://other:443/x"},
      {"//other/x?y", "http://other:80/x?y"},
      {"/x", "http://h:81/x"},
      {"x", "http://h:81/b/c/x"},
      {"x/", "http://h:81/b/c/x/"},
      {"?y", "http://h:81/b/c/d?y"},
      {"./x", "http://h:81/b/c/x"},
      {"..", "http://h:81/b/"},
      {"../x", "http://h:81/b/x"},
      {"../../../x", "http://h:81/x"},
      {"/a/./b/../c", "http://h:81/a/c"},
      {"x:y@z", ""},
  };
  for (const auto& one : kCases) {
    const auto url = ResolveReference(base, one.reference);
    EXPECT_EQ(url ? url->scheme + "://" + url->HostPort() + url->target : "",
              one.resolved)
        << one.reference;
    EXPECT_FALSE(url && url->has_user) << one.reference;
  }
}

TEST(HttpUrlTest, BasicAuthorizationIsBase64) {
  EXPECT_EQ(BasicAuthorization("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(BasicAuthorization("a", "b"), "Basic YTpi");
  EXPECT_EQ(BasicAuthorization("", ""), "Basic Og==");
}

TEST(HttpUrlTest, SubdomainsAreOfTheSameParent) {
  EXPECT_TRUE(IsDomainOrSubdomain("a.example.com", "example.com"));
  EXPECT_TRUE(IsDomainOrSubdomain("example.com", "example.com"));
  EXPECT_FALSE(IsDomainOrSubdomain("badexample.com", "example.com"));
  EXPECT_FALSE(IsDomainOrSubdomain("example.com", "a.example.com"));
  EXPECT_FALSE(IsDomainOrSubdomain("::1%.example.com", "example.com"));
  EXPECT_FALSE(IsDomainOrSubdomain("x", ""));
}

}  // namespace
}  // namespace ta
