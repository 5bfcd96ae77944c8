#include "allocator/snippet.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ta {
namespace {

// The snippet without its gutter.
std::string Show(std::string_view line, const Mistake& mistake,
                 const SnippetStyle& style = {}) {
  std::string out;
  std::string all = Snippet(line, mistake, style);
  for (std::size_t from = 0; from < all.size();) {
    const std::size_t end = all.find('\n', from);
    out += all.substr(from, end - from).substr(7) + "\n";
    from = end + 1;
  }
  return out;
}

TEST(SnippetTest, PutsTheCaretUnderTheToken) {
  EXPECT_EQ(Snippet("  scheme: gopher", {.line = 12, .column = 11}, {}),
            "  12 |   scheme: gopher\n"
            "     |           ^~~~~~\n");
  EXPECT_EQ(Snippet("scheme: http", {.line = 0}, {}), "");
}

TEST(SnippetTest, CountsColumnsOfTheScreenNotBytes) {
  EXPECT_EQ(Show("job_name: 日本\tx", {.line = 1, .column = 18}),
            "job_name: 日本  x\n"
            "                ^\n");
  EXPECT_EQ(Show("\tregex: (ä", {.line = 1, .column = 9}),
            "    regex: (ä\n"
            "           ^~\n");
  EXPECT_EQ(Show("job_name: a\x01\xff"
                 "b",
                 {.line = 1, .column = 11}),
            "job_name: a\ufffd\ufffd"
            "b\n"
            "          ^~~~\n");
}

TEST(SnippetTest, PlaceBehindTheEndHasACaret) {
  EXPECT_EQ(Show("job_name:", {.line = 1, .column = 10}),
            "job_name:\n"
            "         ^\n");
  EXPECT_EQ(Show("", {.line = 1, .column = 1}), "\n^\n");
}

TEST(SnippetTest, LongLineIsCutAroundTheCaret) {
  const std::string line = "source_labels: [" + std::string(300, 'a') +
                           ", bad-one, " + std::string(300, 'b') + "]";
  const std::string shown =
      Show(line, {.line = 1, .column = 319}, {.columns = 60});
  EXPECT_TRUE(shown.starts_with("…aaaa")) << shown;
  EXPECT_NE(shown.find("a, bad-one, b"), std::string::npos) << shown;
  EXPECT_NE(shown.find(" ^~~~~~~\n"), std::string::npos) << shown;
  EXPECT_LT(shown.size(), 130u);
}

TEST(SnippetTest, MasksWhatMayBeSecret) {
  const auto text = [](std::string_view line, Mistake mistake = {}) {
    mistake.line = 1;
    mistake.column = std::max(mistake.column, 1);
    const std::string shown = Show(line, mistake);
    return shown.substr(0, shown.find('\n'));
  };
  EXPECT_EQ(text("password: p"), "password: …");
  EXPECT_EQ(text("pasword: p", {.path = "a.pasword"}), "pasword: …");
  // A colon makes a key of a password.
  EXPECT_EQ(text("password: p: x"), "password: …: …");
  EXPECT_EQ(text("password: {p: 1}", {.path = "a.password"}),
            "password: {…: …}");
  EXPECT_EQ(text("  p: x"), "  …: …");
  // A URL whose scheme was forgotten.
  EXPECT_EQ(text("- url: u:p@h", {.path = "a.url"}), "- url: …");
  EXPECT_EQ(text("server: u:p@h"), "server: …");
  EXPECT_EQ(text("url: http://u:p@h/"), "url: …");
  EXPECT_EQ(text("- p"), "- …");
  EXPECT_EQ(text("p"), "…");
  EXPECT_EQ(text("  p: q #r", {.path = "a.basic_auth"}), "  …: … …");
  EXPECT_EQ(text("{regex: a.*, password: \"p, q\", 'x y': z}"),
            "{regex: a.*, password: …, …: …}");
  EXPECT_EQ(text("- 7s", {.path = "global.scrape_interval"}), "- 7s");
  EXPECT_EQ(text("a: [b, c]", {.message = "\"b\" is wrong"}), "…: [b, …]");
  EXPECT_EQ(text("key: -----BEGIN PRIVATE KEY-----"), "key: …");
  EXPECT_EQ(text("MIIEvQ=="), "…");
}

TEST(SnippetTest, FindsLines) {
  EXPECT_EQ(LineOf("a\r\nb\n", 1), "a");
  EXPECT_EQ(LineOf("a\nb", 2), "b");
  EXPECT_EQ(LineOf("a\nb\n", 7), "");
}

}  // namespace
}  // namespace ta
