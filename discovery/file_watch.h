// One thread for everything that waits on files: it watches directories with
// inotify and runs the work of its clients, which read files and send what they
// found.
//
// Directories are watched, never files: a file that is replaced by a rename is
// another file, and a ConfigMap's never changes at all (path_walk.h). Events
// are hints: a client looks at the content and decides by its hash, so that a
// hint too many costs a read and a hint too few costs until the next refresh.
// Where the kernel's inotify instances or watches run out, or a directory may
// not be watched, the client is told to look again each `poll_interval`.
//
// Reading happens on this thread too, so that a client needs no locks; a slow
// file system delays the other clients and nothing else.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "discovery/directory_watches.h"

namespace ta {

// Thread-safe, unless a function says otherwise.
class FileWatch {
 public:
  struct Options {
    bool use_inotify = true;  // false: as if the kernel had no instance left
    Duration poll_interval = std::chrono::seconds(5);
    // A deleted file counts as gone once nothing has happened to it for
    // `settle`, as some delete a file to write it anew, and a new one as there;
    // but no later than `max_settle` after the first event.
    Duration settle = std::chrono::milliseconds(100);
    Duration max_settle = std::chrono::seconds(2);
    // A file that was written to and not closed counts as written once nothing
    // has happened to it for `open_settle`: its writer pauses between chunks,
    // and half a list in YAML is a list. No later than `max_open_settle`.
    Duration open_settle = std::chrono::seconds(3);
    Duration max_open_settle = std::chrono::seconds(10);
  };

  // What may have changed since the client's last call.
  struct Hints {
    // Anything: look at all files again. The first call has it.
    bool everything = false;
    // These paths, as given to SetPaths; for a pattern, the path that Glob
    // gives to what it matches. Closed by their writer, renamed, or settled.
    std::set<std::string> paths;
    // These are just being written, or were deleted a moment ago, and must not
    // be looked at: a hint in `paths` follows.
    std::set<std::string> unsettled;
  };

  // A client's work, run on the watch's thread: at once when it is added, after
  // hints, and at the time that it returns, TimePoint::max() for hints only.
  using Work = std::function<TimePoint(const Hints& hints)>;
  using Id = std::uint64_t;

  // Counts for metrics.
  struct Stats {
    std::uint64_t watched_directories = 0;
    std::uint64_t polled_clients = 0;  // for which inotify doesn't suffice
    std::uint64_t errors = 0;          // failures to watch, since the start
  };

  explicit FileWatch(Options options);
  FileWatch();
  ~FileWatch();  // stops
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Runs `work` from now on.
  Id Add(Work work);
  // Has `work` run soon, with `everything`; for a reload that can't wait.
  void Nudge(Id id);
  // After it returns the client's work runs no more. Waits for work in
  // progress. REQUIRES: not called on the watch's thread
  void Remove(Id id);

  // Replaces what `id` wants hints for. Watches are in place when it returns:
  // what is read afterwards can't be outdated without a hint.
  // REQUIRES: called by the client's own work
  void SetPaths(Id id, const WatchedPaths& paths);

  // Ends the thread after the work in progress. No work runs afterwards.
  // REQUIRES: not called on the watch's thread. Idempotent.
  void Stop();

  Stats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ta
