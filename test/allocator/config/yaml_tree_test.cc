#include "allocator/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "allocator/config/yaml_text.h"

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A tree on one line: {a: 1, b: [x, ~]}.
std::string Shape(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "~";
    case YamlNode::Kind::kScalar:
      return std::string(node.text);
    case YamlNode::Kind::kSequence:
      for (const auto* item : node.items)
        out += (out.empty() ? "" : ", ") + Shape(*item);
      return "[" + out + "]";
    case YamlNode::Kind::kMap:
      for (const auto& entry : node.entries)
        out += (out.empty() ? "" : ", ") + std::string(entry.key) + ": " +
               Shape(*entry.value);
      return "{" + out + "}";
  }
  return out;
}

std::string ShapeOf(std::string_view text) {
  Mistakes mistakes;
  const auto tree = YamlTree::Parse("f", text, mistakes);
  std::string out = tree.root() != nullptr ? Shape(*tree.root()) : "nothing";
  for (const auto& mistake : mistakes) out += " ! " + mistake.ToString();
  return out;
}

std::vector<std::string> MistakesOf(std::string_view text) {
  Mistakes mistakes;
  YamlTree::Parse("f", text, mistakes);
  std::vector<std::string> out;
  for (const auto& mistake : mistakes) out.push_back(mistake.ToString());
  return out;
}

TEST(YamlTreeTest, MarksCountFromOne) {
  Mistakes mistakes;
  const auto tree =
      YamlTree::Parse("f", "a: 1\nb:\n  - x\n  -\n  - {c: d}\ne:\n", mistakes);
  ASSERT_NE(tree.root(), nullptr);
  const auto& entries = tree.root()->entries;
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].line, 1);
  EXPECT_EQ(entries[0].value->column, 4);
  const auto& items = entries[1].value->items;
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0]->line, 3);
  EXPECT_EQ(items[0]->column, 5);
  EXPECT_TRUE(items[1]->IsNull());
  EXPECT_EQ(items[1]->line, 4);  // its dash, not the next token
  EXPECT_EQ(items[1]->column, 3);
  EXPECT_EQ(items[2]->entries[0].column, 6);
  EXPECT_TRUE(entries[2].value->IsNull());
  EXPECT_EQ(entries[2].value->line, 6);  // its key
}

TEST(YamlTreeTest, KnowsQuotedFromPlainAndKeepsTags) {
  Mistakes mistakes;
  const auto tree = YamlTree::Parse(
      "f", "[a, 'b', \"c\", !!str d, !x e, |\n block\n]", mistakes);
  Mistakes none;
  const auto flow =
      YamlTree::Parse("f", "[a, 'b', \"c\", !!str d, !x e]", none);
  const auto& items = flow.root()->items;
  EXPECT_TRUE(items[0]->plain);
  EXPECT_FALSE(items[1]->plain);
  EXPECT_FALSE(items[2]->plain);
  EXPECT_EQ(items[2]->tag, "");
  EXPECT_EQ(items[3]->tag, "tag:yaml.org,2002:str");
  EXPECT_EQ(items[4]->tag, "!x");
}

TEST(YamlTreeTest, DuplicateKeysAreMistakesAndTheFirstStays) {
  EXPECT_EQ(ShapeOf("a: 1\nb: 2\na: 3\n'a': 4\n"),
            "{a: 1, b: 2} ! f:3:1: key \"a\" is already set at line 1 "
            "! f:4:1: key \"a\" is already set at line 1");
}

TEST(YamlTreeTest, DuplicateKeysAreFoundInLargeMapsToo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": v\n";
  text += "k50: again\n";
  EXPECT_THAT(MistakesOf(text), ElementsAre(HasSubstr("f:101:1: key \"k50\"")));
}

TEST(YamlTreeTest, MergesAsYamlV2TheLaterWins) {
  EXPECT_EQ(ShapeOf("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {b: 3, <<: *x}"),
            "{x: {a: 1, b: 2}, y: {a: 1, b: 3}, z: {b: 2, a: 1}}");
  EXPECT_EQ(ShapeOf("<<: [{a: 1, b: 1}, {b: 2, c: 2}]"), "{b: 1, c: 2, a: 1}");
  EXPECT_EQ(ShapeOf("'<<': {a: 1}"), "{<<: {a: 1}}");  // quoted: a plain key
}

TEST(YamlTreeTest, MergeOfSomethingElseIsAMistake) {
  EXPECT_THAT(MistakesOf("a: 1\n<<: [x]\n"),
              ElementsAre("f:2:5: << takes a map or a list of maps"));
}

TEST(YamlTreeTest, AliasesShareTheirNode) {
  Mistakes mistakes;
  const auto tree = YamlTree::Parse("f", "[&a {x: y}, *a, &n , *n]", mistakes);
  const auto& items = tree.root()->items;
  EXPECT_EQ(items[0], items[1]);
  EXPECT_TRUE(items[3]->IsNull());
  EXPECT_THAT(mistakes, IsEmpty());
}

TEST(YamlTreeTest, AliasBombsAreRefusedBeforeTheyGoOff) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 40; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k)
      text += (k > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(MistakesOf(text),
              ElementsAre(HasSubstr("aliases repeat too much")));
}

