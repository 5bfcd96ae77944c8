#include "allocator/sync.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace ta {

std::set<std::string> ImplementedDiscoverers(const ScrapeConfig& config) {
  std::set<std::string> keys;
  for (const DiscoveryConfig& discovery : config.discoveries) {
    if (!std::holds_alternative<UnimplementedDiscovery>(discovery.settings)) {
      keys.insert(discovery.key);
    }
  }
  return keys;
}

void Sync::Heard(const std::string& discoverer, const Answered& answered) {
  Answered& known = answered_[discoverer];
  const Answered now{known.synced || answered.synced, answered.partial,
                     answered.problem};
  if (now == known) return;
  known = now;
  dirty_ = true;
}

void Sync::Configure(const Config& config, TimePoint now) {
  if (!configured_) give_up_at_ = now + config.sync_timeout;
  configured_ = true;
  sync_timeout_ = config.sync_timeout;
  custom_resources_only_ =
      config.custom_resources_enabled && config.jobs.empty();
  dirty_ = true;
}

void Sync::AdvanceJobs(Step& step, TimePoint now) {
  first_missing_.clear();
  not_synced_.clear();
  next_give_up_.reset();
  for (auto& [name, job] : jobs_) {
    if (!job.give_up_at) job.give_up_at = now + sync_timeout_;
    if (job.awaited && Missing(*job.awaited, Accept::kComplete).empty()) {
      job.active = *std::exchange(job.awaited, std::nullopt);
      step.changed_over.push_back(&job);
    }
    const bool none_implemented =
        job.active.empty() && !job.config->discoveries.empty();
    const std::string before = job.waiting_for;
    if (job.served && !none_implemented) {
      // It is served from its old discoverers; that shows.
      job.waiting_for =
          job.awaited ? Missing(*job.awaited, Accept::kComplete) : "";
      if (job.waiting_for != before) step.changed.push_back(&job);
      continue;
    }
    if (none_implemented) {
      // It holds up no readiness, and a collector that has its targets from
      // elsewhere keeps them.
      job.waiting_for = "none of its discovery mechanisms is implemented";
      job.served = false;
    } else {
      const bool gave_up = *job.give_up_at <= now;
      job.waiting_for =
          Missing(job.active, gave_up ? Accept::kPartial : Accept::kComplete);
      job.served = job.waiting_for.empty();
      if (!job.served && first_missing_.empty()) {
        first_missing_ = "job " + name + ": " + job.waiting_for;
      }
      if (!job.served && !gave_up &&
          (!next_give_up_ || *job.give_up_at < *next_give_up_)) {
        next_give_up_ = job.give_up_at;
      }
    }
    if (!job.served) not_synced_.push_back(name);
    if (job.served || job.waiting_for != before) step.changed.push_back(&job);
  }
  if (custom_resources_only_) {
    first_missing_ =
        "prometheus_cr is enabled, which is not implemented, and the file has "
        "no job of its own";
  }
}

Sync::Step Sync::Advance(const std::string& members_wait,
                         bool members_block_readiness, TimePoint now) {
  Step step;
  if (!configured_) return step;
  if (now >= give_up_at_) gave_up_ = true;
  if (std::exchange(dirty_, false) ||
      (next_give_up_ && *next_give_up_ <= now)) {
    AdvanceJobs(step, now);
  }
  const bool discovered =
      first_missing_.empty() || (gave_up_ && !custom_resources_only_);
  if (!targets_served_) {
    const std::string before = std::exchange(targets_wait_, "");
    targets_wait_ = discovered ? members_wait : first_missing_;
    targets_served_ = targets_wait_.empty();
    step.readiness_changed |= targets_wait_ != before;
  }
  if (!ready_) {
    const std::string before = std::exchange(waiting_for_, "");
    waiting_for_ = !discovered               ? first_missing_
                   : members_block_readiness ? members_wait
                                             : "";
    ready_ = waiting_for_.empty();
    step.readiness_changed |= waiting_for_ != before;
  }
  return step;
}

std::optional<TimePoint> Sync::Deadline() const {
  if (!configured_ || gave_up_ || (ready_ && targets_served_)) {
    return next_give_up_;
  }
  return next_give_up_ ? std::min(*next_give_up_, give_up_at_) : give_up_at_;
}

std::set<std::string> Sync::InUse() const {
  std::set<std::string> keys;
  for (const auto& [name, job] : jobs_) {
    keys.insert(job.active.begin(), job.active.end());
    if (job.awaited) keys.insert(job.awaited->begin(), job.awaited->end());
  }
  return keys;
}

std::string Sync::Missing(const std::set<std::string>& discoverers,
                          Accept accept) const {
  for (const std::string& key : discoverers) {
    const auto known = answered_.find(key);
    if (known == answered_.end()) {
      return "the first answer of " + key.substr(0, key.find_first_of(": "));
    }
    const Answered& answered = known->second;
    if (answered.synced || (answered.partial && accept == Accept::kPartial)) {
      continue;
    }
    return "the first answer of " + key.substr(0, key.find_first_of(": ")) +
           (answered.problem.empty() ? "" : ": " + answered.problem);
  }
  return "";
}

}  // namespace ta
