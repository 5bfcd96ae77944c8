#include "allocator/explain_why.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace ta {
namespace {

using Action = RelabelConfig::Action;

RelabelConfig Rule(Action action, std::string regex) {
  RelabelConfig rule;
  rule.action = action;
  rule.source_labels = {"a", "b"};
  rule.regex = std::move(regex);
  rule.target_label = "t";
  return rule;
}

// Why the regex does not match regex the joined value of a and b.
std::string Miss(std::string regex, const std::string& a,
                 const std::string& b) {
  const std::string joined = a + ";" + b;
  LabelTexts labels;
  if (!a.empty()) labels["a"] = a;
  if (!b.empty()) labels["b"] = b;
  return Why(Rule(Action::kKeep, std::move(regex)),
             {.source = joined, .matched = false}, labels);
}

TEST(WhyTest, TellsHowFarARegexCame) {
  EXPECT_EQ(
      Miss("Pod;web", "Pod", "db"),
      "\"Pod;db\" does not match regex Pod;web: after \"Pod;\" the regex wants "
      "web, and the value has \"db\"");
  EXPECT_EQ(
      Miss("Pod;we", "Pod", "web"),
      "\"Pod;web\" does not match regex Pod;we: it matches \"Pod;we\", but the "
      "value goes on with \"b\"");
  EXPECT_EQ(
      Miss("(.+);([0-9]+)s", "x", "80"),
      "\"x;80\" does not match regex (.+);([0-9]+)s: the value ends where the "
      "regex wants s");
  EXPECT_EQ(Miss("Node;.*", "Pod", "x"),
            "\"Pod;x\" does not match regex Node;.*");
  EXPECT_EQ(Miss("x;y|z", "x", "z"), "\"x;z\" does not match regex x;y|z");
  // A parenthesis in a class or a quotation opens nothing, and a bar there
  // separates nothing.
  for (const std::string regex :
       {"[(]|x;y", "[^](]|x;y", "[[:digit:](]|x;y", "\\Q(\\E|x;y", "\\(|x;y"}) {
    EXPECT_EQ(Miss(regex, "x", "z"), "\"x;z\" does not match regex " + regex);
  }
  for (const std::string x : {"[x|]", "[x)|(]", "[]x|]", "x\\Q\\E"}) {
    EXPECT_EQ(
        Miss(x + ";y", "x", "z"),
        "\"x;z\" does not match regex " + x +
            ";y: after \"x;\" the regex wants y, and the value has \"z\"");
  }
}

TEST(WhyTest, NamesSourceLabelsThatAreNotThere) {
  EXPECT_EQ(
      Miss(".+;.+", "x", ""),
      "\"x;\" does not match regex .+;.+: the value ends where the regex wants "
      ".+; the target has no label b");
  EXPECT_EQ(Miss("x", "", ""),
            "\";\" does not match regex x; the target has no label a, b");
  RelabelConfig rule = Rule(Action::kDrop, "x");
  rule.source_labels.clear();
  EXPECT_EQ(Why(rule, {}, {}),
            "\"\" does not match regex x; the rule has no source_labels");
}

TEST(WhyTest, TellsWhatMatched) {
  EXPECT_EQ(Why(Rule(Action::kDrop, "x.*"), {.source = "x;y", .matched = true},
                {{"a", "x"}, {"b", "y"}}),
            "\"x;y\" matches regex x.*");
  EXPECT_EQ(Why(Rule(Action::kLabelMap, "a|c"), {}, {{"a", "1"}, {"b", "2"}}),
            "a|c matches a");
  EXPECT_EQ(Why(Rule(Action::kLabelDrop, "c"), {}, {{"a", "1"}}),
            "no label's name matches c");
  EXPECT_EQ(Why(Rule(Action::kKeepEqual, "(.*)"), {.source = "x;y"},
                {{"a", "x"}, {"b", "y"}, {"t", "z"}}),
            "\"x;y\" is not \"z\", the value of t");
}

TEST(WhyTest, LongAndOddValuesAreCutAndEscaped) {
  const std::string why = Miss("x", std::string(5000, 'y'), "\n\x1b");
  EXPECT_LT(why.size(), 300u);
  EXPECT_EQ(Miss("x", "\n", "\x1b").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ta
