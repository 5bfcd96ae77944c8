#include "allocator/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "allocator/simple_regex.h"
#include "test/allocator/pattern_maker.h"

namespace ta {
namespace {

std::shared_ptr<const Regex> Compile(std::string_view pattern) {
  auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex) << pattern << ": " << regex.error().message;
  return *regex;
}

// The template expanded for `text`, "no match" if it does not match.
std::string Expand(std::string_view pattern, std::string_view replacement,
                   std::string_view text) {
  const auto regex = Compile(pattern);
  const RegexTemplate expansion(replacement, *regex);
  std::vector<std::string_view> groups(
      static_cast<std::size_t>(expansion.groups_needed()));
  if (!regex->Match(text, groups)) return "no match";
  std::string out;
  expansion.Append(groups, out);
  return out;
}

TEST(RegexTest, IsAnchoredAtBothEnds) {
  EXPECT_TRUE(Compile("b")->Matches("b"));
  EXPECT_FALSE(Compile("b")->Matches("ab"));
  EXPECT_FALSE(Compile("b")->Matches("bc"));
  EXPECT_TRUE(Compile("a|b")->Matches("b"));
  EXPECT_FALSE(Compile("a|b")->Matches("ax"));
  EXPECT_FALSE(Compile("(?i)b")->Matches("b\n"));
}

TEST(RegexTest, TakesGoSyntax) {
  EXPECT_EQ(Expand("(?<n>a)b", "$n", "ab"), "a");
  EXPECT_EQ(Expand("(?P<n>a)b", "$n", "ab"), "a");
  EXPECT_EQ(Expand(R"([(?<n>]+(?<n>a))", "$n", "(?<n>a"), "a");
  EXPECT_EQ(Expand(R"(\Q(?<n>\E(.))", "$1", "(?<n>a"), "a");
  EXPECT_EQ(Expand(R"([]\]a(?<]+(.))", "$1", "](?<x"), "x");
  EXPECT_EQ(Expand(R"([[:alpha:](?<n>]+)", "$0", "(?<n>a"), "(?<n>a");
  EXPECT_TRUE(Compile(R"(\\C)")->Matches("\\C"));
  EXPECT_TRUE(Compile(R"(\Q\C\E)")->Matches("\\C"));
  for (const char* bad :
       {R"(\C)", R"(a\C+)", "(?=a)", "(?<=a)b", "(?<!a)b", "(?<n", "a**",
        "[b-a]", R"(\1)", "a{1001}", ")", "\\"}) {
    EXPECT_FALSE(Regex::Compile(bad)) << bad;
  }
}

TEST(RegexTest, NamesGroupsAsGoDoes) {
  EXPECT_EQ(Expand("(?<n_1>a)b", "${n_1}", "ab"), "a");
  for (const char* bad : {"(?<ä>a)", "(?P<ä>a)", "(?<>a)", "(?<a-b>c)"}) {
    EXPECT_FALSE(Regex::Compile(bad)) << bad;
  }
}

// RE2 knows general categories by their short names, as of Unicode 14.
TEST(RegexTest, TakesUnicodeClassesAsGoDoes) {
  for (const char* letter :
       {R"(\pL)", R"(\p{Letter})", R"(\p{ letter})", R"(\pl)", R"([\pL_])",
        R"([^\PL])", R"([^\P{letter}])", R"(\p{LC})", R"(\P{Number})",
        R"(\p{Assigned})", R"([^\p{Cn}])", R"(\PC)", R"(\p{^ASCII})",
        R"([\P{ASCII}x])", R"(\p{any})"}) {
    EXPECT_TRUE(Compile(letter)->Matches("é")) << letter;
  }
  EXPECT_TRUE(Compile(R"(\p{greek})")->Matches("λ"));
  EXPECT_TRUE(Compile(R"(\pL)")->Matches("\U00011f04")) << "of Unicode 15";
  EXPECT_TRUE(Compile(R"(\p{Kawi})")->Matches("\U00011f04"));
  EXPECT_FALSE(Compile(R"(\PL)")->Matches("é"));
  EXPECT_FALSE(Compile(R"([\PL])")->Matches("é"));
  for (const char* bad : {R"(\p{Foo})", R"(\pX)", R"(\p{})", R"(\p{L)",
                          R"([a-\pL])", R"(\p{Old_Italic})"}) {
    EXPECT_FALSE(Regex::Compile(bad)) << bad;
  }
}

// RE2 matches characters only; in Go each byte that is none counts as U+FFFD.
TEST(RegexTest, BytesThatAreNoUtf8AreCharacters) {
  EXPECT_EQ(Expand("(.)(.?)(.*)b", "$2|$3|$1",
                   "\xffä\xe6\x97"
                   "b"),
            "ä|\xe6\x97|\xff");
  EXPECT_EQ(Expand("(\\x{fffd})(\\B)(.)", "<$1$3$2>", "\x80\xc3"),
            "<\x80\xc3>");
  EXPECT_FALSE(Compile(".")->Matches("\xe6\x97"));
  const auto regex = Compile("a)|(\\x{fffd}");
  const RegexTemplate each("<$0>", *regex);
  EXPECT_EQ(each.ReplaceAll(*regex,
                            "x\xff"
                            "ä\xc3"),
            "x\xff"
            "ä<\xc3>");
}

TEST(RegexTest, RefusesWhatExplodesWithAClearMessage) {
  const auto repeated = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  const auto error = [](const std::string& pattern) {
    const auto regex = Regex::Compile(pattern);
    return regex ? std::string("none") : regex.error().message;
  };
  EXPECT_EQ(error("((a{1000}){1000})"),
            "error parsing regexp: invalid repeat count: `{1000}`");
  const std::string too_large =
      "error parsing regexp: expression too large: written out, with each "
      "repetition and Unicode class, it would take more than 4 MiB of memory";
  const std::string too_many =
      "error parsing regexp: expression too large: its repetitions make more "
      "than 10,000 copies of what they repeat";
  EXPECT_EQ(error("\\pL{200}"), "none");
  EXPECT_EQ(error("\\pL{300}"), too_large);
  EXPECT_EQ(error("(\\pL{500}){2}"), too_large);
  EXPECT_EQ(error("(.{1000}|\\pL{1000})\\PL{1000}"), too_large);
  EXPECT_EQ(error(repeated("\\pL", 500)), too_large);
  EXPECT_EQ(error(repeated("(?:a?){1000}", 10)), "none");
  EXPECT_EQ(error(repeated("(?:a?){1000}", 11)), too_many);
  EXPECT_EQ(error(repeated("(?:a?){1000}", 100)), too_many);
  EXPECT_EQ(error(repeated("(a{10,}bc){50}", 16)), "none");
  EXPECT_EQ(error(repeated("(a{10,}bc){50}", 20)), too_many);
  // What isn't repetition isn't counted.
  EXPECT_EQ(error(repeated("{1000a}[{1000}]\\{1000\\}x", 20)), "none");
  EXPECT_EQ(
      error(repeated("(", 1200) + "a" + repeated(")", 1200)).substr(0, 50),
      "error parsing regexp: expression nests too deeply:");
  EXPECT_EQ(
      error(repeated("(?:", 1200) + "a" + repeated("b)*", 1200)).substr(0, 50),
      "error parsing regexp: expression nests too deeply:");
  EXPECT_EQ(error(repeated("(", 900) + "a" + repeated(")", 900)), "none");
  EXPECT_LT(error(repeated("(a", 100'000)).size(), 200u);
}

// A list of literals is not RE2's, however long; but of a text that is no UTF-8
// RE2 is asked, which then must have room for it.
TEST(RegexTest, TakesLongLists) {
  std::string list;
  std::string prefixes;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "metric_of_the_application_" + std::to_string(i);
    list += (i > 0 ? "|" : "") + name;
    prefixes += (i > 0 ? "|" : "") + name + (i % 10 == 0 ? "_.*" : "");
  }
  for (const std::string& pattern : {list, prefixes}) {
    const auto regex = Compile(pattern);
    EXPECT_TRUE(regex->Matches("metric_of_the_application_9999"));
    EXPECT_FALSE(regex->Matches("metric_of_the_application_99990"));
    EXPECT_FALSE(regex->Matches("metric_of_the_application_9999\xff"));
  }
}

TEST(RegexTest, ErrorsAreGos) {
  EXPECT_EQ(Regex::Compile("a(b").error().message,
            "error parsing regexp: missing closing ): `^(?s:a(b)$`");
  EXPECT_EQ(Regex::Compile("a**").error().message,
            "error parsing regexp: invalid nested repetition operator: `**`");
  EXPECT_EQ(Regex::Compile("[b-a]").error().message,
            "error parsing regexp: invalid character class range: `b-a`");
}

TEST(RegexTest, EqualPatternsShareOneRegex) {
  const auto regex = Compile("RegexTest.*");
  EXPECT_EQ(Compile("RegexTest.*"), regex);
}

TEST(RegexTest, KnowsWhatMatchesAll) {
  for (const char* all : {".*", "(.*)", ".*?", "(?:.*)", "(?:(.*))"}) {
    EXPECT_TRUE(Compile(all)->matches_all()) << all;
  }
  for (const char* some : {"", ".+", "(.+)", ".?", "a.*", "(.*)(.*)", ".*|"}) {
    EXPECT_FALSE(Compile(some)->matches_all()) << some;
  }
}

TEST(RegexTemplateTest, ExpandsAsGoDoes) {
  EXPECT_EQ(Expand("(.)(.)", "$2$1", "ab"), "ba");
  EXPECT_EQ(Expand("(.)(.)", "[$1x][${1}x]", "ab"), "[][ax]");
  EXPECT_EQ(Expand("(.)(.)", "$$1 $ ${ ${1 $01 $9 $", "ab"), "$1 $ ${ ${1   $");
  EXPECT_EQ(Expand("(?P<a>.)(?P<a1>.)", "$a1 $a", "xy"), "y x");
  EXPECT_EQ(Expand("(.*)", "$ä", "x"), "");
  EXPECT_EQ(Expand("(a)?b", "<$1>", "b"), "<>");
  EXPECT_EQ(Expand("a", "$1", "b"), "no match");
}

TEST(RegexTemplateTest, KnowsItsShape) {
  const auto regex = Compile("(.)(.*)");
  EXPECT_EQ(RegexTemplate("$2", *regex).only_group(), 2);
  EXPECT_EQ(RegexTemplate("$2x", *regex).only_group(), -1);
  EXPECT_TRUE(RegexTemplate("a$$b$7", *regex).is_constant());
  EXPECT_EQ(RegexTemplate("a$$b$7", *regex).constant(), "a$b");
  EXPECT_EQ(RegexTemplate("$0", *regex).groups_needed(), 1);
}

// A pattern can end the group that anchors it; then Go searches.
TEST(RegexTemplateTest, ReplacesAllMatchesOfOddPatterns) {
  const auto regex = Compile("a)|(?:b");  // ^(?s:a)|(?:b)$
  EXPECT_EQ(RegexTemplate("<$0>", *regex).ReplaceAll(*regex, "axb"), "<a>x<b>");
  const auto empty = Compile(")|(?:x*");
  EXPECT_EQ(RegexTemplate("-", *empty).ReplaceAll(*empty, "äx"), "-ä-");
  EXPECT_EQ(RegexTemplate("-", *empty).ReplaceAll(*empty, "x"), "-x-");
}

// ------------------------------------------------- the two engines agree

TEST(SimpleRegexTest, TakesWhatRulesUsuallyHave) {
  for (const char* simple :
       {"", "true", "(.*)", "(.+)", "a|b|c", "(a|b)", "Pod;(.*)", "__meta_(.+)",
        R"(([^:]+)(?::\d+)?;(\d+))", R"((.+?)(?::\d+)?;(\d+))", R"(10\.0\..*)",
        "(?:https?)", "[a-z0-9-]+", R"(\w+-\d*(-x)?)",
        "default/.+;metrics|health"}) {
    EXPECT_TRUE(SimpleRegex::Parse(simple)) << simple;
  }
  for (const char* other :
       {"(?i)a",    "^a",     "a$",     "a{2}",        "(a)*",
        "(a|b)+",   R"(\bx)", R"(\pL)", "[[:alpha:]]", "ä",
        "(?P<n>a)", "a**",    "(",      ")",           "[",
        "*",        R"(\)",   "[]a]",   "[b-a]",       R"([\w-a])"}) {
    EXPECT_FALSE(SimpleRegex::Parse(other)) << other;
  }
}

TEST(SimpleRegexTest, GivesUpInsteadOfTakingForever) {
  const auto regex = Compile("(.*)a(.*)a(.*)a(.*)a(.*)b");
  EXPECT_FALSE(regex->Matches(std::string(3000, 'a')));
  EXPECT_TRUE(regex->Matches(std::string(3000, 'a') + "b"));
  EXPECT_TRUE(Compile("(.*)a(.*)b")->Matches(std::string(1 << 20, 'a') + "b"));
}

TEST(SimpleRegexTest, AgreesWithRe2OnRandomPatterns) {
  const unsigned seed = 20'250;
  test::PatternMaker make(seed);
  int simple = 0;
  int matches = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::string pattern = make.Alternatives(2);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", pattern " + pattern);
    const auto fast = Regex::Compile(pattern);
    const auto full = Regex::Compile(pattern, Regex::Engine::kRe2Only);
    ASSERT_EQ(fast.has_value(), full.has_value());
    if (!fast) continue;
    simple += SimpleRegex::Parse(pattern).has_value();
    ASSERT_EQ((*fast)->group_count(), (*full)->group_count());
    const auto groups = static_cast<std::size_t>((*full)->group_count());
    for (int j = 0; j < 12; ++j) {
      const std::string text = make.Text();
      std::vector<std::string_view> got(groups);
      std::vector<std::string_view> expected(groups);
      const bool matched = (*full)->Match(text, expected);
      ASSERT_EQ((*fast)->Match(text, got), matched) << "text " << text;
      ASSERT_EQ((*fast)->Matches(text), matched) << "text " << text;
      if (!matched) continue;
      ++matches;
      for (std::size_t g = 0; g < groups; ++g) {
        // A group that took no part and an empty one are the same to a rule.
        ASSERT_EQ(got[g], expected[g]) << "text " << text << " group " << g;
      }
    }
  }
  EXPECT_GT(simple, 4000) << "else this compares RE2 with itself";
  EXPECT_GT(matches, 3000);
}

}  // namespace
}  // namespace ta