// Repeating little is no bomb, however often.
TEST(YamlTreeTest, ManyAliasesOfSomethingSmallAreGood) {
  std::string text = "- &rules [{a: b, c: d}, {e: f}]\n";
  for (int i = 0; i < 2000; ++i)
    text += "- {job: j" + std::to_string(i) + ", rules: *rules}\n";
  EXPECT_THAT(MistakesOf(text), IsEmpty());
}

// Depth that no indentation shows: each anchor holds the one before.
TEST(YamlTreeTest, DeepChainsOfAliasesAreRefused) {
  std::string text = "- &a0 x\n";
  for (int i = 1; i < 2000; ++i)
    text += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_EQ(MistakesOf(text).size(), 1u);
}

TEST(YamlTreeTest, DeepNestingIsAMistakeAndNoCrash) {
  EXPECT_THAT(MistakesOf(std::string(100'000, '[')),
              ElementsAre(HasSubstr("nested too deeply")));
  std::string blocks;
  for (int i = 0; i < 1000; ++i) blocks += "- ";
  EXPECT_EQ(MistakesOf(blocks + "x").size(), 1u);
}

TEST(YamlTreeTest, AnchorInsideItselfIsRefused) {
  EXPECT_THAT(MistakesOf("a: &a [*a]"), ElementsAre(HasSubstr("f:1:8")));
  EXPECT_THAT(MistakesOf("a: &a {<<: *a}"), ElementsAre(HasSubstr("inside")));
}

TEST(YamlTreeTest, KeysThatAreNotPlainAreRefused) {
  EXPECT_THAT(MistakesOf("? [a]\n: b\n"), ElementsAre(HasSubstr("a key must")));
  EXPECT_THAT(MistakesOf("a: &m {x: y}\n*m : b\n"),
              ElementsAre(HasSubstr("a key must")));
}

TEST(YamlTreeTest, EmptyTextHasNoRootAndNoMistake) {
  EXPECT_EQ(ShapeOf(""), "nothing");
  EXPECT_EQ(ShapeOf("# only this\n\n"), "nothing");
  EXPECT_EQ(ShapeOf("---\n"), "~");
  EXPECT_EQ(ShapeOf("\xEF\xBB\xBF"
                    "a: b"),
            "{a: b}");
}

TEST(YamlTreeTest, ASecondDocumentIsAMistake) {
  EXPECT_EQ(ShapeOf("a: b\n---\nc: d\n"),
            "nothing ! f:2:1: a second document begins here; the file must "
            "hold one");
  EXPECT_EQ(ShapeOf("a: b\n...\n"), "{a: b}");
}

TEST(YamlTreeTest, SyntaxErrorsHaveTheirPlace) {
  EXPECT_THAT(MistakesOf("a: b\n\tc: d\n"), ElementsAre(HasSubstr("f:2:1: ")));
  EXPECT_THAT(MistakesOf("a: [b\nc: }"), ElementsAre(HasSubstr("f:2:")));
  EXPECT_THAT(MistakesOf("a: *nowhere"), ElementsAre(HasSubstr("f:1:4: ")));
  EXPECT_THAT(MistakesOf("a: \"open"), ElementsAre(HasSubstr("not valid")));
}

// A file that is read while it is being written often ends so.
TEST(YamlTreeTest, AQuoteThatIsNeverClosedIsAMistake) {
  for (const auto* text : {"a: 'x\nb: c\n", "a: \"x\nb: c\n\n",
                           "a: !!str 'x''\n", "a: &n \"\\\"\n", "a: [b, 'c]\n"})
    EXPECT_EQ(MistakesOf(text).size(), 1u) << text;
  for (const auto* text :
       {"a: 'x'\n", "a: 'x''y'\n", "a: \"\\\"\"\n", "a: |\n 'x\n", "a: x'y\n"})
    EXPECT_THAT(MistakesOf(text), IsEmpty()) << text;
}

TEST(YamlTreeTest, BinaryIsDecoded) {
  EXPECT_EQ(ShapeOf("!!binary |\n aGVs\n bG8=\n"), "hello");
  EXPECT_THAT(MistakesOf("!!binary a"), ElementsAre(HasSubstr("base64")));
}

TEST(YamlTextTest, FindsWhatIsNoUtf8AndWhatYamlForbids) {
  const auto bad = FindBadText("ok\nab\xC3\x28");
  ASSERT_TRUE(bad.has_value());
  EXPECT_EQ(bad->line, 2);
  EXPECT_EQ(bad->column, 3);
  EXPECT_TRUE(FindBadText(std::string_view("a\0b", 3)).has_value());
  EXPECT_TRUE(FindBadText("\xED\xA0\x80").has_value());  // a surrogate
  EXPECT_TRUE(FindBadText("\xC0\xAF").has_value());      // overlong
  EXPECT_TRUE(FindBadText("\xF4\x90\x80\x80").has_value());
  EXPECT_FALSE(FindBadText("tab\t, ü, €, 😀\r\n").has_value());
}

TEST(YamlTextTest, Base64IsGosStandardEncoding) {
  EXPECT_EQ(DecodeBase64(""), "");
  EXPECT_EQ(DecodeBase64("Zg=="), "f");
  EXPECT_EQ(DecodeBase64("Zm8="), "fo");
  EXPECT_EQ(DecodeBase64("Zm9v\nYmFy"), "foobar");
  for (const auto* bad : {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "Zm-v", "===="})
    EXPECT_EQ(DecodeBase64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace ta
