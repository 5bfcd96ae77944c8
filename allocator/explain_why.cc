#include "allocator/explain_why.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "allocator/go_text.h"
#include "allocator/regex.h"

namespace ta {
namespace {

using Action = RelabelConfig::Action;

std::string Shown(std::string_view text) {
  constexpr std::size_t kMax = 200;
  if (text.size() <= kMax) return GoQuote(text);
  std::size_t end = kMax;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return GoQuote(text.substr(0, end)) + "…";
}

std::string_view Get(const LabelTexts& labels, std::string_view name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string_view() : found->second;
}

// How far a regex that doesn't match came.
struct NearMiss {
  std::string_view matched;  // a beginning of the value,
  std::string_view value;    // what follows it,
  std::string_view regex;    // and what of the regex does; "" if all matched
};

// Past the class that begins at `i`: a bracket right at its beginning is a
// member, and so is one that a backslash or [: is before.
std::size_t SkipClass(std::string_view pattern, std::size_t i) {
  i += pattern.substr(i).starts_with("[^") ? 2 : 1;
  for (bool first = true; i < pattern.size(); ++i, first = false) {
    const std::string_view rest = pattern.substr(i);
    if (rest[0] == ']' && !first) return i + 1;
    if (rest[0] == '\\') {
      ++i;
    } else if (rest.starts_with("[:")) {
      const std::size_t end = rest.find(":]");
      if (end != std::string_view::npos) i += end + 1;
    }
  }
  return pattern.size();
}

// Alternatives outside of any group: no beginning of such a regex means much.
bool HasAlternatives(std::string_view pattern) {
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("\\Q")) {
      const std::size_t end = rest.find("\\E");
      i = end == std::string_view::npos ? pattern.size() : i + end + 2;
    } else if (rest[0] == '\\') {
      i += 2;
    } else if (rest[0] == '[') {
      i = SkipClass(pattern, i);
    } else {
      if (rest[0] == '|' && depth == 0) return true;
      depth += rest[0] == '(' ? 1 : rest[0] == ')' ? -1 : 0;
      ++i;
    }
  }
  return false;
}

// The longest beginning of the regex that matches a beginning of the value.
std::optional<NearMiss> FindNearMiss(std::string_view pattern,
                                     std::string_view value) {
  constexpr std::size_t kMaxPattern = 200;
  constexpr std::size_t kMaxValue = 2000;
  if (value.empty() || value.size() > kMaxValue ||
      pattern.size() > kMaxPattern || HasAlternatives(pattern)) {
    return std::nullopt;
  }
  for (std::size_t end = pattern.size(); end > 0; --end) {
    // Cut before a quantifier it would be another regex.
    if (end < pattern.size() &&
        std::string_view("*+?{").find(pattern[end]) != std::string::npos) {
      continue;
    }
    const std::string_view part = pattern.substr(0, end);
    const auto regex = Regex::Compile("(" + std::string(part) + ")(?s:.*)");
    if (!regex) continue;
    std::array<std::string_view, 2> groups;
    if (!(*regex)->Match(value, groups) || groups[1].empty()) continue;
    return NearMiss{groups[1], value.substr(groups[1].size()),
                    pattern.substr(end)};
  }
  return std::nullopt;
}

std::string HowFar(const RelabelConfig& rule, std::string_view value) {
  const auto near = FindNearMiss(rule.regex, value);
  if (!near) return "";
  if (near->regex.empty()) {
    return fmt::format(": it matches {}, but the value goes on with {}",
                       Shown(near->matched), Shown(near->value));
  }
  if (near->value.empty()) {
    return fmt::format(": the value ends where the regex wants {}",
                       near->regex);
  }
  return fmt::format(": after {} the regex wants {}, and the value has {}",
                     Shown(near->matched), near->regex, Shown(near->value));
}

// Which of the source labels are not there.
std::string Absent(const RelabelConfig& rule, const LabelTexts& before) {
  if (rule.source_labels.empty()) return "; the rule has no source_labels";
  std::vector<std::string_view> absent;
  for (const std::string& name : rule.source_labels) {
    if (Get(before, name).empty()) absent.push_back(name);
  }
  if (absent.empty()) return "";
  return fmt::format("; the target has no label {}", fmt::join(absent, ", "));
}

std::string OfNames(const RelabelConfig& rule, const LabelTexts& before) {
  constexpr std::size_t kNamed = 5;
  const auto regex = Regex::Compile(rule.regex);
  std::vector<std::string_view> names;
  for (const auto& [name, value] : before) {
    if (regex && (*regex)->Matches(name)) names.push_back(name);
  }
  if (names.empty()) {
    return fmt::format("no label's name matches {}", rule.regex);
  }
  const std::size_t shown = std::min(names.size(), kNamed);
  return fmt::format("{} matches {}{}", rule.regex,
                     fmt::join(names.begin(), names.begin() + shown, ", "),
                     names.size() > shown
                         ? fmt::format(" and {} more", names.size() - shown)
                         : "");
}

}  // namespace

std::string Why(const RelabelConfig& rule, const RelabelStep& step,
                const LabelTexts& before) {
  const std::string value = Shown(step.source);
  switch (rule.action) {
    case Action::kLabelMap:
    case Action::kLabelDrop:
    case Action::kLabelKeep:
      return OfNames(rule, before);
    case Action::kHashMod:
      return fmt::format("the hash of {} modulo {}{}", value, rule.modulus,
                         Absent(rule, before));
    case Action::kLowercase:
    case Action::kUppercase:
      return "the value is " + value + Absent(rule, before);
    case Action::kKeepEqual:
    case Action::kDropEqual:
      if (step.matched) {
        return fmt::format("{} is also the value of {}", value,
                           rule.target_label);
      }
      return fmt::format("{} is not {}, the value of {}{}", value,
                         Shown(Get(before, rule.target_label)),
                         rule.target_label, Absent(rule, before));
    case Action::kReplace:
    case Action::kKeep:
    case Action::kDrop:
      break;
  }
  if (step.matched) {
    std::string text = fmt::format("{} matches regex {}", value, rule.regex);
    if (step.source.empty()) text += Absent(rule, before);
    if (rule.action == Action::kReplace && step.changes.empty()) {
      text +=
          "; the label to write has this value already, or its name is "
          "not valid";
    }
    return text;
  }
  return fmt::format("{} does not match regex {}{}{}", value, rule.regex,
                     HowFar(rule, step.source), Absent(rule, before));
}

}  // namespace ta
