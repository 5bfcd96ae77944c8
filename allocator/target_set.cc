#include "allocator/target_set.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "allocator/group_alignment.h"
#include "allocator/target_set_parts.h"

namespace ta {

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
    discoverer->groups.ForEach([&](Group& group) {
      Detach(group, id);
      Attach(group, id);
    });
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
    discoverer->groups.ForEach([&](Group& group) { Detach(group, id); });
  }
  for (Discoverer* discoverer : wanted) {
    if (!discoverer->jobs.insert(id).second) continue;
    discoverer->groups.ForEach([&](Group& group) { Attach(group, id); });
  }
  job.fed_by = std::move(wanted);
}

void TargetSet::RemoveJob(JobId id) {
  Feed(id, {});
  jobs_.erase(id);
  std::erase_if(stale_, [&](const auto& entry) { return entry.second == id; });
  unserved_changed_.erase(id);
}

bool TargetSet::Apply(const DiscoveryUpdate& update) {
  const auto [at, is_new] = discoverers_.try_emplace(update.discoverer);
  std::unique_ptr<Discoverer>& discoverer = at->second;
  if (discoverer == nullptr) {
    discoverer = std::make_unique<Discoverer>();
    discoverer->key = update.discoverer;
  }
  DiscovererStats& stats = discoverer->stats;
  bool changed = is_new;
  if (update.synced && !stats.synced) changed = stats.synced = true;
  if (stats.problem != update.problem) {
    stats.problem = update.problem;
    changed = true;
  }
  for (const TargetGroup& next : update.groups) {
    Group* known = discoverer->groups.Find(next.source);
    if (known == nullptr) {
      if (next.targets.empty() && next.invalid.empty()) continue;
      known = &discoverer->groups.Insert(
          Group::Make(discoverer.get(), next.source));
    } else if (known->Equals(next)) {
      continue;
    }
    changed = true;
    Group& group = *known;
    stats.targets -= group.Discovered();
    Replace(*discoverer, group, next);
    stats.targets += group.Discovered();
    if (group.Discovered() == 0) discoverer->groups.Erase(next.source);
  }
  stats.groups = discoverer->groups.size();
  return changed;
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
  judged_anew_.clear();
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

// Targets that stay are not relabeled, and those that stay at their place in
// the group are not even touched.
void TargetSet::Replace(const Discoverer& discoverer, Group& group,
                        const TargetGroup& next) {
  const auto set_invalid = [&] {
    group.invalid =
        next.invalid.empty()
            ? nullptr
            : std::make_unique<const std::vector<InvalidTarget>>(next.invalid);
  };
  const std::size_t before = group.Discovered();
  if (group.labels != next.labels || before == 0 ||
      (next.targets.empty() && next.invalid.empty())) {
    for (const JobId job : discoverer.jobs) Detach(group, job);
    group.labels = next.labels;
    group.targets.Resize(next.targets.size());
    std::ranges::copy(next.targets, group.targets.begin());
    set_invalid();
    for (const JobId job : discoverer.jobs) Attach(group, job);
    return;
  }

  const Alignment alignment = Align(group.targets, next.targets);
  const bool other_invalid = group.invalid == nullptr
                                 ? !next.invalid.empty()
                                 : *group.invalid != next.invalid;
  std::vector<Carried> carried;
  for (JobGroup& own : group.jobs) {
    carried.push_back(Release(group, own, alignment));
    if (other_invalid) stale_.insert({&group, JobId{own.job}});
  }
  std::vector<Labels> moved;
  moved.reserve(alignment.moved.size());
  for (const auto& [from, to] : alignment.moved) {
    moved.push_back(std::move(group.targets[from]));
  }
  group.targets.Resize(next.targets.size());
  for (std::size_t i = 0; i < moved.size(); ++i) {
    group.targets[alignment.moved[i].to] = std::move(moved[i]);
  }
  for (const std::uint32_t index : alignment.fresh) {
    group.targets[index] = next.targets[index];
  }
  set_invalid();
  for (std::size_t i = 0; i < group.jobs.size(); ++i) {
    Job& job = *jobs_.at(group.jobs[i].job);
    job.discovered += group.Discovered() - before;
    ClaimAnew(job, group, group.jobs[i], alignment, carried[i]);
  }
}

// Lets go, under the group's old content, of what is there no more. A target
// that only moves keeps its claim, unless there are others: their order looks
// at the content.
TargetSet::Carried TargetSet::Release(Group& group, JobGroup& own,
                                      const Alignment& alignment) {
  const auto release = [&](std::uint32_t index) {
    if (IsKept(own.outcomes[index])) {
      Release(own.outcomes[index], {&group, index});
    } else {
      stale_.insert({&group, JobId{own.job}});
    }
  };
  for (const std::uint32_t index : alignment.lost) release(index);
  Carried carried;
  carried.outcomes.reserve(alignment.moved.size());
  for (const auto& [from, to] : alignment.moved) {
    const Outcome outcome = own.outcomes[from];
    if (!IsKept(outcome) || further_claims_.contains(outcome)) {
      carried.again.push_back(
          static_cast<std::uint32_t>(carried.outcomes.size()));
      release(from);
    }
    carried.outcomes.push_back(outcome);
  }
  return carried;
}

// The other half, under the new content.
void TargetSet::ClaimAnew(Job& job, Group& group, JobGroup& own,
                          const Alignment& alignment, const Carried& carried) {
  own.outcomes.Resize(group.targets.size());
  auto again = carried.again.begin();
  for (std::uint32_t i = 0; i < alignment.moved.size(); ++i) {
    if (again != carried.again.end() && *again == i) {
      ++again;
      continue;
    }
    const std::uint32_t to = alignment.moved[i].to;
    own.outcomes[to] = carried.outcomes[i];
    records_[carried.outcomes[i]].SetFirst({&group, to});
  }
  for (const std::uint32_t i : carried.again) {
    Decide(job, group, own, alignment.moved[i].to, carried.outcomes[i]);
  }
  for (const std::uint32_t index : alignment.fresh) {
    Decide(job, group, own, index, kNotJudged);
  }
  own.CompactReasons();
}

void TargetSet::Attach(Group& group, JobId id) {
  if (group.Discovered() == 0) return;
  Job& job = *jobs_.at(id);
  group.jobs.Resize(group.jobs.size() + 1);
  JobGroup& own = group.jobs.back();
  own.job = id;
  own.outcomes.Resize(group.targets.size());
  job.discovered += group.Discovered();
  for (std::uint32_t i = 0; i < group.targets.size(); ++i) {
    Decide(job, group, own, i, kNotJudged);
  }
  if (group.invalid != nullptr) stale_.insert({&group, id});
}

void TargetSet::Detach(Group& group, JobId id) {
  JobGroup* const own = group.Of(id);
  if (own == nullptr) return;
  Job& job = *jobs_.at(id);
  for (std::uint32_t i = 0; i < own->outcomes.size(); ++i) {
    if (IsKept(own->outcomes[i])) Release(own->outcomes[i], {&group, i});
  }
  if (own->has_unserved) {
    job.unserved.Remove(group.discoverer->key, group.source());
    unserved_changed_.insert(id);
  }
  job.discovered -= group.Discovered();
  stale_.erase({&group, id});
  group.jobs.Erase(own);
}

// What the job does with one target: `known`, if it was said before of equal
// labels.
void TargetSet::Decide(Job& job, Group& group, JobGroup& own,
                       std::uint32_t index, Outcome known) {
  if (known != kNotJudged && !IsKept(known)) {
    own.outcomes[index] = known;
    stale_.insert({&group, job.id});
    return;
  }
  Verdict verdict;
  if (known == kNotJudged) {
    verdict = Judge(job, group, index);
  } else {
    verdict.kept = true;
    verdict.identity = IdentityOf(known);
  }
  if (verdict.kept) {
    own.outcomes[index] = Claimed(job.id, verdict.identity, {&group, index});
    return;
  }
  stale_.insert({&group, job.id});
  if (verdict.rule >= 0) {
    own.outcomes[index] = kDropped | static_cast<Outcome>(verdict.rule);
    return;
  }
  if (own.reasons == nullptr) {
    own.reasons = std::make_unique<std::vector<std::string>>();
  }
  own.outcomes[index] =
      kDropped | kByCheck | static_cast<Outcome>(own.reasons->size());
  own.reasons->push_back(std::move(verdict.reason));
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
