// A regular expression of a relabel rule: Go's syntax, anchored at both ends as
// Prometheus does it, `^(?s:…)$`. Patterns that are simple (most are) run on
// SimpleRegex, the others on RE2, with equal results.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

// Immutable: any thread. Make it with Compile and share it by pointer.
class Regex {
 public:
  enum class Engine { kBest, kRe2Only };  // kRe2Only is for tests

  // Equal patterns share one Regex while one of its users lives. The error is
  // worded as Go words it. Thread-safe.
  static Result<std::shared_ptr<const Regex>> Compile(
      std::string_view pattern, Engine engine = Engine::kBest);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // As written, without the anchors.
  const std::string& pattern() const { return pattern_; }
  // Group 0, the whole match, and those of the pattern.
  int group_count() const { return group_count_; }
  // The number of the group called `name`, -1 if there is none.
  int GroupNamed(std::string_view name) const;
  // It matches every text; group 1, if there is one, is then all of it.
  bool matches_all() const { return matches_all_; }

  bool Matches(std::string_view text) const;
  // The same, filling the first groups.size() groups: views of `text`; empty
  // where a group took no part. REQUIRES: groups.size() <= group_count()
  bool Match(std::string_view text, std::span<std::string_view> groups) const;

 private:
  friend class RegexTemplate;
  struct Engines;
  Regex();
  bool MatchFrom(std::string_view text, std::size_t from,
                 std::span<std::string_view> groups) const;

  std::string pattern_;
  int group_count_ = 1;
  bool matches_all_ = false;
  std::vector<std::pair<std::string, int>> names_;
  std::unique_ptr<Engines> engines_;
};

// A replacement such as `$1:${port}`, expanded as Go's Regexp.Expand does it:
// the longest name counts (`$1x` is the group called `1x`), `$$` is a dollar,
// an unknown group is empty, a lone dollar stands for itself. Immutable.
class RegexTemplate {
 public:
  RegexTemplate(std::string_view text, const Regex& regex);

  // Without any group, and then what it always gives.
  bool is_constant() const { return groups_ == 0; }
  const std::string& constant() const { return constant_; }
  // It is one group and nothing else: its number, else -1.
  int only_group() const { return only_group_; }
  // How many groups Match must fill for Append.
  int groups_needed() const { return groups_; }

  // REQUIRES: groups.size() >= groups_needed()
  void Append(std::span<const std::string_view> groups, std::string& out) const;

  // Go's Regexp.ReplaceAllString. REQUIRES: the same regex as at construction.
  std::string ReplaceAll(const Regex& regex, std::string_view text) const;

 private:
  struct Part {
    std::string literal;  // before the group
    int group = -1;       // -1: none
  };
  std::vector<Part> parts_;
  std::string constant_;
  int groups_ = 0;  // the highest group and one
  int only_group_ = -1;
};

}  // namespace ta
