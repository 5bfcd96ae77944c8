#include "discovery/config_watcher.h"

#include <chrono>
#include <utility>

#include "discovery/file_read.h"
#include "discovery/file_timing.h"
#include "discovery/pattern_files.h"
#include "hashing/hash.h"

namespace ta {
namespace {

constexpr std::size_t kMaxBytes = 256 << 20;

}  // namespace

ConfigWatcher::ConfigWatcher(std::string path, LoadedFiles loaded,
                             FileWatch* watch, Changed changed)
    : path_(std::move(path)), watch_(watch), changed_(std::move(changed)) {
  const std::lock_guard lock(mutex_);
  patterns_ = std::move(loaded.patterns);
  known_ = DigestOf(std::move(loaded.text), loaded.matched);
  id_ = watch_->Add(
      [this](const FileWatch::Hints& hints) { return Work(hints); });
}

ConfigWatcher::~ConfigWatcher() { Stop(); }

void ConfigWatcher::Stop() {
  FileWatch::Id id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = std::exchange(id_, 0);
  }
  if (id != 0) watch_->Remove(id);
}

void ConfigWatcher::Loaded(LoadedFiles loaded) {
  const std::lock_guard lock(mutex_);
  patterns_ = std::move(loaded.patterns);
  known_ = DigestOf(std::move(loaded.text), loaded.matched);
  if (told_ && (!known_.matched || told_->first == known_)) told_.reset();
  ++version_;
  if (id_ != 0) watch_->Nudge(id_);
}

ConfigWatcher::Digest ConfigWatcher::DigestOf(
    const Result<std::string>& text,
    const std::optional<std::map<std::string, std::string>>& matched) {
  Digest digest;
  Hasher hasher;
  hasher.Append(std::uint64_t{text.has_value()})
      .Append(text ? *text : text.error().message);
  digest.text = hasher.Hash64();
  if (matched) {
    hasher.Clear();
    for (const auto& [path, content] : *matched) {
      hasher.Append(path).Append(content);
    }
    digest.matched = hasher.Hash64();
  }
  return digest;
}

TimePoint ConfigWatcher::Work(const FileWatch::Hints& hints) {
  const TimePoint now = std::chrono::steady_clock::now();
  std::vector<std::string> patterns;
  FileWatch::Id id = 0;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    patterns = patterns_;
    id = id_;
    version = version_;
  }
  const auto set_paths = [&](WatchedPaths paths) {
    paths.files.push_back(path_);
    watch_->SetPaths(id, paths);
  };
  if (!std::exchange(watching_, true)) set_paths({});
  const PatternFiles files = WatchPatterns(patterns, watched_, set_paths);
  // A file that is being written is read when it is done.
  if (!hints.unsettled.empty()) return now + kRefresh;

  Result<std::string> text = ReadFile(path_, kMaxBytes);
  if (!text || text->empty()) {
    if (!doubtful_since_) doubtful_since_ = now;
    if (now - *doubtful_since_ < kReportAfter) return now + kRetrySoon;
  } else {
    doubtful_since_.reset();
  }
  std::map<std::string, std::string> matched;
  for (const std::string& path : files.paths) {
    if (auto content = ReadFile(path, kMaxBytes)) {
      matched.emplace(path, *std::move(content));
    }
  }
  const Digest digest = DigestOf(text, matched);
  {
    const std::lock_guard lock(mutex_);
    if (version != version_) return now;  // compared with what is outdated
    if (!known_.matched) known_.matched = digest.matched;
    if (id_ == 0) return now + kRefresh;
    if (digest == known_) return now + kRefresh;
    // Whoever loads sees other files than this does: telling again won't help.
    if (told_ == std::pair(digest, known_)) return now + kRefresh;
    told_ = {digest, known_};
    known_ = digest;
  }
  changed_(std::move(text));
  return now + kRefresh;
}

}  // namespace ta
