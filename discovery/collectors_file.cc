#include "discovery/collectors_file.h"

#include <chrono>
#include <utility>

#include "allocator/config/collectors_file.h"
#include "allocator/members_key.h"
#include "discovery/file_read.h"
#include "discovery/file_timing.h"
#include "hashing/hash.h"

namespace ta {
namespace {

constexpr std::size_t kMaxBytes = 64 << 20;

}  // namespace

CollectorsFile::CollectorsFile(const FileMembers& settings, FileWatch* watch,
                               UpdateSink* sink)
    : source_(MembersKey(settings)),
      path_(settings.path),
      watch_(watch),
      sink_(sink) {}

CollectorsFile::~CollectorsFile() { Stop(); }

void CollectorsFile::Start() {
  const std::lock_guard lock(id_mutex_);
  id_ = watch_->Add(
      [this](const FileWatch::Hints& hints) { return Work(hints); });
}

void CollectorsFile::Stop() {
  FileWatch::Id id = 0;
  {
    const std::lock_guard lock(id_mutex_);
    id = std::exchange(id_, 0);
  }
  if (id != 0) watch_->Remove(id);
}

TimePoint CollectorsFile::Work(const FileWatch::Hints& hints) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (!watched_) {
    watched_ = true;
    FileWatch::Id id = 0;
    {
      const std::lock_guard lock(id_mutex_);
      id = id_;
    }
    watch_->SetPaths(id, {{}, {path_}});
  }
  if (hints.unsettled.contains(path_)) return now + kRetrySoon;
  const auto text = ReadFile(path_, kMaxBytes);
  if (!text) return Failed(path_ + ": " + text.error().message, now);
  const std::uint64_t hash = Hash64(*text);
  if (hash == good_hash_ && problem_.empty()) {
    bad_since_.reset();
    return now + kRefresh;
  }
  const auto collectors = ParseCollectorsFile(path_, *text);
  if (!collectors) {
    return Failed(collectors.error().front().ToString(), now);
  }
  first_look_ = false;
  good_hash_ = hash;
  bad_since_.reset();
  problem_.clear();
  MembersUpdate update;
  update.source = source_;
  update.members.reserve(collectors->size());
  for (const StaticCollector& collector : *collectors) {
    update.members.push_back({collector.name, collector.node});
  }
  sink_->Members(std::move(update));
  return now + kRefresh;
}

TimePoint CollectorsFile::Failed(std::string problem, TimePoint now) {
  if (!bad_since_) bad_since_ = now;
  const bool report = first_look_ || now - *bad_since_ >= kReportAfter;
  first_look_ = false;
  if (!report) return now + kRetrySoon;
  if (problem != problem_) {
    problem_ = problem;
    MembersUpdate update;
    update.source = source_;
    update.complete = false;
    update.problem = std::move(problem);
    sink_->Members(std::move(update));
  }
  return now + kRetryBad;
}

}  // namespace ta
