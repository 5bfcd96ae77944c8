// From a simple pattern to its program; simple_regex.cc runs it.

#include <cstddef>
#include <utility>

#include "allocator/simple_regex.h"

namespace ta {
namespace {

constexpr std::size_t kMaxProgram = 400;

bool IsMeta(char c) {
  return std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos;
}
bool IsAsciiPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}
bool IsHigh(char c) { return static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

// Writes the program while it reads the pattern: alternatives and groups need
// instructions inserted before what is written already, which shifts jumps, so
// each level is written apart, with jumps relative to itself, and then
// appended.
class SimpleRegex::Parser {
 public:
  Parser(std::string_view pattern, SimpleRegex& out)
      : rest_(pattern), out_(out) {}

  bool Parse() {
    Code code;
    if (!Alternatives(code) || !rest_.empty()) return false;
    code.push_back({.op = Op::kEnd});
    if (code.size() > kMaxProgram) return false;
    out_.program_ = std::move(code);
    return true;
  }

 private:
  using Code = std::vector<Instruction>;

  static void Append(Code& to, Code from) {
    const auto offset = static_cast<std::uint16_t>(to.size());
    for (Instruction& instruction : from) {
      if (instruction.op == Op::kSplit || instruction.op == Op::kJump) {
        instruction.target += offset;
      }
      to.push_back(std::move(instruction));
    }
  }

  // a|b|c, up to the end or a closing parenthesis.
  bool Alternatives(Code& code) {
    std::vector<Code> all(1);
    if (!Sequence(all.back())) return false;
    while (!rest_.empty() && rest_[0] == '|') {
      rest_.remove_prefix(1);
      if (!Sequence(all.emplace_back())) return false;
    }
    // split past a; a; jump end; split past b; b; jump end; c
    std::size_t end = 0;
    for (const Code& one : all) end += one.size() + 2;
    end -= 2;
    if (end > kMaxProgram) return false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i + 1 == all.size()) {
        Append(code, std::move(all[i]));
        break;
      }
      Code one = {{.op = Op::kSplit,
                   .target = static_cast<std::uint16_t>(all[i].size() + 2)}};
      Append(one, std::move(all[i]));
      Append(code, std::move(one));
      code.push_back(
          {.op = Op::kJump, .target = static_cast<std::uint16_t>(end)});
    }
    return true;
  }

