// The files of several patterns, and what to watch to notice another answer.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "discovery/file_watch.h"

namespace ta {

struct PatternFiles {
  std::vector<std::string> paths;  // sorted, unique; dangling symlinks too
  // What to watch: beside the patterns, each symlink among the matches, as
  // what it leads to may be in another directory.
  WatchedPaths watch;
  // Directories that exist but can't be read: what they hold is not known.
  // "" if all could be.
  std::string unreadable;
  std::string malformed;  // patterns that are none, "" if all are well-formed

  bool operator==(const PatternFiles&) const = default;
};

// Expands `patterns` (glob.h).
PatternFiles ExpandPatterns(const std::vector<std::string>& patterns);

// The same, with everything in `watch` being watched by `set_paths`, which is
// called if it differs from `watched`, before the answer is taken: no later
// change of the answer goes without a hint.
PatternFiles WatchPatterns(
    const std::vector<std::string>& patterns, WatchedPaths& watched,
    const std::function<void(const WatchedPaths&)>& set_paths);

}  // namespace ta
