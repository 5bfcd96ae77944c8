#include "discovery/glob.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "allocator/base/utf8.h"

namespace ta {
namespace {

// One step of a pattern other than `*`.
struct Step {
  enum class Kind { kByte, kAny, kClass } kind = Kind::kByte;
  char byte = 0;
  bool negated = false;
  std::vector<std::pair<char32_t, char32_t>> ranges;  // both ends included
};

// One character of a class, escaped or not. Nothing if it is malformed.
std::optional<char32_t> TakeClassCharacter(std::string_view& rest) {
  if (rest.empty() || rest[0] == '-' || rest[0] == ']') return std::nullopt;
  if (rest[0] == '\\') {
    rest.remove_prefix(1);
    if (rest.empty()) return std::nullopt;
  }
  const std::size_t length = Utf8Length(rest);
  if (length == 0) return std::nullopt;
  const char32_t character = TakeCharacter(rest);
  if (rest.empty()) return std::nullopt;  // no `]`
  return character;
}

// Takes one step off `rest`. Nothing if it is malformed.
std::optional<Step> TakeStep(std::string_view& rest) {
  Step step;
  const char first = rest[0];
  rest.remove_prefix(1);
  if (first == '?') {
    step.kind = Step::Kind::kAny;
    return step;
  }
  if (first == '[') {
    step.kind = Step::Kind::kClass;
    if (!rest.empty() && rest[0] == '^') {
      step.negated = true;
      rest.remove_prefix(1);
    }
    while (rest.empty() || rest[0] != ']' || step.ranges.empty()) {
      const auto low = TakeClassCharacter(rest);
      if (!low) return std::nullopt;
      auto high = low;
      if (rest[0] == '-') {
        rest.remove_prefix(1);
        high = TakeClassCharacter(rest);
        if (!high) return std::nullopt;
      }
      step.ranges.emplace_back(*low, *high);
    }
    rest.remove_prefix(1);
    return step;
  }
  step.byte = first;
  if (first == '\\') {
    if (rest.empty()) return std::nullopt;
    step.byte = rest[0];
    rest.remove_prefix(1);
  }
  return step;
}

// A pattern between two stars.
using Steps = std::vector<Step>;

// The pattern split at its stars: "a*b" is {a}, {b}. Nothing if malformed.
std::optional<std::vector<Steps>> Parse(std::string_view pattern) {
  std::vector<Steps> parts(1);
  while (!pattern.empty()) {
    if (pattern[0] == '*') {
      parts.emplace_back();
      pattern.remove_prefix(1);
      continue;
    }
    auto step = TakeStep(pattern);
    if (!step) return std::nullopt;
    parts.back().push_back(std::move(*step));
  }
  return parts;
}

// Matches `steps` at the start of `name`; what is left of it, or nothing.
std::optional<std::string_view> MatchHere(const Steps& steps,
                                          std::string_view name) {
  for (const Step& step : steps) {
    if (name.empty()) return std::nullopt;
    if (step.kind == Step::Kind::kByte) {
      if (name[0] != step.byte) return std::nullopt;
      name.remove_prefix(1);
      continue;
    }
    if (name[0] == '/' && step.kind == Step::Kind::kAny) return std::nullopt;
    const char32_t character = TakeCharacter(name);
    if (step.kind == Step::Kind::kAny) continue;
    const bool in = std::ranges::any_of(step.ranges, [&](const auto& range) {
      return range.first <= character && character <= range.second;
    });
    if (in == step.negated) return std::nullopt;
  }
  return name;
}

bool Matches(const std::vector<Steps>& parts, std::string_view name) {
  auto rest = MatchHere(parts.front(), name);
  if (!rest) return false;
  if (parts.size() == 1) return rest->empty();
  // The first place where a part fits is the best one, but for the last part,
  // which has to end where the name does.
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    std::string_view from = *rest;
    for (;; from.remove_prefix(1)) {
      const auto after = MatchHere(parts[i], from);
      if (after && (!last || after->empty())) {
        rest = after;
        break;
      }
      // `*` at the end takes all that is left.
      if (last && parts[i].empty()) {
        return from.find('/') == std::string_view::npos;
      }
      if (from.empty() || from[0] == '/') return false;
    }
  }
  return true;
}

std::string ReasonOf(int error) {
  return std::error_code(error, std::generic_category()).message();
}

// A directory that is not there is empty; one that can't be read is unknown.
bool MeansAbsent(int error) { return error == ENOENT || error == ENOTDIR; }

// Adds what `pattern`, one path element, matches in `directory`.
void MatchIn(const std::string& directory, const std::string& pattern,
             GlobMatch& match) {
  // A FIFO or the like must not be opened.
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) {
    if (!MeansAbsent(errno)) {
      match.unreadable.push_back(directory + ": " + ReasonOf(errno));
    }
    return;
  }
  if (!S_ISDIR(status.st_mode)) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(
      ::opendir(directory.c_str()), ::closedir);
  if (entries == nullptr) {
    if (!MeansAbsent(errno)) {
      match.unreadable.push_back(directory + ": " + ReasonOf(errno));
    }
    return;
  }
  std::vector<std::string> names;
  const auto parts = Parse(pattern);  // checked by the caller
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (Matches(*parts, name)) names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) {
    match.unreadable.push_back(directory + ": " + ReasonOf(errno));
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    match.paths.push_back(
        (std::filesystem::path(directory) / name).lexically_normal().string());
  }
}

}  // namespace

bool HasGlob(std::string_view text) {
  return text.find_first_of("*?[\\") != std::string_view::npos;
}

Result<void> CheckGlob(std::string_view pattern) {
  if (!Parse(pattern)) {
    return Reject("malformed pattern " + std::string(pattern));
  }
  return {};
}

bool GlobMatches(std::string_view pattern, std::string_view name) {
  const auto parts = Parse(pattern);
  return parts && Matches(*parts, name);
}

Result<GlobMatch> Glob(const std::string& pattern) {
  if (auto checked = CheckGlob(pattern); !checked) {
    return std::unexpected(checked.error());
  }
  GlobMatch match;
  if (!HasGlob(pattern)) {
    match.watch.push_back(pattern);
    struct stat status{};
    if (::lstat(pattern.c_str(), &status) == 0) {
      match.paths.push_back(pattern);
    } else if (!MeansAbsent(errno)) {
      match.unreadable.push_back(pattern + ": " + ReasonOf(errno));
    }
    return match;
  }
  const std::size_t slash = pattern.rfind('/');
  const std::string file =
      slash == std::string::npos ? pattern : pattern.substr(slash + 1);
  std::string directory = ".";
  if (slash == 0) directory = "/";
  if (slash != std::string::npos && slash > 0) {
    directory = pattern.substr(0, slash);
  }
  std::vector<std::string> directories = {directory};
  if (HasGlob(directory)) {
    auto above = Glob(directory);
    if (!above) return above;
    directories = std::move(above->paths);
    match.unreadable = std::move(above->unreadable);
    match.watch = std::move(above->watch);
  }
  for (const std::string& each : directories) {
    match.watch.push_back(each == "/" ? "/" + file : each + "/" + file);
    MatchIn(each, file, match);
  }
  return match;
}

}  // namespace ta
