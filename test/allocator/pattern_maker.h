// Random regular expressions, and texts that they have a chance to match.

#pragma once

#include <random>
#include <string>
#include <string_view>

namespace ta::test {

// Equal seeds make equal patterns and texts.
class PatternMaker {
 public:
  // kFull: also what is not simple, and now and then what is no pattern.
  enum class Syntax { kPlain, kFull };

  explicit PatternMaker(unsigned seed, Syntax syntax = Syntax::kPlain)
      : random_(seed), syntax_(syntax) {}

  std::string Alternatives(int depth) {
    std::string out = Sequence(depth);
    while (Below(4) == 0) out += "|" + Sequence(depth);
    return out;
  }

  std::string Text() {
    static constexpr std::string_view kPieces[] = {
        "a", "b", "ab", ":", ";", "80", "a:8", "-", "ä", "日", "\n", "", "aa"};
    std::string out;
    for (unsigned i = Below(6); i > 0; --i) out += kPieces[Below(13)];
    return out;
  }

  unsigned Below(unsigned limit) { return random_() % limit; }

 private:
  std::string Sequence(int depth) {
    std::string out;
    for (unsigned i = Below(5); i > 0; --i) out += Item(depth);
    return out;
  }
  std::string Item(int depth) {
    static constexpr std::string_view kAtoms[] = {
        "a", "b",   "a",      "ab",     ".",   "[^:]", "[ab]",    "\\d", ";",
        ":", "\\.", "[^a-b]", "[0-9-]", "\\w", "\\S",  "[^\\d;]", "\\-"};
    static constexpr std::string_view kQuantifiers[] = {
        "", "", "", "*", "+", "?", "*?", "+?", "??"};
    static constexpr std::string_view kOther[] = {
        "(?i:A)",  "\\b",  "\\pL",  "a{2}",     "[[:alpha:]]", "(?P<n>a)",
        "(?<m>b)", "^",    "$",     "\\Q.+\\E", "ä",           "\\x61",
        "(?-s:.)", ")|(",  "\\C",   "(?:a|b)*", "(a+)+",       "[]a]",
        "(?U)a+",  "[^ä]", "(?=a)", "\\z",      "b{1,3}?",     "[\\w-]",
        "\\PN",    "[a",   "(?i)",  "(?m)^",    "a**",         "\\1"};
    if (syntax_ == Syntax::kFull && Below(8) == 0) {
      return std::string(kOther[Below(30)]);
    }
    if (depth > 0 && Below(4) == 0) {
      const std::string body = Alternatives(depth - 1);
      return (Below(2) == 0 ? "(" : "(?:") + body +
             (Below(3) == 0 ? ")?" : ")");
    }
    return std::string(kAtoms[Below(17)]) + std::string(kQuantifiers[Below(9)]);
  }

  std::mt19937 random_;
  Syntax syntax_;
};

}  // namespace ta::test
