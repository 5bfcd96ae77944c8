// File discovery, as Prometheus 3's discovery/file: files of target groups in
// JSON or YAML, named by patterns, seen to change by inotify and read again
// each refresh_interval.
//
// A group's source is `<path>:<index>`, and `__meta_filepath` is its path. Only
// groups that changed are sent. A file that is gone takes its groups with it;
// one that can't be read or parsed keeps its last good content, and the problem
// shows.
//
// Beyond Prometheus: what may be a file in the middle of being written (it
// doesn't parse, it is empty, it was deleted a moment ago) is looked at again
// for half a second before it counts; a pattern whose directory can't be read
// keeps the files that it had.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/stage_stats.h"
#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/file_watch.h"
#include "discovery/target_file.h"

namespace ta {

// What all file discoverers did, for metrics. Thread-safe.
class FileDiscoveryCounters {
 public:
  struct Values {
    std::uint64_t read_errors = 0;
    std::uint64_t scans = 0;
    double scan_seconds = 0;  // in sum
    // How long each of the latest ones took: those of the last ten minutes, at
    // most kRecentScans.
    std::vector<double> recent_scan_seconds;
    // By path, of the last good content; seconds since 1970. Of the files of
    // running discoverers.
    std::map<std::string, double> modified_seconds;
  };
  static constexpr std::size_t kRecentScans = 1000;
  // What was seen `now`.
  Values values(TimePoint now = std::chrono::steady_clock::now()) const;

  // Of looks at a file that read it. Items: groups that differed.
  StageStats& reading() { return reading_; }
  const StageStats& reading() const { return reading_; }

  void CountScan(double seconds, TimePoint now);
  void CountReadError();
  // `owner` is the discoverer: others may read the same file.
  void SetModified(const void* owner, const std::string& path, double seconds);
  void Forget(const void* owner, const std::string& path);
  void ForgetAll(const void* owner);

 private:
  StageStats reading_;
  mutable std::mutex mutex_;  // guards what follows
  Values values_;             // without what is below
  std::deque<std::pair<TimePoint, double>> recent_scans_;
  std::map<const void*, std::map<std::string, double>> modified_seconds_;
};

// Runs on the thread of its FileWatch. First answer: the patterns were
// expanded, and each file was read with success; no match is a success. A file
// that never was good leaves the discoverer unsynced, with the other files'
// groups sent as a partial answer.
class FileDiscoverer final : public Discoverer {
 public:
  // `watch`, `sink` and `counters` outlive this.
  FileDiscoverer(std::string key, FileDiscovery settings, FileWatch* watch,
                 UpdateSink* sink, FileDiscoveryCounters* counters);
  ~FileDiscoverer() override;

  void Start() override;
  void Stop() override;

 private:
  struct File {
    File(const std::string& path, const std::atomic<bool>* stopping)
        : content(path, stopping) {}
    TargetFile content;
    bool bad = false;       // the last look failed
    bool reported = false;  // ... and that is in the log and in the problem
    TimePoint bad_since;
    TimePoint retry_at = TimePoint::max();
  };
  using Look = TargetFile::Look;
  using Hints = FileWatch::Hints;

  FileWatch::Id id() const;
  TimePoint Work(const Hints& hints);
  // Expands the patterns and looks at each file.
  void Scan(const Hints& hints, Look look);
  // What the patterns match, watched.
  std::vector<std::string> FindFiles();
  void LookAtPath(const std::string& path, Look look);
  void LookAtFile(File& file, Look look);
  void Forget(const std::string& path);
  void Failed(File& file, TimePoint now);
  void SendIfChanged();
  std::string Problem() const;
  bool HasFirstAnswer() const;
  bool HasContent() const;  // of some file

  const std::string key_;
  const FileDiscovery settings_;
  FileWatch* const watch_;
  UpdateSink* const sink_;
  FileDiscoveryCounters* const counters_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex id_mutex_;
  FileWatch::Id id_ = 0;  // guarded by id_mutex_; 0 if not started

  // Confined to the watch's thread.
  std::map<std::string, File> files_;  // by path
  WatchedPaths watched_;               // as given to SetPaths
  std::string unreadable_;             // directories, "" if none
  std::string malformed_;              // patterns, "" if none
  std::vector<TargetGroup> groups_;    // to be sent
  bool first_look_ = true;
  bool sent_ = false;
  // As sent.
  bool synced_ = false;
  bool partial_ = false;
  std::string problem_;
  TimePoint refresh_at_;
};

}  // namespace ta
