// Random regular expressions, and texts that they have a chance to match.

#pragma once

#include <iterator>
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
    // What case folding, classes and the decoding of bytes trip over.
    static constexpr std::string_view kOther[] = {"A",
                                                  "K",
                                                  "\u212a",
                                                  "ſ",
                                                  "s",
                                                  "ß",
                                                  "ẞ",
                                                  "İ",
                                                  "ı",
                                                  "ǅ",
                                                  "Σ",
                                                  "ς",
                                                  "É",
                                                  "५",
                                                  "²",
                                                  "Ⅷ",
                                                  "\u00a0",
                                                  "\u0301",
                                                  "\U0001f600",
                                                  "\ufffd",
                                                  "\u0378",
                                                  "\U0010ffff",
                                                  "\u00b5",
                                                  "_",
                                                  "\xff",
                                                  "\xc3",
                                                  "\xe6\x97",
                                                  "\x80",
                                                  "\xed\xa0\x80",
                                                  " ",
                                                  "[",
                                                  "\\",
                                                  "$",
                                                  ".",
                                                  "n"};
    std::string out;
    for (unsigned i = Below(6); i > 0; --i) {
      out += syntax_ == Syntax::kFull && Below(4) == 0
                 ? kOther[Below(std::size(kOther))]
                 : kPieces[Below(std::size(kPieces))];
    }
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
    static constexpr std::string_view kOther[] = {"(?i:A)",
                                                  "\\b",
                                                  "\\B",
                                                  "\\pL",
                                                  "a{2}",
                                                  "[[:alpha:]]",
                                                  "(?P<n>a)",
                                                  "(?<m>b)",
                                                  "^",
                                                  "$",
                                                  "\\Q.+\\E",
                                                  "ä",
                                                  "\\x61",
                                                  "(?-s:.)",
                                                  ")|(",
                                                  "\\C",
                                                  "[\\C]",
                                                  "\\Q\\C\\E",
                                                  "(?:a|b)*",
                                                  "(a+)+",
                                                  "[]a]",
                                                  "(?U)a+",
                                                  "(?U:a*)",
                                                  "[^ä]",
                                                  "(?=a)",
                                                  "\\z",
                                                  "\\Z",
                                                  "\\A",
                                                  "b{1,3}?",
                                                  "[\\w-]",
                                                  "\\PN",
                                                  "\\pN",
                                                  "[\\pN_]",
                                                  "[^\\pN]",
                                                  "[a",
                                                  "(?i)",
                                                  "(?m)^",
                                                  "(?m:$)",
                                                  "a**",
                                                  "a+*",
                                                  "a{2}{3}",
                                                  "a{2}*",
                                                  "\\1",
                                                  "\\01",
                                                  "\\x{61}",
                                                  "\\x{110000}",
                                                  "(?i:k)",
                                                  "(?i:ſ)",
                                                  "(?i:ß)",
                                                  "(?i:σ)",
                                                  "(?i:[k-t])",
                                                  "(?i:[^k])",
                                                  "(?i:\\p{Lu})",
                                                  "(?i:ǆ)",
                                                  "(?i:İ)",
                                                  "(?i:µ)",
                                                  "\\p{Lu}",
                                                  "\\p{Letter}",
                                                  "\\p{greek}",
                                                  "\\p{Greek}",
                                                  "\\p{^Greek}",
                                                  "\\P{Greek}",
                                                  "\\p{Any}",
                                                  "\\p{Assigned}",
                                                  "\\p{ASCII}",
                                                  "[\\P{ASCII}a]",
                                                  "\\p{LC}",
                                                  "\\pC",
                                                  "\\PC",
                                                  "[^\\pC]",
                                                  "[\\PC]",
                                                  "\\p{Cn}",
                                                  "\\p{Nd}",
                                                  "\\p{decimal number}",
                                                  "\\p{Foo}",
                                                  "\\pX",
                                                  "\\p{",
                                                  "\\p",
                                                  "\\p{Old_Italic}",
                                                  "\\Q\\E",
                                                  "\\Qab\\E*",
                                                  "\\Qa",
                                                  "\\E",
                                                  "\\Q\\\\E",
                                                  "[\\Qa\\E]",
                                                  "[[:^digit:]]",
                                                  "[[:word:]]",
                                                  "[[:foo:]]",
                                                  "[:alpha:]",
                                                  "[^[:space:]]",
                                                  "[a-\\d]",
                                                  "[b-a]",
                                                  "[a-]",
                                                  "[-a]",
                                                  "[^]a]",
                                                  "[\\]a]",
                                                  "[]",
                                                  "[\\b]",
                                                  "[\\x{e4}-\\x{f6}]",
                                                  "a{0}",
                                                  "a{,2}",
                                                  "a{2,}",
                                                  "a{1000}",
                                                  "a{1001}",
                                                  "a{3,2}",
                                                  "(?:a{10}){100}",
                                                  "(?:a{32}){32}",
                                                  "{",
                                                  "}",
                                                  "a{",
                                                  "{2}",
                                                  "*",
                                                  "(?i)*",
                                                  "^*",
                                                  "\\b+",
                                                  "(|a)*",
                                                  "(a*)*",
                                                  "(a|b*)+?",
                                                  "()",
                                                  "(?:)",
                                                  "(?:)*",
                                                  "(?P<n>b)",
                                                  "(?<1>a)",
                                                  "(?<ä>a)",
                                                  "(?<>a)",
                                                  "(?<a b>c)",
                                                  "(?P=n)",
                                                  "(?P>n)",
                                                  "(?'n'a)",
                                                  "(?!a)",
                                                  "(?<=a)",
                                                  "(?<!a)",
                                                  "(?>a)",
                                                  "(?#c)",
                                                  "(?x)",
                                                  "(?is-m:a.)",
                                                  "(?i-)",
                                                  "(?-)",
                                                  "(?--i)",
                                                  "(?i-i)",
                                                  "(?^i:a)",
                                                  "(?",
                                                  "(?P",
                                                  "(?P<",
                                                  "(?<n",
                                                  "(",
                                                  ")",
                                                  "\\",
                                                  "\\h",
                                                  "\\R",
                                                  "\\X",
                                                  "\\K",
                                                  "\\G",
                                                  "\\_",
                                                  "\\ä",
                                                  "\\a",
                                                  "\\v",
                                                  "\\e",
                                                  "\\cA",
                                                  "\\u0061",
                                                  "\\8",
                                                  "\\777",
                                                  "\\x6",
                                                  "\\x{}",
                                                  "\\x{6g}",
                                                  "[\\8]",
                                                  "[\\D\\d]",
                                                  "[^\\D\\d]",
                                                  "[^\\x00-\\x{10FFFF}]",
                                                  "\ufffd",
                                                  "[\\x{fffd}]",
                                                  "\\s",
                                                  "\\v*"};
    if (syntax_ == Syntax::kFull && Below(8) == 0) {
      return std::string(kOther[Below(std::size(kOther))]);
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
