#include "discovery/pattern_files.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "discovery/file_read.h"
#include "discovery/glob.h"

namespace ta {
namespace {

// Directories that change faster than this are told of by their events.
constexpr int kMaxAttempts = 3;

void AppendReason(std::string& reasons, std::string_view reason) {
  if (!reasons.empty()) reasons += "; ";
  reasons += reason;
}

void SortUnique(std::vector<std::string>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

}  // namespace

PatternFiles ExpandPatterns(const std::vector<std::string>& patterns) {
  PatternFiles files;
  for (const std::string& pattern : patterns) {
    auto match = Glob(pattern);
    if (!match) {
      AppendReason(files.malformed, match.error().message);
      continue;
    }
    for (const std::string& reason : match->unreadable) {
      AppendReason(files.unreadable, reason);
    }
    std::ranges::move(match->watch, std::back_inserter(files.watch.patterns));
    for (std::string& path : match->paths) {
      if (IsSymlink(path)) files.watch.files.push_back(path);
      files.paths.push_back(std::move(path));
    }
  }
  SortUnique(files.paths);
  SortUnique(files.watch.patterns);
  SortUnique(files.watch.files);
  return files;
}

PatternFiles WatchPatterns(
    const std::vector<std::string>& patterns, WatchedPaths& watched,
    const std::function<void(const WatchedPaths&)>& set_paths) {
  PatternFiles files = ExpandPatterns(patterns);
  for (int i = 1; i < kMaxAttempts && files.watch != watched; ++i) {
    watched = files.watch;
    set_paths(watched);
    files = ExpandPatterns(patterns);
  }
  return files;
}

}  // namespace ta
