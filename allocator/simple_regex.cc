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

bool IsHigh(char c) { return static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

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
