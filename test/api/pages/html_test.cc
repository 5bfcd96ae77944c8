#include "api/pages/html.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace ta {
namespace {

std::string Written(const std::function<void(HtmlWriter&)>& write) {
  ByteBuffer out;
  HtmlWriter html(out, "../");
  write(html);
  return out.Take();
}

std::string TextOf(std::string_view text,
                   std::size_t limit = HtmlWriter::kCellBytes) {
  return Written([&](HtmlWriter& html) { html.Text(text, limit); });
}

TEST(HtmlWriterTest, TextCannotBecomeMarkup) {
  EXPECT_EQ(TextOf("<script>alert('x')</script>"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
  EXPECT_EQ(TextOf("\" onload=\"a&b"), "&quot; onload=&quot;a&amp;b");
  EXPECT_EQ(TextOf("größe 日本"), "größe 日本");
}

// A name that turns the text around it, or hides a part of it, could pass for
// another.
TEST(HtmlWriterTest, WhatIsNotSeenIsShown) {
  EXPECT_EQ(TextOf(std::string_view("a\0b\x1b\n", 5)), "a\\x00b\\x1b\\n");
  EXPECT_EQ(TextOf("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(TextOf("a\u202eb\u200b"), "a\\u202eb\\u200b");
}

TEST(HtmlWriterTest, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(TextOf("abcdef", 3), "abc…");
  EXPECT_EQ(TextOf("abc", 3), "abc");
  EXPECT_EQ(TextOf("aß", 2), "a…");
  EXPECT_EQ(TextOf("a日b", 3), "a…");
  EXPECT_EQ(TextOf("a\U0001F600b", 4), "a…");
  // No UTF-8: cut anywhere.
  EXPECT_EQ(TextOf("\x80\x80\x80\x80\x80\x80", 5), "\\x80\\x80…");
}

TEST(HtmlWriterTest, LinksAreRelativeAndEscapedTwice) {
  const Href href = Href("debug/job").With("job_id", "a/b c&d\"<é");
  EXPECT_EQ(href.text(), "debug/job?job_id=a%2Fb+c%26d%22%3C%C3%A9");
  EXPECT_EQ(
      Written([&](HtmlWriter& html) {
        html.Link(Href(href).With("page", std::uint64_t{2}), "<a>");
      }),
      "<a href=\"../debug/job?job_id=a%2Fb+c%26d%22%3C%C3%A9&amp;page=2\">"
      "&lt;a&gt;</a>");
  EXPECT_EQ(Written([](HtmlWriter& html) { html.Link(Href(""), ""); }),
            "<a href=\"../\">(empty)</a>");
  EXPECT_EQ(Href("a").With("b", "").text(), "a");
}

TEST(HtmlWriterTest, TablesHaveAHeadAndCells) {
  EXPECT_EQ(Written([](HtmlWriter& html) {
              html.BeginTable({{"Name"}, {"N", Column::Kind::kNumber}});
              html.BeginRow().Cell("a<b").Cell(7u).EndRow().EndTable();
            }),
            "<div class=\"table\"><table><thead><tr><th scope=\"col\">Name</th>"
            "<th scope=\"col\" class=\"number\">N</th></tr></thead><tbody>\n"
            "<tr><td>a&lt;b</td><td class=\"number\">7</td></tr>\n"
            "</tbody></table></div>\n");
}

}  // namespace
}  // namespace ta
