#include "discovery/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "test/discovery/support.h"

namespace ta {
namespace {

using test::TempFolder;
using test::Write;
using testing::ElementsAre;
using testing::IsEmpty;

// Every answer was recorded from Go's filepath.Match (go 1.26).
TEST(GlobTest, MatchesAsGoDoes) {
  const std::vector<std::string> names = {
      "a.json",  ".json",    "b.json",   ".hidden.json", "ab",    "axb",
      "axbyc",   "é.yml",    "a.yml",    "d.yml",        "!.yml", "*.json",
      "a*",      "éx",       "\xffx",    "zx",           "abc",   "abcd",
      "t1.json", "",         "a/b.json", "abbc",         "ababc", "-",
      "a",       "a.b.json", "abcbc"};
  struct Case {
    std::string pattern;
    bool malformed;
    std::vector<std::string> matches;
  };
  const std::vector<Case> cases = {
      {"a.json", false, {"a.json"}},
      {"*.json",
       false,
       {"a.json", ".json", "b.json", ".hidden.json", "*.json", "t1.json",
        "a.b.json"}},
      {"*",
       false,
       {"a.json",
        ".json",
        "b.json",
        ".hidden.json",
        "ab",
        "axb",
        "axbyc",
        "é.yml",
        "a.yml",
        "d.yml",
        "!.yml",
        "*.json",
        "a*",
        "éx",
        "\xff"
        "x",
        "zx",
        "abc",
        "abcd",
        "t1.json",
        "",
        "abbc",
        "ababc",
        "-",
        "a",
        "a.b.json",
        "abcbc"}},
      {"a*b", false, {"ab", "axb"}},
      {"a*b*c", false, {"axbyc", "abc", "abbc", "ababc", "abcbc"}},
      {"?.yml", false, {"é.yml", "a.yml", "d.yml", "!.yml"}},
      {"[a-c].yml", false, {"a.yml"}},
      {"[^a-c].yml", false, {"é.yml", "d.yml", "!.yml"}},
      {"[!a].yml", false, {"a.yml", "!.yml"}},
      {"[]a].yml", true, {}},
      {"[a", true, {}},
      {"[", true, {}},
      {"a\\", true, {}},
      {"\\*.json", false, {"*.json"}},
      {"a\\*", false, {"a*"}},
      {"**.json",
       false,
       {"a.json", ".json", "b.json", ".hidden.json", "*.json", "t1.json",
        "a.b.json"}},
      {"*a*b", false, {"ab", "axb"}},
      {"[a-]", true, {}},
      {"[-a]", true, {}},
      {"[a\\-b]", false, {"-", "a"}},
      {"[é-ü]x", false, {"éx"}},
      {"?x",
       false,
       {"éx",
        "\xff"
        "x",
        "zx"}},
      {"a[b]c*", false, {"abc", "abcd", "abcbc"}},
      {"*[0-9].json", false, {"t1.json"}},
      {"", false, {""}},
      {"a**",
       false,
       {"a.json", "ab", "axb", "axbyc", "a.yml", "a*", "abc", "abcd", "abbc",
        "ababc", "a", "a.b.json", "abcbc"}},
      {"*b", false, {"ab", "axb"}},
      {"x[^", true, {}},
      {"[a-b-c]", true, {}},
      {"ab*bc", false, {"abbc", "ababc", "abcbc"}},
      {"*.*.json", false, {".hidden.json", "a.b.json"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.pattern);
    EXPECT_EQ(!CheckGlob(c.pattern).has_value(), c.malformed);
    std::vector<std::string> matches;
    for (const std::string& name : names) {
      if (GlobMatches(c.pattern, name)) matches.push_back(name);
    }
    EXPECT_EQ(matches, c.matches);
  }
}

TEST(GlobTest, ManyStarsAreNotExponential) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(2000, 'a')));
}

TEST(GlobTest, APathWithoutMetaCharactersIsItself) {
  const TempFolder folder;
  EXPECT_THAT(Glob(folder / "a.json")->paths, IsEmpty());
  Write(folder / "a.json", "");
  EXPECT_THAT(Glob(folder / "./a.json")->paths,
              ElementsAre(folder / "./a.json"));
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  EXPECT_THAT(Glob(folder / "dangling")->paths,
              ElementsAre(folder / "dangling"));
}

TEST(GlobTest, MatchesAreSortedAndClean) {
  const TempFolder folder;
  for (const char* name : {"b.json", "a.json", "c.yml"}) {
    Write(folder / name, "");
  }
  const auto match = Glob(folder / "./*.json");
  EXPECT_THAT(match->paths, ElementsAre(folder / "a.json", folder / "b.json"));
  EXPECT_THAT(match->watch, ElementsAre(folder / "./*.json"));
  EXPECT_THAT(match->unreadable, IsEmpty());
}

TEST(GlobTest, DirectoriesMayBePatterns) {
  const TempFolder folder;
  for (const char* name : {"a1", "a2", "b1"}) {
    std::filesystem::create_directory(folder / name);
    Write(folder / name + "/x.json", "");
  }
  Write(folder / "a3", "no directory");
  const auto match = Glob(folder / "a?/*.json");
  EXPECT_THAT(match->paths,
              ElementsAre(folder / "a1/x.json", folder / "a2/x.json"));
  EXPECT_THAT(match->watch,
              ElementsAre(folder / "a?", folder / "a1/*.json",
                          folder / "a2/*.json", folder / "a3/*.json"));
}

TEST(GlobTest, ADirectoryThatIsNotThereIsEmpty) {
  const TempFolder folder;
  const auto match = Glob(folder / "not/there/*.json");
  EXPECT_THAT(match->paths, IsEmpty());
  EXPECT_THAT(match->unreadable, IsEmpty());
  EXPECT_THAT(match->watch, ElementsAre(folder / "not/there/*.json"));
}

TEST(GlobTest, ADirectoryThatCantBeReadIsUnknown) {
  const TempFolder folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  const auto match = Glob(folder / "loop/*.json");
  EXPECT_THAT(match->paths, IsEmpty());
  EXPECT_THAT(match->unreadable,
              ElementsAre(folder / "loop: Too many levels of symbolic links"));
}

}  // namespace
}  // namespace ta
