#include "allocator/sync.h"

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
  known.synced = known.synced || answered.synced;
  known.partial = answered.partial;
  known.problem = answered.problem;
}

void Sync::Configure(const Config& config, TimePoint now) {
  if (!configured_) give_up_at_ = now + config.sync_timeout;
  configured_ = true;
  custom_resources_only_ =
      config.custom_resources_enabled && config.jobs.empty();
}

Sync::Step Sync::Advance(const std::string& members_wait,
                         bool members_block_readiness, TimePoint now) {
  Step step;
  if (!configured_) return step;
  if (now >= give_up_at_) gave_up_ = true;
  std::string first_missing;
  for (auto& [name, job] : jobs_) {
    if (job.awaited && Missing(*job.awaited).empty()) {
      job.active = *std::exchange(job.awaited, std::nullopt);
      step.changed_over.push_back(&job);
    }
    if (job.served) continue;
    const std::string before = job.waiting_for;
    if (job.active.empty() && !job.config->discoveries.empty()) {
      // Nothing of it is implemented: it holds up no readiness, and a collector
      // that has its targets from elsewhere keeps them.
      job.waiting_for = "none of its discovery mechanisms is implemented";
    } else {
      job.waiting_for = Missing(job.active);
      job.served = job.waiting_for.empty();
      if (!job.served && first_missing.empty()) {
        first_missing = "job " + name + ": " + job.waiting_for;
      }
    }
    if (job.served || job.waiting_for != before) step.changed.push_back(&job);
  }
  if (custom_resources_only_) {
    first_missing =
        "prometheus_cr is enabled, which is not implemented, and the file has "
        "no job of its own";
  }
  const bool discovered =
      first_missing.empty() || (gave_up_ && !custom_resources_only_);
  if (!targets_served_) {
    const std::string before = std::exchange(targets_wait_, "");
    targets_wait_ = discovered ? members_wait : first_missing;
    targets_served_ = targets_wait_.empty();
    step.readiness_changed |= targets_wait_ != before;
  }
  if (!ready_) {
    const std::string before = std::exchange(waiting_for_, "");
    waiting_for_ = !discovered               ? first_missing
                   : members_block_readiness ? members_wait
                                             : "";
    ready_ = waiting_for_.empty();
    step.readiness_changed |= waiting_for_ != before;
  }
  return step;
}

std::optional<TimePoint> Sync::Deadline() const {
  if (!configured_ || gave_up_ || (ready_ && targets_served_)) {
    return std::nullopt;
  }
  return give_up_at_;
}

std::vector<std::string> Sync::JobsNotSynced() const {
  std::vector<std::string> names;
  for (const auto& [name, job] : jobs_) {
    if (!job.served) names.push_back(name);
  }
  return names;
}

std::set<std::string> Sync::InUse() const {
  std::set<std::string> keys;
  for (const auto& [name, job] : jobs_) {
    keys.insert(job.active.begin(), job.active.end());
    if (job.awaited) keys.insert(job.awaited->begin(), job.awaited->end());
  }
  return keys;
}

std::string Sync::Missing(const std::set<std::string>& discoverers) const {
  for (const std::string& key : discoverers) {
    const auto known = answered_.find(key);
    if (known == answered_.end()) {
      return "the first answer of " + key.substr(0, key.find(':'));
    }
    const Answered& answered = known->second;
    if (answered.synced || (answered.partial && gave_up_)) continue;
    return "the first answer of " + key.substr(0, key.find(':')) +
           (answered.problem.empty() ? "" : ": " + answered.problem);
  }
  return "";
}

}  // namespace ta
