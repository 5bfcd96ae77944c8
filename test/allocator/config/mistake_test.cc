#include "allocator/config/mistake.h"

#include <gtest/gtest.h>

namespace ta {
namespace {

TEST(MistakeTest, IsOneLineWithOnlyThePartsThatAreThere) {
  EXPECT_EQ((Mistake{"f.yaml", 3, 7, "a.b", "is wrong", "c"}.ToString()),
            "f.yaml:3:7: a.b: is wrong (did you mean \"c\"?)");
  EXPECT_EQ((Mistake{"f.yaml", 0, 0, "", "is empty", ""}.ToString()),
            "f.yaml: is empty");
  EXPECT_EQ((Mistake{"", 0, 0, "", "is empty", ""}.ToString()), "is empty");
}

TEST(MistakeTest, TextOfTheFileCannotBreakTheLineOrTheTerminal) {
  EXPECT_EQ((Mistake{"f", 1, 1, "a\nb", "x\x1b[31m\xFF", ""}.ToString()),
            "f:1:1: a\\nb: x\\x1b[31m\\xff");
}

TEST(MistakeTest, NeitherCanCharactersThatTerminalsObey) {
  EXPECT_EQ((Mistake{"f\n", 1, 1, "\u202eab", "\u009b31m\u200b\u2028", "\ufeff"}
                 .ToString()),
            "f\\n:1:1: \\u202eab: \\u009b31m\\u200b\\u2028 "
            "(did you mean \"\\ufeff\"?)");
  EXPECT_EQ(Quoted("\u2066\U000E0041\x7f\x80"),
            "\"\\u2066\\U000e0041\\x7f\\x80\"");
  EXPECT_EQ(Quoted("äöü €😀"), "\"äöü €😀\"");
}

TEST(MistakeTest, QuotedIsCutBetweenCharacters) {
  EXPECT_EQ(Quoted("a\tb"), "\"a\\tb\"");
  std::string text(59, 'x');
  EXPECT_EQ(Quoted(text + "üy"), "\"" + text + "…\"");
}

TEST(MistakeTest, SortsByFileAsFirstSeenThenByPlaceAndDropsRepeats) {
  Mistakes mistakes = {{"b", 2, 1, "", "two", ""},
                       {"a", 1, 1, "", "one", ""},
                       {"b", 1, 9, "", "nine", ""},
                       {"b", 1, 2, "", "first", ""},
                       {"b", 1, 9, "", "nine", ""}};
  SortMistakes(mistakes);
  // What differs only in the suggestion once came in any order.
  Mistakes alike = {{"a", 1, 1, "", "x", "2"}, {"a", 1, 1, "", "x", "1"}};
  SortMistakes(alike);
  EXPECT_EQ(alike[0].suggestion, "1");
  std::string order;
  for (const auto& mistake : mistakes) order += mistake.message + " ";
  EXPECT_EQ(order, "first nine two one ");
}

TEST(MistakeTest, QuotedLeavesOutTheUserOfAUrl) {
  EXPECT_EQ(Quoted("http://user:SECRET@host/x"), "\"http://…@host/x\"");
  EXPECT_EQ(Quoted("//SECRET@host"), "\"//…@host\"");
  EXPECT_EQ(Quoted("http://u:SEC@RET@h"), "\"http://…@h\"");
  EXPECT_EQ(Quoted("http://host/x"), "\"http://host/x\"");
  EXPECT_EQ(Quoted("a@b"), "\"a@b\"");
}

}  // namespace
}  // namespace ta
