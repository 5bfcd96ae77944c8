// inotify on the directories that lead to paths: what is watched, for whom, and
// which paths an event is about. Knows neither time nor threads.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/path_walk.h"

namespace ta {

// What a client wants hints for.
struct WatchedPaths {
  // Paths whose last element may be a pattern (glob.h), no other one.
  std::vector<std::string> patterns;
  std::vector<std::string> files;  // paths as they are

  bool operator==(const WatchedPaths&) const = default;
};

// An event, seen from one client.
struct PathEvent {
  std::uint64_t owner = 0;
  // As given; for a pattern, the path that Glob gives to what it matches. "" if
  // it may be about anything that a pattern matches.
  std::string path;
  // The content is there as its writer wants it: closed, renamed into place.
  bool settled = false;
  // It was written to, and its writer will say when it is done: by closing it.
  bool open = false;
  // The way to the path has changed: Rewalk is due.
  bool way_changed = false;
};

// Confined to one thread.
class DirectoryWatches {
 public:
  // Without `use_inotify` it is as if the kernel had no instance left. Logs why
  // there is none.
  explicit DirectoryWatches(bool use_inotify);
  ~DirectoryWatches();
  DirectoryWatches(const DirectoryWatches&) = delete;
  DirectoryWatches& operator=(const DirectoryWatches&) = delete;

  // Watches `paths` for `owner`, in place of those before.
  void Set(std::uint64_t owner, const WatchedPaths& paths);
  // Walks the owner's paths anew and watches what leads to them now.
  void Rewalk(std::uint64_t owner);
  void Drop(std::uint64_t owner);

  // Does the owner have to be polled, as something can't be watched?
  bool MustPoll(std::uint64_t owner) const;

  // Tells of what has happened. Doesn't wait; fd() is readable when there is
  // something, and -1 without inotify.
  void ReadEvents(const std::function<void(const PathEvent&)>& tell);
  int fd() const { return fd_; }

  std::size_t size() const { return interests_.size(); }  // directories
  std::uint64_t errors() const { return errors_; }        // failures, in sum

 private:
  struct Path {
    std::string path;
    bool pattern = false;   // its last element is one
    std::string directory;  // of a pattern
  };
  struct Owner {
    std::vector<Path> paths;
    std::set<int> watches;
    bool polled = false;
  };
  // Why an owner is interested in a watched directory.
  struct Interest {
    std::uint64_t owner = 0;
    std::size_t path = 0;  // index into Owner::paths
    PathStep::Kind kind = PathStep::Kind::kFile;
    bool pattern = false;  // of what is in the directory, not of one name
    std::string name;
  };
  using Tell = std::function<void(const PathEvent&)>;

  int AddWatch(Owner& owner, const PathStep& step, bool was_polled);
  void Release(std::uint64_t owner, int watch);
  void OnEvent(int watch, std::uint32_t mask, std::string_view name,
               const Tell& tell);

  int fd_ = -1;
  std::uint64_t errors_ = 0;
  std::map<std::uint64_t, Owner> owners_;
  // By watch descriptor; a directory is watched as long as somebody is
  // interested in it.
  std::map<int, std::vector<Interest>> interests_;
};

}  // namespace ta
