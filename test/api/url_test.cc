#include "api/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ta {
namespace {

using testing::ElementsAre;

TEST(UrlTest, UnescapesAsAQueryDoes) {
  EXPECT_EQ(QueryUnescape("a%2Fb+c%2bd"), "a/b c+d");
  EXPECT_EQ(QueryUnescape("%E2%98%83"), "☃");
  EXPECT_EQ(QueryUnescape(""), "");
  EXPECT_EQ(QueryUnescape("%00"), std::string(1, '\0'));
}

TEST(UrlTest, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%2", "%2g", "a%", "%%41", "%-1"}) {
    EXPECT_EQ(QueryUnescape(text), std::nullopt) << text;
  }
}

TEST(UrlTest, EscapesAsGoDoes) {
  EXPECT_EQ(QueryEscape("a/b c+d"), "a%2Fb+c%2Bd");
  EXPECT_EQ(QueryEscape("A-Z_a.z~09"), "A-Z_a.z~09");
  EXPECT_EQ(QueryEscape("*!'()&=?#☃"), "%2A%21%27%28%29%26%3D%3F%23%E2%98%83");
}

TEST(UrlTest, EscapingRoundTripsEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(QueryUnescape(QueryEscape(all)), all);
}

TEST(QueryTest, TheFirstOfSeveralValuesWins) {
  const auto query = Query::Parse("collector_id=a&x=1&collector_id=b");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->First("collector_id"), "a");
  EXPECT_EQ(query->First("x"), "1");
  EXPECT_EQ(query->First("y"), std::nullopt);
}

TEST(QueryTest, EmptyValuesAreThere) {
  const auto query = Query::Parse("a=&b&&c=1=2&%61%3D=d");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->First("a"), "");
  EXPECT_EQ(query->First("b"), "");
  EXPECT_EQ(query->First("c"), "1=2");
  EXPECT_EQ(query->First("a="), "d");
}

TEST(QueryTest, WhatGoWouldDropIsRefused) {
  EXPECT_FALSE(Query::Parse("a=%zz"));
  EXPECT_FALSE(Query::Parse("%=1"));
  EXPECT_FALSE(Query::Parse("a=1;b=2"));
}

TEST(TargetTest, SplitsPathAndQuery) {
  EXPECT_EQ(SplitTarget("/jobs?a=b?c").path, "/jobs");
  EXPECT_EQ(SplitTarget("/jobs?a=b?c").query, "a=b?c");
  EXPECT_EQ(SplitTarget("/jobs#f?x").path, "/jobs");
  EXPECT_EQ(SplitTarget("/jobs#f?x").query, "");
}

TEST(TargetTest, AcceptsTheAbsoluteForm) {
  EXPECT_EQ(SplitTarget("http://host:80/jobs?a=1").path, "/jobs");
  EXPECT_EQ(SplitTarget("http://host:80/jobs?a=1").query, "a=1");
  EXPECT_EQ(SplitTarget("https://host").path, "/");
  EXPECT_EQ(SplitTarget("http://host?a=1").path, "/");
  EXPECT_EQ(SplitTarget("http://host?a=1").query, "a=1");
}

}  // namespace
}  // namespace ta
