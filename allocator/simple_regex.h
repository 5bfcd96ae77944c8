// A matcher for the plain regexes that nearly all relabel rules have: literals,
// `.`, character classes, groups, alternatives, and `?`, `*`, `+` on single
// characters. It backtracks over a few instructions, several times faster than
// a general engine, and knows its limits: where it can't be sure to say what
// RE2 would say, it says so, and the caller asks RE2.
//
// Internal to regex.h.

#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ta {

// Immutable: any thread.
class SimpleRegex {
 public:
  enum class Verdict {
    kMatch,
    kNoMatch,
    kDontKnow,  // the text has bytes that only a full engine understands, or
                // the match took too many steps
  };
  // More groups than this make a pattern not simple. Group 0 counts.
  static constexpr int kMaxGroups = 12;

  // Nothing if the pattern is not simple. What is simple is valid in Go.
  static std::optional<SimpleRegex> Parse(std::string_view pattern);

  // Whether the whole text matches, `.` meaning any character. Fills the first
  // groups.size() groups: views of `text`, of no data where a group took no
  // part. REQUIRES: groups.size() <= group_count()
  Verdict Match(std::string_view text,
                std::span<std::string_view> groups) const;

  int group_count() const { return groups_; }  // with group 0
  // The pattern matches every text, and group 1, if it has one, is all of it.
  bool matches_all() const { return matches_all_; }

 private:
  class Parser;
  class Run;
  using Set = std::bitset<256>;

  // The instructions; each goes on at the next one if it matched.
  enum class Op : std::uint8_t {
    kLiteral,  // the bytes of `literal`
    kOne,      // one character of set `set`
    kRepeat,   // as many of set `set` as `min` and `most_one` allow, and fewer
               // (or more, if `lazy`) when the rest doesn't match
    kOpen,     // a group begins, ends
    kClose,
    kSplit,  // try the next instruction, then `target`
    kJump,   // go on at `target`
    kEnd,    // the text must end here
  };
  struct Instruction {
    Op op;
    bool lazy = false;
    bool most_one = false;
    bool to_end = false;  // kRepeat: only kClose and kEnd follow
    std::uint8_t min = 0;
    std::uint8_t group = 0;
    std::int16_t next_byte = -1;  // kRepeat: what must follow it; -1 not known
    std::uint16_t set = 0;
    std::uint16_t target = 0;
    std::string literal;
  };

  void Finish();

  std::vector<Instruction> program_;
  std::vector<Set> sets_;
  // Alternatives of nothing but literals, sorted; the program is not run.
  std::vector<std::string> literals_;
  bool only_literals_ = false;
  bool literals_grouped_ = false;  // one group around them
  bool matches_all_ = false;
  bool needs_ascii_ = false;  // a character may be more than one byte
  int groups_ = 1;
};

}  // namespace ta