  bool Sequence(Code& code) {
    bool after_literal = false;
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      if (rest_[0] == '(') {
        if (!Group(code)) return false;
        after_literal = false;
      } else if (!Character(code, after_literal)) {
        return false;
      }
    }
    return true;
  }

  // A character, a set of them or a repeat. Literals that follow each other in
  // one sequence become one instruction.
  bool Character(Code& code, bool& after_literal) {
    Set set;
    if (!Atom(set)) return false;
    Instruction item{.op = Op::kOne};
    if (!Quantifier(item)) return false;
    const bool single = item.op == Op::kOne && set.count() == 1;
    if (single) {
      const char byte = static_cast<char>(set._Find_first());
      if (after_literal) {
        code.back().literal += byte;
        return true;
      }
      item.op = Op::kLiteral;
      item.literal = byte;
    } else {
      item.set = static_cast<std::uint16_t>(out_.sets_.size());
      out_.sets_.push_back(set);
    }
    code.push_back(std::move(item));
    after_literal = single;
    return code.size() <= kMaxProgram;
  }

  // After an atom. A group can only be made optional.
  bool Quantifier(Instruction& item) {
    if (rest_.empty()) return true;
    switch (rest_[0]) {
      case '*':
        item.op = Op::kRepeat;
        break;
      case '+':
        item.op = Op::kRepeat;
        item.min = 1;
        break;
      case '?':
        item.op = Op::kRepeat;
        item.most_one = true;
        break;
      case '{':
        return false;
      default:
        return true;
    }
    rest_.remove_prefix(1);
    if (!rest_.empty() && rest_[0] == '?') {
      item.lazy = true;
      rest_.remove_prefix(1);
    }
    return rest_.empty() ||
           std::string_view("*+?{").find(rest_[0]) == std::string_view::npos;
  }

  bool Group(Code& code) {
    rest_.remove_prefix(1);
    bool captures = true;
    if (!rest_.empty() && rest_[0] == '?') {
      if (!rest_.starts_with("?:")) return false;  // flags, names
      rest_.remove_prefix(2);
      captures = false;
    }
    if (++depth_ > 20) return false;
    const auto group = static_cast<std::uint8_t>(out_.groups_);
    if (captures && ++out_.groups_ > kMaxGroups) return false;
    Code body;
    if (captures) body.push_back({.op = Op::kOpen, .group = group});
    Code inner;
    if (!Alternatives(inner)) return false;
    Append(body, std::move(inner));
    if (captures) body.push_back({.op = Op::kClose, .group = group});
    if (rest_.empty() || rest_[0] != ')') return false;
    rest_.remove_prefix(1);
    --depth_;
    Instruction optional{.op = Op::kSplit};
    if (!Quantifier(optional)) return false;
    if (optional.op == Op::kRepeat) {
      if (!optional.most_one || optional.lazy) return false;
      Code split = {{.op = Op::kSplit,
                     .target = static_cast<std::uint16_t>(body.size() + 1)}};
      Append(split, std::move(body));
      body = std::move(split);
    }
    Append(code, std::move(body));
    return code.size() <= kMaxProgram;
  }

  bool Atom(Set& set) {
    const char c = rest_[0];
    if (IsHigh(c)) return false;
    rest_.remove_prefix(1);
    if (c == '.') {
      set.set();
      return true;
    }
    if (c == '[') return Class(set);
    if (c == '\\') return Escape(set);
    if (IsMeta(c)) return false;
    set.set(static_cast<unsigned char>(c));
    return true;
  }

  bool Escape(Set& set) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    Set named;
    switch (c) {
      case 'd':
      case 'D':
        AddRange(named, '0', '9');
        break;
      case 'w':
      case 'W':
        AddRange(named, '0', '9');
        AddRange(named, 'A', 'Z');
        AddRange(named, 'a', 'z');
        named.set('_');
        break;
      case 's':
      case 'S':
        for (const char space : {'\t', '\n', '\f', '\r', ' '}) {
          named.set(static_cast<unsigned char>(space));
        }
        break;
      default:
        if (!IsAsciiPunctuation(c)) return false;
        named.set(static_cast<unsigned char>(c));
    }
    if (c == 'D' || c == 'W' || c == 'S') named.flip();
    set |= named;
    return true;
  }

  // After the opening bracket. Anything unusual in it is not simple.
  bool Class(Set& set) {
    const bool negated = rest_.starts_with("^");
    if (negated) rest_.remove_prefix(1);
    for (bool first = true; !rest_.starts_with("]") || first; first = false) {
      if (rest_.empty()) return false;
      const char low = rest_[0];
      if (IsHigh(low) || low == '[' || (low == ']' && first)) return false;
      rest_.remove_prefix(1);
      if (low == '\\') {
        if (!Escape(set)) return false;
        if (rest_.starts_with("-") && !rest_.starts_with("-]")) return false;
        continue;
      }
      if (low == '-' && !first && !rest_.starts_with("]")) return false;
      if (!rest_.starts_with("-") || rest_.starts_with("-]")) {
        set.set(static_cast<unsigned char>(low));
        continue;
      }
      if (rest_.size() < 3) return false;
      const char high = rest_[1];
      if (IsHigh(high) || high == '\\' || high == '[' || high < low) {
        return false;
      }
      rest_.remove_prefix(2);
      AddRange(set, low, high);
    }
    rest_.remove_prefix(1);
    if (negated) set.flip();
    return set.any();
  }

  static void AddRange(Set& set, char low, char high) {
    for (int c = low; c <= high; ++c) set.set(static_cast<std::size_t>(c));
  }

  std::string_view rest_;
  SimpleRegex& out_;
  int depth_ = 0;
};

std::optional<SimpleRegex> SimpleRegex::Parse(std::string_view pattern) {
  SimpleRegex regex;
  if (!Parser(pattern, regex).Parse()) return std::nullopt;
  regex.Finish();
  return regex;
}

}  // namespace ta
