#include "discovery/file.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "allocator/base/log.h"
#include "discovery/file_read.h"
#include "discovery/file_timing.h"
#include "discovery/pattern_files.h"

namespace ta {
namespace {

constexpr Duration kMinRefreshInterval = std::chrono::seconds(1);
constexpr std::size_t kMaxProblems = 5;  // told one by one
constexpr Duration kRecent = std::chrono::minutes(10);

}  // namespace

FileDiscoveryCounters::Values FileDiscoveryCounters::values(
    TimePoint now) const {
  const std::lock_guard lock(mutex_);
  Values values = values_;
  for (const auto& [at, seconds] : recent_scans_) {
    if (now - at <= kRecent) values.recent_scan_seconds.push_back(seconds);
  }
  for (const auto& [owner, files] : modified_seconds_) {
    for (const auto& [path, seconds] : files) {
      double& latest = values.modified_seconds[path];
      latest = std::max(latest, seconds);
    }
  }
  return values;
}

void FileDiscoveryCounters::CountScan(double seconds, TimePoint now) {
  const std::lock_guard lock(mutex_);
  recent_scans_.emplace_back(now, seconds);
  if (recent_scans_.size() > kRecentScans) recent_scans_.pop_front();
  ++values_.scans;
  values_.scan_seconds += seconds;
}

void FileDiscoveryCounters::CountReadError() {
  const std::lock_guard lock(mutex_);
  ++values_.read_errors;
}

void FileDiscoveryCounters::SetModified(const void* owner,
                                        const std::string& path,
                                        double seconds) {
  const std::lock_guard lock(mutex_);
  modified_seconds_[owner][path] = seconds;
}

void FileDiscoveryCounters::Forget(const void* owner, const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto it = modified_seconds_.find(owner);
  if (it != modified_seconds_.end()) it->second.erase(path);
}

void FileDiscoveryCounters::ForgetAll(const void* owner) {
  const std::lock_guard lock(mutex_);
  modified_seconds_.erase(owner);
}

FileDiscoverer::FileDiscoverer(std::string key, FileDiscovery settings,
                               FileWatch* watch, UpdateSink* sink,
                               FileDiscoveryCounters* counters)
    : key_(std::move(key)),
      settings_(std::move(settings)),
      watch_(watch),
      sink_(sink),
      counters_(counters) {}

FileDiscoverer::~FileDiscoverer() { Stop(); }

void FileDiscoverer::Start() {
  const std::lock_guard lock(id_mutex_);
  if (stopping_) return;
  id_ = watch_->Add([this](const Hints& hints) { return Work(hints); });
}

void FileDiscoverer::Stop() {
  stopping_ = true;
  if (const FileWatch::Id started = id(); started != 0) {
    watch_->Remove(started);
  }
  counters_->ForgetAll(this);
}

FileWatch::Id FileDiscoverer::id() const {
  const std::lock_guard lock(id_mutex_);
  return id_;
}

TimePoint FileDiscoverer::Work(const Hints& hints) {
  const TimePoint start = std::chrono::steady_clock::now();
  const bool refresh = start >= refresh_at_;
  if (refresh) {
    refresh_at_ = start + std::max<Duration>(settings_.refresh_interval,
                                             kMinRefreshInterval);
  }
  if (refresh || hints.everything) {
    Scan(hints, refresh ? Look::kAlways : Look::kIfStampChanged);
  } else {
    for (const std::string& path : hints.paths) {
      LookAtPath(path, Look::kAlways);
    }
  }
  // A look may have brought nothing new to a file that is still bad.
  for (auto& [path, file] : files_) {
    if (file.retry_at > start) continue;
    if (hints.unsettled.contains(path)) {
      file.retry_at = start + kRetrySoon;
    } else {
      LookAtFile(file, Look::kIfStampChanged);
    }
  }
  first_look_ = false;
  if (stopping_) return TimePoint::max();
  SendIfChanged();
  const TimePoint end = std::chrono::steady_clock::now();
  counters_->CountScan(std::chrono::duration<double>(end - start).count(), end);
  TimePoint next = refresh_at_;
  for (const auto& [path, file] : files_) next = std::min(next, file.retry_at);
  return next;
}

void FileDiscoverer::Scan(const Hints& hints, Look look) {
  const std::vector<std::string> found = FindFiles();
  // A directory that can't be read says nothing of the files in it.
  if (unreadable_.empty()) {
    const std::set<std::string> there(found.begin(), found.end());
    std::vector<std::string> gone;
    for (const auto& [path, file] : files_) {
      if (!there.contains(path) && !hints.unsettled.contains(path)) {
        gone.push_back(path);
      }
    }
    for (const std::string& path : gone) Forget(path);
  }
  for (const std::string& path : found) {
    if (hints.unsettled.contains(path)) continue;
    const auto it = files_.try_emplace(path, path, &stopping_).first;
    LookAtFile(it->second, hints.paths.contains(path) ? Look::kAlways : look);
    if (stopping_) return;
  }
}

std::vector<std::string> FileDiscoverer::FindFiles() {
  PatternFiles files = WatchPatterns(
      settings_.files, watched_,
      [this](const WatchedPaths& paths) { watch_->SetPaths(id(), paths); });
  if (files.unreadable != unreadable_ && !files.unreadable.empty()) {
    Log(Level::kWarn, "directory can't be read, its files stay as they were",
        {{"err", files.unreadable}});
  }
  if (files.malformed != malformed_ && !files.malformed.empty()) {
    Log(Level::kError, "pattern matches nothing", {{"err", files.malformed}});
  }
  unreadable_ = std::move(files.unreadable);
  malformed_ = std::move(files.malformed);
  return std::move(files.paths);
}

void FileDiscoverer::LookAtPath(const std::string& path, Look look) {
  if (!IsThere(path)) {
    Forget(path);
    return;
  }
  // What a symlink leads to has to be watched, too.
  if (IsSymlink(path) && !std::ranges::binary_search(watched_.files, path)) {
    FindFiles();
  }
  const auto it = files_.try_emplace(path, path, &stopping_).first;
  LookAtFile(it->second, look);
}

void FileDiscoverer::LookAtFile(File& file, Look look) {
  const TimePoint now = std::chrono::steady_clock::now();
  const bool patient =
      !first_look_ && !(file.bad && now - file.bad_since >= kReportAfter);
  StageRun run(&counters_->reading());
  const std::size_t before = groups_.size();
  const auto outcome =
      file.content.Update(look,
                          patient ? TargetFile::Trust::kMayBeHalfWritten
                                  : TargetFile::Trust::kAsItIs,
                          groups_);
  if (file.content.was_read()) run.Ended(groups_.size() - before);
  if (!file.content.error().empty()) {
    if (outcome == TargetFile::Outcome::kFailed) counters_->CountReadError();
    if (!stopping_) Failed(file, now);
    return;
  }
  if (file.reported) {
    Log(Level::kInfo, "file is good again", {{"file", file.content.path()}});
  }
  file.bad = file.reported = false;
  file.retry_at = TimePoint::max();
  counters_->SetModified(this, file.content.path(),
                         file.content.modified_seconds());
}

void FileDiscoverer::Failed(File& file, TimePoint now) {
  if (!file.bad) {
    file.bad = true;
    file.bad_since = now;
  }
  if (!file.reported && (first_look_ || now - file.bad_since >= kReportAfter)) {
    file.reported = true;
    Log(Level::kWarn,
        file.content.has_content() ? "file kept its last good content"
                                   : "file can't be used",
        {{"file", file.content.path()}, {"err", file.content.error()}});
  }
  file.retry_at = now + (file.reported ? kRetryBad : kRetrySoon);
}

void FileDiscoverer::Forget(const std::string& path) {
  const auto it = files_.find(path);
  if (it == files_.end()) return;
  it->second.content.Remove(groups_);
  files_.erase(it);
  counters_->Forget(this, path);
}

bool FileDiscoverer::HasFirstAnswer() const {
  return unreadable_.empty() &&
         std::ranges::all_of(files_, [](const auto& entry) {
           return entry.second.content.has_content();
         });
}

bool FileDiscoverer::HasContent() const {
  return std::ranges::any_of(files_, [](const auto& entry) {
    return entry.second.content.has_content();
  });
}

std::string FileDiscoverer::Problem() const {
  std::string problem = malformed_;
  if (!problem.empty() && !unreadable_.empty()) problem += "; ";
  problem += unreadable_;
  std::size_t told = 0, untold = 0;
  for (const auto& [path, file] : files_) {
    if (!file.reported) continue;
    if (told == kMaxProblems) {
      ++untold;
      continue;
    }
    ++told;
    problem += problem.empty() ? "" : "; ";
    problem += path + ": " + file.content.error();
  }
  if (untold > 0) problem += "; and " + std::to_string(untold) + " more files";
  return problem;
}

void FileDiscoverer::SendIfChanged() {
  std::string problem = Problem();
  const bool synced = synced_ || HasFirstAnswer();
  const bool partial = !synced && HasContent();
  if (sent_ && groups_.empty() && synced == synced_ && partial == partial_ &&
      problem == problem_) {
    return;
  }
  sent_ = true;
  synced_ = synced;
  partial_ = partial;
  problem_ = problem;
  DiscoveryUpdate update;
  update.discoverer = key_;
  update.groups = std::exchange(groups_, {});
  update.synced = synced;
  update.partial = partial;
  update.problem = std::move(problem);
  sink_->Discovered(std::move(update));
}

}  // namespace ta
