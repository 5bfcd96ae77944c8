#include "allocator/target_set.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>

#include "allocator/config/units.h"

namespace ta {

// One target of a group as one job sees it: a slot, or why it is dropped.
// Packed into 32 bits, since there is one for each discovered target and job.
namespace {

constexpr std::uint32_t kDropped = 0x80000000;
constexpr std::uint32_t kByCheck = 0x40000000;  // then: index into reasons
using Outcome = std::uint32_t;

bool IsKept(Outcome outcome) { return (outcome & kDropped) == 0; }

}  // namespace

struct TargetSet::Verdict {
  bool kept = false;
  int rule = -1;
  std::string reason;
  TargetId id;
  std::uint64_t placement_key = 0;
  std::uint32_t scrape_interval_ms = 0;
};

struct TargetSet::JobGroup {
  JobId job = 0;
  std::vector<Outcome> outcomes;                      // as Group::targets
  std::unique_ptr<std::vector<std::string>> reasons;  // of checks
  bool has_unserved = false;  // stands in the job's UnservedIndex
};

struct TargetSet::Group {
  Discoverer* discoverer = nullptr;
  const std::string* source = nullptr;  // its key in the discoverer's map
  Labels labels;
  std::vector<Labels> targets;
  std::unique_ptr<const std::vector<InvalidTarget>> invalid;
  std::vector<JobGroup> jobs;

