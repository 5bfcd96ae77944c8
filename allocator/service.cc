#include "allocator/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ta {
namespace {

double UnixNow() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Service::Service(SnapshotHolder& snapshots, const Clock& clock,
                 Callbacks callbacks)
    : snapshots_(snapshots),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      stages_(clock),
      allocator_(&stages_) {}

Service::~Service() { Stop(); }

void Service::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Service::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  applied_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Service::Configure(std::shared_ptr<const Config> config,
                        ReloadStatus status) {
  Add(metrics_.config_events);
  Push([&](AllocatorInput& input) {
    coalesce_interval_ = config->coalesce_interval;
    input.config = std::move(config);
    input.reload = std::move(status);
  });
}

void Service::ReloadFailed(ReloadStatus status) {
  Add(metrics_.config_events);
  Push([&](AllocatorInput& input) { input.reload = std::move(status); });
}

void Service::Remember(std::vector<std::string> members) {
  Push([&](AllocatorInput& input) {
    input.remembered_members = std::move(members);
  });
}

void Service::Polled(Poll poll) {
  Add(metrics_.polls);
  {
    const std::lock_guard lock(mutex_);
    queue_.input.polls.push_back(std::move(poll));
    ++pushed_;
    if (queue_.input.polls.size() > 1) return;  // somebody is awake already
  }
  wake_.notify_one();
}

void Service::Discovered(DiscoveryUpdate update) {
  Add(metrics_.group_updates, update.groups.size());
  Push([&](AllocatorInput& input) {
    if (clock_.Now() < next_events_) Add(metrics_.delayed_updates);
    input.discovery.push_back(std::move(update));
  });
}

void Service::Members(MembersUpdate update) {
  Add(metrics_.member_updates);
  Push([&](AllocatorInput& input) {
    input.members.push_back(std::move(update));
  });
}

void Service::Flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = pushed_;
  applied_.wait(lock, [&] { return done_ >= target || stopping_; });
}

void Service::Push(const std::function<void(AllocatorInput&)>& add) {
  {
    const std::lock_guard lock(mutex_);
    add(queue_.input);
    ++pushed_;
    queue_.arrivals.push_back(clock_.Now());
    if (metrics_.waiting_events.fetch_add(1) == 0) {
      metrics_.waiting_since = queue_.arrivals.front();
    }
  }
  wake_.notify_one();
}

TimePoint Service::Due(TimePoint now) const {
  TimePoint due = std::min(look_again_, deadline_.value_or(TimePoint::max()));
  if (!queue_.arrivals.empty())
    due = std::min(due, std::max(now, next_events_));
  if (!queue_.input.polls.empty()) {
    due = std::min(due, std::max(now, next_polls_));
  }
  return due;
}

void Service::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const TimePoint now = clock_.Now();
    const TimePoint due = Due(now);
    if (due > now) {
      if (due == TimePoint::max()) {
        wake_.wait(lock);
      } else {
        wake_.wait_for(lock, due - now);
      }
      continue;
    }
    if (now >= look_again_) {
      look_again_ = TimePoint::max();
      lock.unlock();
      LookAgain();
      lock.lock();
      continue;
    }
    Queue batch = std::exchange(queue_, Queue());
    const std::uint64_t taken = pushed_;
    lock.unlock();
    Apply(std::move(batch));
    lock.lock();
    done_ = taken;
    applied_.notify_all();
  }
}

void Service::LookAgain() {
  const TimePoint again =
      callbacks_.on_snapshot(*snapshots_.Get(), clock_.Now());
  const std::lock_guard lock(mutex_);
  look_again_ = again;
}

void Service::NoteJobs(const Config& config) {
  std::set<std::string> names;
  jobs_of_.clear();
  for (const auto& job : config.jobs) {
    names.insert(job->job_name);
    for (const DiscoveryConfig& discovery : job->discoveries) {
      jobs_of_[discovery.key].push_back(job->job_name);
    }
  }
  metrics_.job_updates.Keep(names);
}

void Service::Apply(Queue batch) {
  const TimePoint begin = clock_.Now();
  const std::shared_ptr<const Config> config = batch.input.config;
  const bool has_targets = !batch.input.discovery.empty();
  if (config != nullptr) NoteJobs(*config);
  std::vector<std::string> jobs;
  for (const DiscoveryUpdate& update : batch.input.discovery) {
    const auto found = jobs_of_.find(update.discoverer);
    if (found == jobs_of_.end()) continue;
    jobs.insert(jobs.end(), found->second.begin(), found->second.end());
  }
  AllocatorOutput output = allocator_.Apply(std::move(batch.input), begin);
  (has_targets ? metrics_.apply_targets : metrics_.apply_members)
      .Record(clock_.Now() - begin);
  std::ranges::sort(jobs);
  jobs.erase(std::ranges::unique(jobs).begin(), jobs.end());
  stages_.RecordTo(metrics_);
  metrics_.job_updates.Record(jobs, clock_.Now() - begin, UnixNow());
  std::optional<TimePoint> look_again;
  if (output.snapshot != nullptr) snapshots_.Set(output.snapshot);
  NoteServed(batch.arrivals, clock_.Now());
  if (output.snapshot != nullptr && callbacks_.on_snapshot) {
    look_again = callbacks_.on_snapshot(*output.snapshot, clock_.Now());
  }
  if (config != nullptr && callbacks_.on_config) callbacks_.on_config(*config);
  if (output.discoverers_in_use && callbacks_.on_discoverers_in_use) {
    callbacks_.on_discoverers_in_use(*output.discoverers_in_use);
  }
  const std::lock_guard lock(mutex_);
  deadline_ = output.deadline;
  if (look_again) look_again_ = *look_again;
  if (!batch.arrivals.empty()) next_events_ = begin + coalesce_interval_;
  next_polls_ = begin + coalesce_interval_;
}

void Service::NoteServed(const std::vector<TimePoint>& arrivals,
                         TimePoint now) {
  for (const TimePoint arrival : arrivals) {
    metrics_.event_wait.Record(now - arrival);
  }
  if (arrivals.size() > 1) {
    Add(metrics_.coalesced_events, arrivals.size() - 1);
  }
  const std::lock_guard lock(mutex_);
  metrics_.waiting_events = queue_.arrivals.size();
  metrics_.waiting_since =
      queue_.arrivals.empty() ? TimePoint::max() : queue_.arrivals.front();
}

void Service::Stages::Ran(Stage stage, std::uint64_t items) {
  const TimePoint now = clock_.Now();
  Sum& sum = sums_[static_cast<std::size_t>(stage)];
  sum.ran = true;
  sum.took += now - last_;
  sum.items += items;
  last_ = now;
}

void Service::Stages::RecordTo(ServiceStats& stats) {
  for (std::size_t i = 0; i < kStages; ++i) {
    const Sum sum = std::exchange(sums_[i], {});
    if (sum.ran) stats.stages[i].Record(sum.took, sum.items);
  }
}

}  // namespace ta
