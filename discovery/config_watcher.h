// Tells when the configuration is another one: the configuration file, or one
// of the files that its scrape_config_files name. Decided by content, so a
// touched file is no change, and a ConfigMap whose symlink was swapped is one.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "discovery/file_watch.h"

namespace ta {

// What a configuration was loaded from.
struct LoadedFiles {
  std::string text;                   // of the configuration file
  std::vector<std::string> patterns;  // scrape_config_files, resolved
  // What the patterns matched, path to text; a file that could not be read is
  // left out. Not known: the files count as loaded as they are when they are
  // first looked at.
  std::optional<std::map<std::string, std::string>> matched;
};

// Thread-safe. Reads on the thread of its FileWatch.
class ConfigWatcher {
 public:
  // The new text of the configuration file, or why it can't be read. Called on
  // the watch's thread, once for each different content; must not block for
  // long nor stop the watcher. A file that is missing or empty is told of only
  // after it was so for half a second.
  using Changed = std::function<void(Result<std::string> text)>;

  // `watch` outlives this. Starts at once; `loaded` is what the caller has, so
  // that a change since then is told of, too.
  ConfigWatcher(std::string path, LoadedFiles loaded, FileWatch* watch,
                Changed changed);
  ~ConfigWatcher();  // stops
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

  // Something was loaded, on whatever occasion (SIGHUP, POST /-/reload): the
  // files are compared with this from now on.
  void Loaded(LoadedFiles loaded);

  // `changed` is not called after this. Idempotent. REQUIRES: not called by
  // `changed`
  void Stop();

 private:
  // The content of all files, as two hashes.
  struct Digest {
    std::uint64_t text = 0;
    std::optional<std::uint64_t> matched;
    bool operator==(const Digest&) const = default;
  };
  static Digest DigestOf(
      const Result<std::string>& text,
      const std::optional<std::map<std::string, std::string>>& matched);
  TimePoint Work(const FileWatch::Hints& hints);

  const std::string path_;
  FileWatch* const watch_;
  const Changed changed_;

  std::mutex mutex_;  // guards what follows, up to the blank line
  FileWatch::Id id_ = 0;
  std::vector<std::string> patterns_;
  Digest known_;               // told of, or loaded
  std::uint64_t version_ = 0;  // of patterns_ and known_
  // What was told of last and what was known then, until that is loaded.
  std::optional<std::pair<Digest, Digest>> told_;

  // Confined to the watch's thread.
  bool watching_ = false;
  WatchedPaths watched_;                     // of the patterns
  std::optional<TimePoint> doubtful_since_;  // missing or empty
};

}  // namespace ta
