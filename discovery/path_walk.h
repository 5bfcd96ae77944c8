// The way from a path to the file it means, and what on that way can change:
// the directory that holds the file, each symlink with the directory it leads
// to, the nearest directory of one that does not exist yet.
//
// A ConfigMap needs all of it. /conf/a.yaml is a symlink to ..data/a.yaml,
// /conf/..data one to ..2026_01_02, and an update makes another folder and
// renames a new `..data` over the old; nothing happens to a.yaml at all.

#pragma once

#include <functional>
#include <string>

namespace ta {

// One thing to watch.
struct PathStep {
  enum class Kind {
    kFile,  // `name` in `directory` is the file, or a symlink to it
    kLink,  // `name` is on the way: a symlink to a directory, or missing
    kSelf,  // `directory` itself, a plain one, may be moved or deleted
  };
  Kind kind = Kind::kFile;
  std::string directory;
  std::string name;  // may be a pattern, in the last step of one; "" for kSelf
};

// Calls `visit` for each step in the order in which the kernel would walk.
// `visit` has to watch the directory before it returns; only then is the next
// step looked at, so that no change between the two is missed. It returns
// whether it found the directory.
//
// The last element of `path` is taken as a pattern if `last_is_pattern`.
// Follows at most 40 symlinks, as the kernel does. Blocks as the file system
// does.
void WalkPath(const std::string& path, bool last_is_pattern,
              const std::function<bool(const PathStep&)>& visit);

}  // namespace ta
