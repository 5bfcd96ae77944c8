#include "allocator/config/yaml_scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace ta {
namespace {

std::string Kind(const YamlScalar& value) {
  static constexpr const char* kNames[] = {"null", "bool",  "int",
                                           "uint", "float", "text"};
  return kNames[value.index()];
}

struct Resolved {
  YamlTree tree;  // owns the text
  YamlScalar value;
  bool fits;
};

Resolved Resolve(std::string_view text) {
  Mistakes mistakes;
  auto tree = YamlTree::Parse("f", text, mistakes);
  EXPECT_NE(tree.root(), nullptr) << text;
  const YamlNode& node = *tree.root();
  return {std::move(tree), ResolveScalar(node), FitsItsTag(node)};
}

template <typename T>
void ExpectIs(std::string_view text, T expected) {
  const auto resolved = Resolve(text);
  const T* value = std::get_if<T>(&resolved.value);
  ASSERT_NE(value, nullptr) << text << " is " << Kind(resolved.value);
  EXPECT_EQ(*value, expected) << text;
}

TEST(YamlScalarTest, BooleansAreThoseOfYaml11) {
  for (const auto* text : {"y", "Y", "yes", "Yes", "YES", "true", "True",
                           "TRUE", "on", "On", "ON"})
    ExpectIs<bool>(text, true);
  for (const auto* text : {"n", "N", "no", "No", "NO", "false", "False",
                           "FALSE", "off", "Off", "OFF"})
    ExpectIs<bool>(text, false);
  for (const auto* text : {"yEs", "tRUE", "'true'", "\"no\""})
    EXPECT_EQ(Kind(Resolve(text).value), "text") << text;
}

TEST(YamlScalarTest, IntegersHaveEveryBaseOfGo) {
  ExpectIs<std::int64_t>("0", 0);
  ExpectIs<std::int64_t>("-12", -12);
  ExpectIs<std::int64_t>("+12", 12);
  ExpectIs<std::int64_t>("010", 8);
  ExpectIs<std::int64_t>("0o17", 15);
  ExpectIs<std::int64_t>("0x1F", 31);
  ExpectIs<std::int64_t>("-0X1f", -31);
  ExpectIs<std::int64_t>("0b101", 5);
  ExpectIs<std::int64_t>("-0b11", -3);
  ExpectIs<std::int64_t>("1_000_000", 1000000);
  ExpectIs<std::int64_t>("-9223372036854775808", INT64_MIN);
  ExpectIs<std::uint64_t>("9223372036854775808", 1ull << 63);
  ExpectIs<std::uint64_t>("18446744073709551615", UINT64_MAX);
}

TEST(YamlScalarTest, FloatsAreDecimal) {
  ExpectIs<double>("1.5", 1.5);
  ExpectIs<double>("-1.5e3", -1500);
  ExpectIs<double>(".5", 0.5);
  ExpectIs<double>("1.", 1);
  ExpectIs<double>("+1e2", 100);
  ExpectIs<double>("08", 8);  // no octal, so a float
  ExpectIs<double>("18446744073709551616", 18446744073709551616.0);
  ExpectIs<double>(".inf", INFINITY);
  ExpectIs<double>("-.Inf", -INFINITY);
  EXPECT_TRUE(std::isnan(std::get<double>(Resolve(".NaN").value)));
}

TEST(YamlScalarTest, NullHasFiveSpellings) {
  for (const auto* text : {"~", "null", "Null", "NULL", "---"})
    EXPECT_EQ(Kind(Resolve(text).value), "null") << text;
  EXPECT_EQ(Kind(Resolve("''").value), "text");
}

TEST(YamlScalarTest, EverythingElseIsText) {
  for (const auto* text :
       {"1h", "0x", "0xg", "1e", "1e999", "12:30:45", "2001-01-01", "1.2.3",
        "+", "-", "--1", "0b2", ".", "..", "infinity", "nan", "1 2", "<<"})
    EXPECT_EQ(Kind(Resolve(text == std::string_view("-") ? "'-'" : text).value),
              "text")
        << text;
}

TEST(YamlScalarTest, TagsDecide) {
  ExpectIs<std::string_view>("!!str 5", "5");
  ExpectIs<std::string_view>("!mine yes", "yes");
  ExpectIs<double>("!!float 5", 5);
  ExpectIs<std::int64_t>("!!int '5'", 5);
  EXPECT_TRUE(Resolve("!!bool yes").fits);
  EXPECT_FALSE(Resolve("!!int many").fits);
  EXPECT_FALSE(Resolve("!!bool 1").fits);
  EXPECT_FALSE(Resolve("!!float x").fits);
}

TEST(KindOfTest, NeverShowsWhatTheNodeSays) {
  for (const auto& [text, kind] :
       std::vector<std::pair<std::string, std::string>>{
           {"SECRET", "text"},
           {"\"12\"", "text"},
           {"12", "a number"},
           {"1.5", "a number"},
           {"yes", "true or false"},
           {"!!str yes", "text"},
           {"~", "nothing"},
           {"[SECRET]", "a list"},
           {"{SECRET: 1}", "a map"}}) {
    Mistakes mistakes;
    const YamlTree tree = YamlTree::Parse("f", text, mistakes);
    ASSERT_NE(tree.root(), nullptr) << text;
    EXPECT_EQ(KindOf(*tree.root()), kind) << text;
  }
}

}  // namespace
}  // namespace ta