  std::size_t Discovered() const {
    return targets.size() + (invalid == nullptr ? 0 : invalid->size());
  }
};

struct TargetSet::Discoverer {
  std::string key;
  std::unordered_map<std::string, Group> groups;
  std::set<JobId> jobs;  // that it feeds
  DiscovererStats stats;
};

struct TargetSet::Job {
  JobId id = 0;
  std::shared_ptr<const ScrapeConfig> config;
  std::shared_ptr<const Relabeler> relabeler;
  std::set<Discoverer*> fed_by;
  UnservedIndex unserved;
  std::size_t discovered = 0;
};

TargetSet::TargetSet() = default;
TargetSet::~TargetSet() = default;

void TargetSet::SetJob(JobId id, std::shared_ptr<const ScrapeConfig> config,
                       std::shared_ptr<const Relabeler> relabeler) {
  std::unique_ptr<Job>& job = jobs_[id];
  if (job == nullptr) job = std::make_unique<Job>();
  job->id = id;
  job->config = std::move(config);
  job->relabeler = std::move(relabeler);
  for (Discoverer* discoverer : job->fed_by) {
    for (auto& [source, group] : discoverer->groups) {
      Detach(group, id);
      Attach(*discoverer, group, id, nullptr);
    }
  }
}

void TargetSet::Feed(JobId id, const std::set<std::string>& discoverers) {
  Job& job = *jobs_.at(id);
  std::set<Discoverer*> wanted;
  for (const std::string& key : discoverers) {
    std::unique_ptr<Discoverer>& discoverer = discoverers_[key];
    if (discoverer == nullptr) {
      discoverer = std::make_unique<Discoverer>();
      discoverer->key = key;
    }
    wanted.insert(discoverer.get());
  }
  for (Discoverer* discoverer : job.fed_by) {
    if (wanted.contains(discoverer)) continue;
    discoverer->jobs.erase(id);
    for (auto& [source, group] : discoverer->groups) Detach(group, id);
  }
  for (Discoverer* discoverer : wanted) {
    if (!discoverer->jobs.insert(id).second) continue;
    for (auto& [source, group] : discoverer->groups) {
      Attach(*discoverer, group, id, nullptr);
    }
  }
  job.fed_by = std::move(wanted);
}

void TargetSet::RemoveJob(JobId id) {
  Feed(id, {});
  jobs_.erase(id);
  std::erase_if(stale_, [&](const auto& entry) { return entry.second == id; });
  unserved_changed_.erase(id);
}

void TargetSet::Apply(const DiscoveryUpdate& update) {
  std::unique_ptr<Discoverer>& discoverer = discoverers_[update.discoverer];
  if (discoverer == nullptr) {
    discoverer = std::make_unique<Discoverer>();
    discoverer->key = update.discoverer;
  }
  DiscovererStats& stats = discoverer->stats;
  stats.synced = stats.synced || update.synced;
  stats.problem = update.problem;
  for (const TargetGroup& next : update.groups) {
    const auto [it, added] = discoverer->groups.try_emplace(next.source);
    Group& group = it->second;
    if (added) {
      group.discoverer = discoverer.get();
      group.source = &it->first;
    } else if (group.labels == next.labels && group.targets == next.targets &&
               (group.invalid == nullptr ? next.invalid.empty()
                                         : *group.invalid == next.invalid)) {
      continue;
    }
    stats.targets -= group.Discovered();
    // Detached first, under its old content; what it was told is kept aside, so
    // that targets which stay are not relabeled.
    Group before;
    before.labels = group.labels;
    before.targets = group.targets;
    for (const JobId job : discoverer->jobs) {
      for (JobGroup& own : group.jobs) {
        if (own.job != job) continue;
        JobGroup& kept = before.jobs.emplace_back();
        kept.job = job;
        kept.outcomes = own.outcomes;
        if (own.reasons != nullptr) {
          kept.reasons =
              std::make_unique<std::vector<std::string>>(*own.reasons);
        }
      }
      Detach(group, job);
    }
    group.labels = next.labels;
    group.targets = next.targets;
    group.targets.shrink_to_fit();
    group.invalid =
        next.invalid.empty()
            ? nullptr
            : std::make_unique<const std::vector<InvalidTarget>>(next.invalid);
    stats.targets += group.Discovered();
    for (const JobId job : discoverer->jobs) {
      Attach(*discoverer, group, job, &before);
    }
    if (group.Discovered() == 0) discoverer->groups.erase(it);
  }
  stats.groups = discoverer->groups.size();
}

void TargetSet::Forget(const std::string& key) {
  const auto it = discoverers_.find(key);
  if (it == discoverers_.end()) return;
  assert(it->second->jobs.empty());
  discoverers_.erase(it);
}

const TargetSet::DiscovererStats* TargetSet::Stats(
    const std::string& key) const {
  const auto it = discoverers_.find(key);
  return it == discoverers_.end() ? nullptr : &it->second->stats;
}

std::vector<std::string> TargetSet::Discoverers() const {
  std::vector<std::string> keys;
  for (const auto& [key, discoverer] : discoverers_) keys.push_back(key);
  return keys;
}

TargetSet::Changes TargetSet::Take() {
  Changes changes;
  free_.insert(free_.end(), removed_.begin(), removed_.end());
  for (const Slot slot : removed_) records_[slot] = Record();
  removed_.clear();
  std::ranges::sort(touched_);
  for (const Slot slot : std::exchange(touched_, {})) Settle(slot, changes);
  for (const auto& [group, job] : std::exchange(stale_, {})) {
    RefreshUnserved(*group, job);
  }
  changes.unserved = std::exchange(unserved_changed_, {});
  return changes;
}

JobCounts TargetSet::Counts(JobId id) const {
  const Job& job = *jobs_.at(id);
  JobCounts counts;
  counts.discovered = job.discovered;
  counts.dropped = job.unserved.dropped();
  counts.duplicates = job.unserved.duplicates();
  counts.invalid = job.unserved.invalid();
  return counts;
}

const UnservedIndex& TargetSet::Unserved(JobId job) const {
  return jobs_.at(job)->unserved;
}

// Gives the group's targets to the job. `before`, if any, is what the group
// was, with what this job's rules said: they say the same of equal labels.
void TargetSet::Attach(Discoverer&, Group& group, JobId id,
                       const Group* before) {
  if (group.Discovered() == 0) return;
  Job& job = *jobs_.at(id);
  JobGroup& own = group.jobs.emplace_back();
  own.job = id;
  own.outcomes.reserve(group.targets.size());
  job.discovered += group.Discovered();

  const JobGroup* known = nullptr;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash;
  if (before != nullptr && before->labels == group.labels) {
    for (const JobGroup& candidate : before->jobs) {
      if (candidate.job == id) known = &candidate;
    }
    if (known != nullptr && before->targets.size() > 1) {
      by_hash.reserve(before->targets.size());
      for (std::uint32_t i = 0; i < before->targets.size(); ++i) {
        by_hash.emplace(before->targets[i].Hash(), i);
      }
    }
  }
  for (std::uint32_t i = 0; i < group.targets.size(); ++i) {
    Verdict verdict;
    bool found = false;
    const auto [first, last] = by_hash.equal_range(group.targets[i].Hash());
    for (auto it = first; it != last && !found; ++it) {
      if (before->targets[it->second] != group.targets[i]) continue;
      const Outcome outcome = known->outcomes[it->second];
      found = true;
      if (IsKept(outcome)) {
        const Record& record = records_[outcome];
        verdict = {true,
                   -1,
                   "",
                   record.id,
                   record.placement_key,
                   record.scrape_interval_ms};
      } else if ((outcome & kByCheck) != 0) {
        verdict.reason = (*known->reasons)[outcome & ~(kDropped | kByCheck)];
      } else {
        verdict.rule = static_cast<int>(outcome & ~kDropped);
      }
    }
    if (!found) verdict = Judge(job, group, i);
    if (verdict.kept) {
      own.outcomes.push_back(Claimed(id, verdict, {&group, i}));
    } else if (verdict.rule >= 0) {
      own.outcomes.push_back(kDropped | static_cast<Outcome>(verdict.rule));
    } else {
      if (own.reasons == nullptr) {
        own.reasons = std::make_unique<std::vector<std::string>>();
      }
      own.outcomes.push_back(kDropped | kByCheck |
                             static_cast<Outcome>(own.reasons->size()));
      own.reasons->push_back(std::move(verdict.reason));
    }
  }
  stale_.insert({&group, id});
}

void TargetSet::Detach(Group& group, JobId id) {
  const auto own = std::ranges::find(group.jobs, id, &JobGroup::job);
  if (own == group.jobs.end()) return;
  Job& job = *jobs_.at(id);
  for (std::uint32_t i = 0; i < own->outcomes.size(); ++i) {
    if (IsKept(own->outcomes[i])) Release(own->outcomes[i], {&group, i});
  }
  if (own->has_unserved) {
    job.unserved.Remove(group.discoverer->key, *group.source);
    unserved_changed_.insert(id);
  }
  job.discovered -= group.Discovered();
  stale_.erase({&group, id});
  group.jobs.erase(own);
}

TargetSet::Verdict TargetSet::Judge(const Job& job, const Group& group,
                                    std::uint32_t index) {
  Verdict verdict;
  const Labels& own = group.targets[index];
  verdict.scrape_interval_ms =
      static_cast<std::uint32_t>(job.config->scrape_interval.count());
  if (job.relabeler == nullptr) {
    const Labels labels = Labels::Merge(group.labels, own);
    verdict.kept = true;
    verdict.id = TargetIdOf(job.config->job_name, labels);
    verdict.placement_key = PlacementKeyOf(job.config->job_name, labels);
    return verdict;
  }
  ++relabeled_;
  RelabelOutcome outcome = job.relabeler->Relabel(group.labels, own, buffer_);
  if (!outcome.kept()) {
    verdict.rule = outcome.rule;
    verdict.reason = std::move(outcome.reason);
    return verdict;
  }
  verdict.kept = true;
  verdict.id = buffer_.Id();
  verdict.placement_key = buffer_.PlacementKey();
  const auto labels = buffer_.labels();
  const auto interval = std::ranges::lower_bound(
      labels, std::string_view("__scrape_interval__"), {}, &LabelPair::name);
  if (interval != labels.end() && interval->name == "__scrape_interval__" &&
      interval->value != job.config->seeds.Get("__scrape_interval__")) {
    if (const auto parsed = ParsePrometheusDuration(interval->value)) {
      verdict.scrape_interval_ms = static_cast<std::uint32_t>(std::min<long>(
          parsed->count(), std::numeric_limits<std::uint32_t>::max()));
    }
  }
  return verdict;
}

Slot TargetSet::Claimed(JobId job, const Verdict& verdict, Claim claim) {
  Slot slot = index_.Find(verdict.id, Ids());
  if (slot == SlotIndex::kNone) {
    if (free_.empty()) {
      slot = static_cast<Slot>(records_.size());
      records_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Record& record = records_[slot];
    record.id = verdict.id;
    record.job = job;
    index_.Insert(slot, Ids());
  }
  Record& record = records_[slot];
  record.placement_key = verdict.placement_key;
  record.scrape_interval_ms = verdict.scrape_interval_ms;
  Touch(slot);
  if (record.claims++ == 0) {
    record.first = claim;
  } else {
    further_claims_[slot].insert(claim);
  }
  return slot;
}

void TargetSet::Release(Slot slot, Claim claim) {
  Record& record = records_[slot];
  Touch(slot);
  --record.claims;
  const auto further = further_claims_.find(slot);
  if (record.first == claim) {
    record.first = Claim();
    if (further == further_claims_.end()) return;
    record.first = *further->second.begin();
    further->second.erase(further->second.begin());
  } else {
    further->second.erase(claim);
  }
  if (further->second.empty()) further_claims_.erase(further);
}

void TargetSet::Touch(Slot slot) {
  Record& record = records_[slot];
  if (!record.touched) touched_.push_back(slot);
  record.touched = true;
  // Who is the duplicate of whom may change with any claim.
  const auto further = further_claims_.find(slot);
  if (record.claims == 0) return;
  stale_.insert({record.first.group, record.job});
  if (further == further_claims_.end()) return;
  for (const Claim& claim : further->second) {
    stale_.insert({claim.group, record.job});
  }
}

bool TargetSet::Before(const Claim& a, const Claim& b) const {
  if (const auto order = *a.group->source <=> *b.group->source; order != 0) {
    return order < 0;
  }
  const auto labels = [](const Claim& claim) {
    return Labels::Merge(claim.group->labels,
                         claim.group->targets[claim.index]);
  };
  if (const auto order = labels(a) <=> labels(b); order != 0) return order < 0;
  if (const auto order = a.group->discoverer->key <=> b.group->discoverer->key;
      order != 0) {
    return order < 0;
  }
  return a.index < b.index;
}

// The smallest claim is the one that is served.
void TargetSet::PutWinnerFirst(Slot slot) {
  const auto further = further_claims_.find(slot);
  if (further == further_claims_.end()) return;
  Claim& first = records_[slot].first;
  Claim winner = first;
  for (const Claim& claim : further->second) {
    if (Before(claim, winner)) winner = claim;
  }
  if (winner == first) return;
  further->second.erase(winner);
  further->second.insert(std::exchange(first, winner));
}

// Says what became of a touched slot.
void TargetSet::Settle(Slot slot, Changes& changes) {
  Record& record = records_[slot];
  record.touched = false;
  if (record.claims == 0) {
    index_.Erase(slot, Ids());
    if (record.target != nullptr) {
      changes.removed.push_back({slot, record.job, record.target});
    }
    removed_.push_back(slot);
    return;
  }
  PutWinnerFirst(slot);
  const Claim& winner = record.first;
  const Labels& own = winner.group->targets[winner.index];
  const std::chrono::milliseconds interval(record.scrape_interval_ms);
  const bool is_new = record.target == nullptr;
  if (!is_new && record.target->group == winner.group->labels &&
      record.target->own == own && record.target->scrape_interval == interval &&
      record.target->placement_key == record.placement_key) {
    return;
  }
  auto target = std::make_shared<Target>();
  target->id = record.id;
  target->placement_key = record.placement_key;
  target->scrape_interval = interval;
  target->group = winner.group->labels;
  target->own = own;
  record.target = std::move(target);
  (is_new ? changes.added : changes.updated).push_back(slot);
}

void TargetSet::RefreshUnserved(Group& group, JobId id) {
  const auto own = std::ranges::find(group.jobs, id, &JobGroup::job);
  if (own == group.jobs.end()) return;
  std::vector<UnservedTarget> targets;
  for (std::uint32_t i = 0; i < own->outcomes.size(); ++i) {
    const Outcome outcome = own->outcomes[i];
    UnservedTarget target;
    if (IsKept(outcome)) {
      if (records_[outcome].first == Claim{&group, i}) continue;
      target.state = UnservedTarget::State::kDuplicate;
      target.id = records_[outcome].id;
    } else if ((outcome & kByCheck) != 0) {
      target.state = UnservedTarget::State::kDroppedByCheck;
      target.reason = (*own->reasons)[outcome & ~(kDropped | kByCheck)];
    } else {
      target.state = UnservedTarget::State::kDroppedByRule;
      target.rule = static_cast<int>(outcome & ~kDropped);
    }
    target.group = group.labels;
    target.own = group.targets[i];
    targets.push_back(std::move(target));
  }
  if (group.invalid != nullptr) {
    for (const InvalidTarget& invalid : *group.invalid) {
      UnservedTarget target;
      target.state = UnservedTarget::State::kInvalid;
      target.reason = invalid.what.empty()
                          ? invalid.reason
                          : invalid.what + ": " + invalid.reason;
      targets.push_back(std::move(target));
    }
  }
  if (targets.empty() && !own->has_unserved) return;
  own->has_unserved = !targets.empty();
  auto unserved = std::make_shared<UnservedGroup>();
  unserved->discoverer = group.discoverer->key;
  unserved->source = *group.source;
  unserved->targets = std::move(targets);
  jobs_.at(id)->unserved.Put(std::move(unserved));
  unserved_changed_.insert(id);
}

std::string_view NodeOf(const Target& target) {
  for (const std::string_view name :
       {"__meta_kubernetes_pod_node_name", "__meta_kubernetes_node_name",
        "__meta_kubernetes_endpoint_node_name"}) {
    if (const auto node = target.Get(name); !node.empty()) return node;
  }
  if (target.Get("__meta_kubernetes_endpointslice_address_target_kind") ==
      "Node") {
    const auto node =
        target.Get("__meta_kubernetes_endpointslice_address_target_name");
    if (!node.empty()) return node;
  }
  return target.Get("__meta_kubernetes_endpointslice_endpoint_node_name");
}

}  // namespace ta
