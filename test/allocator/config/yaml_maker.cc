#include "test/allocator/config/yaml_maker.h"

namespace ta::test {
namespace {

using Words = std::string_view;

constexpr Words kPlain[] = {"a",
                            "b c",
                            "yes",
                            "No",
                            "on",
                            "y",
                            "null",
                            "~",
                            "1",
                            "010",
                            "0o7",
                            "0x1f",
                            "0b11",
                            "1_000",
                            "1.5",
                            ".5",
                            "1e3",
                            ".inf",
                            "-.INF",
                            ".nan",
                            "2001-01-01",
                            "12:30:45",
                            "a:b",
                            "http://x/y#z",
                            "é",
                            "日本",
                            "x#y",
                            "-1",
                            "+1",
                            "-",
                            "a-b",
                            "?x",
                            ":x",
                            "x?",
                            "a'b",
                            "a\"b",
                            "true",
                            "False",
                            "08",
                            "0.0.0.0",
                            "1e",
                            "a\\b",
                            "-0x1",
                            "1__0",
                            "<<",
                            "=",
                            "x y z",
                            "@a",
                            "`a",
                            "%a",
                            "!a",
                            "&a",
                            "*a",
                            "|",
                            ">",
                            "99999999999999999999",
                            "-9223372036854775808",
                            "1.0e400"};
constexpr Words kQuoted[] = {"''",
                             "'a'",
                             "'it''s'",
                             "\"\"",
                             "\"a\\nb\"",
                             "\"\\x41\\u00e9\\U0001F600\"",
                             "\"\\0\\a\\e\\_\\N\\L\\P\"",
                             "\"a\\\n  b\"",
                             "\"a\n  b\n\n  c\"",
                             "'a\n  b\n\n  c'",
                             "'# no'",
                             "\"a: b\"",
                             "'12'",
                             "\"\\t\"",
                             "\"\\q\"",
                             "\"\\ud83d\"",
                             "\"\t\"",
                             "'yes'",
                             "\"a  \n b\"",
                             "'a'b",
                             "\"\\xff\""};
constexpr Words kTags[] = {
    "!!str ",    "!!int ", "!!float ", "!!bool ", "!!null ",
    "!!binary ", "!x ",    "!",        "! ",      "!<tag:yaml.org,2002:str> ",
    "!!map ",    "!!seq ", "!e!x ",    "!!int "};
constexpr Words kKeys[] = {"a",     "b",   "c",    "k1",      "yes", "1", "'q'",
                           "\"d\"", "<<",  "a b",  "null",    "~",   "é", "k-2",
                           "? x",   "*a1", "&k x", "!!str z", "010", "''"};
constexpr Words kFragments[] = {"a: b",         "- a",          "- - b",
                                "a:",           "b: [1, 2",     "]",
                                "{a: 1}",       "{a: 1,",       "}",
                                "key: |",       "  text",       "x: >-",
                                "# c",          "---",          "...",
                                "%YAML 1.1",    "%TAG ! x",     "- {a: b}",
                                "? a",          ": b",          "\"a\": b",
                                "'b': 'c",      "end'",         "&x a: *x",
                                "*x : 1",       "<<: *x",       "- *x",
                                "a : b",        "a:b",          "-",
                                "- a: 1",       "  b: 2",       "key: - a",
                                "a: b: c",      "{a, b: }",     "[a: 1, b]",
                                "[a, , b]",     "{: x}",        "[? a : b]",
                                "- |2",         "  |+",         "\ta: b",
                                "a:\tb",        "-\ta",         "a: 'x' y",
                                "a: \"x\" # c", "!!map {a: b}", "a: &y [1]",
                                "b: !!set {x}", "- ? x",        "  : y",
                                "--- a",        "--- |",        "a: >1",
                                "[a]: b",       "{a: b}: c",    "- !!str",
                                "- &z",         "x: *",         "y: &",
                                "a: %b",        "a: @b",        "a: `b",
                                "a:  # c",      "\"a\":b",      "{\"a\":1}",
                                "{a:1}",        "[a,b]",        "{a}",
                                "- [",          "  a,",         "  b]",
                                "x: {",         " a: 1",        " }"};
constexpr Words kBytes[] = {" ",
                            "  ",
                            "\n",
                            "\t",
                            "\r",
                            "\r\n",
                            ":",
                            ": ",
                            "-",
                            "- ",
                            "?",
                            ",",
                            "[",
                            "]",
                            "{",
                            "}",
                            "#",
                            " #",
                            "&",
                            "*",
                            "!",
                            "|",
                            ">",
                            "'",
                            "\"",
                            "%",
                            "@",
                            "`",
                            "\\",
                            "\xC2\x85",
                            "\xE2\x80\xA8",
                            "\xE2\x80\xA9",
                            "\xEF\xBB\xBF",
                            "\x01",
                            "\x7f",
                            "\xff",
                            "\xC0\x80",
                            "\xED\xA0\x80",
                            std::string_view("\0", 1),
                            "\xC2\x80",
                            "\xC2\xA0",
                            "\xEF\xBF\xBE",
                            "\xF0\x9F\x98\x80",
                            "a",
                            "0",
                            "<<",
                            "---\n",
                            "...\n",
                            "é"};
constexpr Words kBlocks[] = {"|",  ">",   "|-",  ">+",    "|+", ">-", "|1",
                             "|2", ">2-", "|-3", "| # c", "|0", "|x"};

}  // namespace

std::string YamlMaker::Properties() {
  std::string out;
  if (OneIn(12)) out += "&a" + std::to_string(++anchors_) + " ";
  if (OneIn(15)) out += Pick(kTags);
  return out;
}

std::string YamlMaker::Scalar(std::size_t indent, bool flow) {
  if (anchors_ > 0 && OneIn(12))
    return "*a" + std::to_string(1 + Below(static_cast<unsigned>(anchors_))) +
           (OneIn(2) ? "" : " ");
  std::string out = Properties();
  if (!flow && OneIn(10)) {
    out += Pick(kBlocks) + "\n";
    const std::string margin(indent + Below(3), ' ');
    for (unsigned i = Below(4); i > 0; --i) {
      if (!OneIn(5)) out += margin + (OneIn(5) ? "  " : "") + Pick(kPlain);
      if (OneIn(10)) out += " \t";
      out += "\n";
    }
    return out + margin + Pick(kPlain);
  }
  if (OneIn(20)) return out;
  std::string text = OneIn(4) ? Pick(kQuoted) : Pick(kPlain);
  if (OneIn(15)) text += "\n" + std::string(indent + 1, ' ') + Pick(kPlain);
  return out + text;
}

void YamlMaker::Flow(int depth, std::string& out) {
  out += Properties();
  if (depth > 3 || OneIn(3)) {
    out += Scalar(8, true);
    return;
  }
  const bool list = OneIn(2);
  out += list ? '[' : '{';
  for (unsigned i = Below(4); i > 0; --i) {
    if (OneIn(12)) out += OneIn(2) ? "\n    " : " ";
    if (!list || OneIn(8)) {
      out += OneIn(10) ? Scalar(8, true) : Pick(kKeys);
      out += OneIn(10) ? ":" : ": ";
    }
    if (!OneIn(10)) Flow(depth + 1, out);
    if (i > 1 || OneIn(6)) out += OneIn(6) ? "," : ", ";
  }
  if (OneIn(12)) out += "\n ";
  out += list ? ']' : '}';
}

void YamlMaker::Block(std::size_t indent, int depth, std::string& out) {
  const std::string margin(indent, ' ');
  const auto rest = [&](std::size_t deeper) {
    if (depth > 3 || OneIn(2)) {
      out += " " + Scalar(indent + 1, false);
      out += OneIn(15) ? " # c\n" : "\n";
    } else if (OneIn(4)) {
      out += ' ';
      Flow(depth + 1, out);
      out += '\n';
    } else {
      out += OneIn(6) ? " " + Properties() : "";
      out += OneIn(20) ? " # c\n" : "\n";
      Block(indent + deeper, depth + 1, out);
    }
  };
  const unsigned count = 1 + Below(3);
  if (OneIn(2)) {
    for (unsigned i = 0; i < count; ++i) {
      out += margin + "-";
      rest(1 + Below(3));
    }
    return;
  }
  for (unsigned i = 0; i < count; ++i) {
    out += margin + (OneIn(3) ? Pick(kKeys) : "k" + std::to_string(Below(9)));
    out += OneIn(25) ? " :" : ":";
    if (OneIn(30)) out += '\n' + margin + "# c";
    rest(OneIn(6) ? 0 : 1 + Below(3));
  }
}

std::string YamlMaker::Soup() {
  std::string out;
  for (unsigned i = 1 + Below(7); i > 0; --i)
    out += std::string(Below(3) * Below(3), ' ') + Pick(kFragments) + "\n";
  return out;
}

void YamlMaker::Damage(std::string& text) {
  for (unsigned i = 1 + Below(2); i > 0; --i) {
    const auto at = Below(static_cast<unsigned>(text.size()) + 1);
    switch (Below(3)) {
      case 0:
        text.insert(at, Pick(kBytes));
        break;
      case 1:
        if (at < text.size()) text.erase(at, 1 + Below(2));
        break;
      default:
        if (at < text.size()) text.replace(at, 1, Pick(kBytes));
    }
  }
}

std::string YamlMaker::Document() {
  anchors_ = 0;
  std::string out;
  if (OneIn(15)) out += OneIn(2) ? "---\n" : "--- ";
  if (OneIn(4)) {
    out += Soup();
  } else if (OneIn(5)) {
    Flow(0, out);
    out += "\n";
  } else {
    Block(0, 0, out);
  }
  if (OneIn(30)) out += "...\n";
  if (OneIn(30)) out.pop_back();
  if (OneIn(3)) Damage(out);
  if (OneIn(30)) {
    std::string windows;
    for (const char c : out) windows += c == '\n' ? "\r\n" : std::string(1, c);
    out = windows;
  }
  if (OneIn(40)) out.insert(0, "\xEF\xBB\xBF");
  return out;
}

}  // namespace ta::test
