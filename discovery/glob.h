// Path patterns as Go's path/filepath has them, because that is what
// Prometheus's file discovery means: `*`, `?`, `[a-z]`, `[^a-z]`, and `\`
// before a literal. Unlike glob(3), `*` also matches names that begin with a
// dot (as the hidden files of a ConfigMap do), and a class is negated by `^`
// only.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

// Does `text` hold anything but literal characters?
bool HasGlob(std::string_view text);

// An error if `pattern` is malformed: `[a`, `[]`, a `\` at its end.
Result<void> CheckGlob(std::string_view pattern);

// Does `pattern` match all of `name`? Neither `*` nor `?` matches a slash. A
// malformed pattern matches nothing. Linear in name × pattern.
bool GlobMatches(std::string_view pattern, std::string_view name);

// What a pattern matches now.
struct GlobMatch {
  // In the order of Go's filepath.Glob: sorted within each directory. A path
  // without meta characters stands for itself, as written, if there is anything
  // at it (a dangling symlink too).
  std::vector<std::string> paths;
  // Directories that exist but can't be read, "path: reason": the paths under
  // them are not known, which is not the same as gone.
  std::vector<std::string> unreadable;
  // What to watch to notice that the answer changed: patterns whose
  // directories hold no meta characters; for FileWatch::SetPaths.
  std::vector<std::string> watch;
};

// Reads the directories that `pattern` names. Blocks as the file system does.
Result<GlobMatch> Glob(const std::string& pattern);

}  // namespace ta
