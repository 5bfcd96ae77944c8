// Why bytes are enough: patterns are ASCII, so a literal never begins inside a
// UTF-8 sequence, and a repeat that takes high bytes (`.`, `[^:]`) can only end
// where a literal or the text's end follows, thus on a character's border.
// Whatever else could tell a byte from a character sets needs_ascii_, and then
// texts that are not ASCII are left to RE2.
//
// Backtracking tries alternatives in the order in which Go and RE2 prefer them
// (leftmost-first, greedy unless lazy), so the first match found is theirs,
// groups included.

#include "allocator/simple_regex.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace ta {
namespace {

constexpr int kMaxSteps = 2000;
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

// What can be known of the program before it runs.
void SimpleRegex::Finish() {
  const auto high = [this](const Instruction& instruction) {
    const Set& set = sets_[instruction.set];
    for (std::size_t c = 128; c < 256; ++c) {
      if (set[c]) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < program_.size(); ++i) {
    Instruction& instruction = program_[i];
    if (instruction.op == Op::kOne && high(instruction)) needs_ascii_ = true;
    if (instruction.op != Op::kRepeat) continue;
    std::size_t next = i + 1;
    while (program_[next].op == Op::kOpen || program_[next].op == Op::kClose) {
      ++next;
    }
    const Instruction& follower = program_[next];
    instruction.to_end = follower.op == Op::kEnd;
    if (follower.op == Op::kLiteral) {
      instruction.next_byte = static_cast<unsigned char>(follower.literal[0]);
    }
    const bool bordered = instruction.to_end || instruction.next_byte >= 0;
    if (high(instruction) && (!bordered || instruction.most_one)) {
      needs_ascii_ = true;
    }
  }

  // Open and Close of one group around everything, if there is one.
  const bool grouped = program_.size() >= 3 && groups_ == 2 &&
                       program_[0].op == Op::kOpen &&
                       program_[program_.size() - 2].op == Op::kClose;
  const std::size_t begin = grouped ? 1 : 0;
  const std::size_t end = program_.size() - (grouped ? 2 : 1);
  if (groups_ > (grouped ? 2 : 1)) return;
  if (end == begin + 1 && program_[begin].op == Op::kRepeat) {
    const Instruction& repeat = program_[begin];
    matches_all_ =
        repeat.min == 0 && !repeat.most_one && sets_[repeat.set].all();
  }
  // literal; or (split, literal, jump end)... literal.
  std::vector<std::string> literals;
  for (std::size_t i = begin;;) {
    const bool last = i >= end || program_[i].op != Op::kSplit;
    if (!last) ++i;
    if (i < end && program_[i].op == Op::kLiteral) {
      literals.push_back(program_[i++].literal);
    } else {
      literals.emplace_back();
    }
    if (last) {
      if (i != end) return;
      break;
    }
    if (program_[i].op != Op::kJump || program_[i].target != end) return;
    ++i;
  }
  std::ranges::sort(literals);
  literals_ = std::move(literals);
  only_literals_ = true;
  literals_grouped_ = grouped;
}

// One attempt. Steps are bounded, so is the depth of recursion.
class SimpleRegex::Run {
 public:
  Run(const SimpleRegex& regex, std::string_view text)
      : regex_(regex), text_(text) {
    if (regex.groups_ > 1) marks_.fill(-1);
  }

  Verdict Match() {
    const bool matched = At(0, 0);
    if (steps_ > kMaxSteps) return Verdict::kDontKnow;
    return matched ? Verdict::kMatch : Verdict::kNoMatch;
  }

  std::string_view Group(std::size_t group) const {
    const std::int64_t from = marks_[2 * group];
    const std::int64_t to = marks_[2 * group + 1];
    if (from < 0 || to < 0) return {};
    return text_.substr(static_cast<std::size_t>(from),
                        static_cast<std::size_t>(to - from));
  }

 private:
  bool At(std::size_t pc, std::size_t at) {
    for (;; ++pc) {
      if (++steps_ > kMaxSteps) return false;
      const Instruction& now = regex_.program_[pc];
      switch (now.op) {
        case Op::kLiteral:
          if (text_.size() - at < now.literal.size() ||
              std::memcmp(text_.data() + at, now.literal.data(),
                          now.literal.size()) != 0) {
            return false;
          }
          at += now.literal.size();
          break;
        case Op::kOne:
          if (at == text_.size() || !In(now, at)) return false;
          ++at;
          break;
        case Op::kRepeat:
          return Repeat(now, pc, at);
        case Op::kOpen:
        case Op::kClose: {
          // A mark made on a way that failed must not be seen on another.
          std::int64_t& mark =
              marks_[2 * std::size_t{now.group} + (now.op == Op::kClose)];
          const std::int64_t before = mark;
          mark = static_cast<std::int64_t>(at);
          if (At(pc + 1, at)) return true;
          mark = before;
          return false;
        }
        case Op::kSplit:
          if (At(pc + 1, at)) return true;
          if (steps_ > kMaxSteps) return false;
          pc = now.target - std::size_t{1};
          break;
        case Op::kJump:
          pc = now.target - std::size_t{1};
          break;
        case Op::kEnd:
          return at == text_.size();
      }
    }
  }

  bool In(const Instruction& now, std::size_t at) const {
    return regex_.sets_[now.set][static_cast<unsigned char>(text_[at])];
  }

  bool Repeat(const Instruction& now, std::size_t pc, std::size_t at) {
    const Set& set = regex_.sets_[now.set];
    std::size_t last = text_.size();
    if (now.most_one) last = std::min(last, at + 1);
    std::size_t run_end = at;
    if (set.all()) {
      run_end = last;
    } else {
      while (run_end < last && In(now, run_end)) ++run_end;
    }
    const std::size_t first = at + now.min;
    if (run_end < first) return false;
    if (now.to_end) {
      return run_end == text_.size() && At(pc + 1, run_end);
    }
    // Long texts are for an engine that never goes back.
    steps_ +=
        static_cast<int>(std::min<std::size_t>(run_end - at, 1 << 20) / 32);
    if (now.lazy) {
      for (std::size_t to = first; to <= run_end; ++to) {
        if (Follows(now, to) && At(pc + 1, to)) return true;
        if (steps_ > kMaxSteps) return false;
      }
      return false;
    }
    for (std::size_t to = run_end + 1; to-- > first;) {
      if (Follows(now, to) && At(pc + 1, to)) return true;
      if (steps_ > kMaxSteps) return false;
    }
    return false;
  }

  // The literal after a repeat can begin at `at`.
  bool Follows(const Instruction& now, std::size_t at) const {
    if (now.next_byte < 0) return true;
    return at < text_.size() &&
           static_cast<unsigned char>(text_[at]) == now.next_byte;
  }

  const SimpleRegex& regex_;
  const std::string_view text_;
  std::array<std::int64_t, 2 * kMaxGroups> marks_;
  int steps_ = 0;
};

SimpleRegex::Verdict SimpleRegex::Match(
    std::string_view text, std::span<std::string_view> groups) const {
  assert(groups.size() <= static_cast<std::size_t>(groups_));
  if (!groups.empty()) groups[0] = text;
  if (matches_all_ || only_literals_) {
    const bool matched =
        matches_all_ || std::ranges::binary_search(literals_, text);
    if (groups.size() > 1) groups[1] = text;
    return matched ? Verdict::kMatch : Verdict::kNoMatch;
  }
  if (needs_ascii_ && std::ranges::any_of(text, IsHigh)) {
    return Verdict::kDontKnow;
  }
  Run run(*this, text);
  const Verdict verdict = run.Match();
  if (verdict != Verdict::kMatch) return verdict;
  for (std::size_t i = 1; i < groups.size(); ++i) groups[i] = run.Group(i);
  return verdict;
}

}  // namespace ta
