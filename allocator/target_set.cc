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
constexpr std::uint32_t kNotJudged = 0xffffffff;

bool IsKept(std::uint32_t outcome) { return (outcome & kDropped) == 0; }

// How a group's targets become those of its next version.
struct Alignment {
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  struct Fresh {
    std::uint32_t index;  // in the next version
    std::uint32_t was;    // where an equal one was, or kNowhere
  };
  std::vector<std::uint32_t> lost;  // old indices without an equal at the index
  std::vector<Fresh> fresh;         // new indices likewise
};

Alignment Align(const std::vector<Labels>& old,
                const std::vector<Labels>& next) {
  Alignment result;
  const std::size_t both = std::min(old.size(), next.size());
  for (std::uint32_t i = 0; i < std::max(old.size(), next.size()); ++i) {
    if (i < both && old[i] == next[i]) continue;
    if (i < old.size()) result.lost.push_back(i);
    if (i < next.size()) result.fresh.push_back({i, Alignment::kNowhere});
  }
  if (result.lost.empty() || result.fresh.empty()) return result;
  std::unordered_map<std::uint64_t, std::uint32_t> by_hash;
  by_hash.reserve(result.lost.size());
  for (const std::uint32_t i : result.lost) by_hash.emplace(old[i].Hash(), i);
  for (Alignment::Fresh& fresh : result.fresh) {
    const auto found = by_hash.find(next[fresh.index].Hash());
    if (found == by_hash.end()) continue;
    if (old[found->second] == next[fresh.index]) fresh.was = found->second;
  }
  return result;
}

// 49 days at most, which is longer than any hand-over waits.
std::uint32_t Milliseconds(std::chrono::milliseconds interval) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(
      interval.count(), 0, std::numeric_limits<std::uint32_t>::max()));
}

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

  // Drops the reasons of targets that are gone, when they are many.
  void CompactReasons() {
    if (reasons == nullptr || reasons->size() <= 2 * outcomes.size()) return;
    std::vector<std::string> used;
    for (Outcome& outcome : outcomes) {
      if (IsKept(outcome) || (outcome & kByCheck) == 0) continue;
      used.push_back((*reasons)[outcome & ~(kDropped | kByCheck)]);
      outcome = kDropped | kByCheck | static_cast<Outcome>(used.size() - 1);
    }
    *reasons = std::move(used);
  }
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
  bool Equals(const TargetGroup& other) const {
    return labels == other.labels && targets == other.targets &&
           (invalid == nullptr ? other.invalid.empty()
                               : *invalid == other.invalid);
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
      Attach(group, id);
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
      Attach(group, id);
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
    auto it = discoverer->groups.find(next.source);
    if (it == discoverer->groups.end()) {
      if (next.targets.empty() && next.invalid.empty()) continue;
      it = discoverer->groups.try_emplace(next.source).first;
      it->second.discoverer = discoverer.get();
      it->second.source = &it->first;
    } else if (it->second.Equals(next)) {
      continue;
    }
    changed = true;
    Group& group = it->second;
    stats.targets -= group.Discovered();
    Replace(*discoverer, group, next);
    stats.targets += group.Discovered();
    if (group.Discovered() == 0) discoverer->groups.erase(it);
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
  if (group.labels != next.labels || group.Discovered() == 0 ||
      (next.targets.empty() && next.invalid.empty())) {
    for (const JobId job : discoverer.jobs) Detach(group, job);
    group.labels = next.labels;
    group.targets = next.targets;
    group.targets.shrink_to_fit();
    set_invalid();
    for (const JobId job : discoverer.jobs) Attach(group, job);
    return;
  }

  const Alignment alignment = Align(group.targets, next.targets);
  const std::size_t before = group.Discovered();
  const bool other_invalid = group.invalid == nullptr
                                 ? !next.invalid.empty()
                                 : *group.invalid != next.invalid;
  // All are released under the old content, which says who is the smallest.
  std::vector<std::vector<Outcome>> known;
  for (const JobGroup& own : group.jobs) {
    if (other_invalid) stale_.insert({&group, own.job});
    for (const std::uint32_t index : alignment.lost) {
      const Outcome outcome = own.outcomes[index];
      if (IsKept(outcome)) {
        Release(outcome, {&group, index});
      } else {
        stale_.insert({&group, own.job});
      }
    }
    std::vector<Outcome>& outcomes = known.emplace_back();
    for (const Alignment::Fresh& fresh : alignment.fresh) {
      outcomes.push_back(fresh.was == Alignment::kNowhere
                             ? kNotJudged
                             : own.outcomes[fresh.was]);
    }
  }
  std::vector<Labels> labels;
  for (const Alignment::Fresh& fresh : alignment.fresh) {
    labels.push_back(fresh.was == Alignment::kNowhere
                         ? next.targets[fresh.index]
                         : group.targets[fresh.was]);
  }
  group.targets.resize(next.targets.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    group.targets[alignment.fresh[i].index] = std::move(labels[i]);
  }
  set_invalid();
  for (std::size_t j = 0; j < group.jobs.size(); ++j) {
    JobGroup& own = group.jobs[j];
    Job& job = *jobs_.at(own.job);
    job.discovered += group.Discovered() - before;
    own.outcomes.resize(group.targets.size());
    for (std::size_t i = 0; i < alignment.fresh.size(); ++i) {
      Decide(job, group, own, alignment.fresh[i].index, known[j][i]);
    }
    own.CompactReasons();
  }
}

void TargetSet::Attach(Group& group, JobId id) {
  if (group.Discovered() == 0) return;
  Job& job = *jobs_.at(id);
  JobGroup& own = group.jobs.emplace_back();
  own.job = id;
  own.outcomes.resize(group.targets.size());
  job.discovered += group.Discovered();
  for (std::uint32_t i = 0; i < group.targets.size(); ++i) {
    Decide(job, group, own, i, kNotJudged);
  }
  if (group.invalid != nullptr) stale_.insert({&group, id});
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
    const Record& record = records_[known];
    verdict.kept = true;
    verdict.id = record.id;
    verdict.placement_key = record.placement_key;
    verdict.scrape_interval_ms = record.scrape_interval_ms;
  }
  if (verdict.kept) {
    own.outcomes[index] = Claimed(job.id, verdict, {&group, index});
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

TargetSet::Verdict TargetSet::Judge(const Job& job, const Group& group,
                                    std::uint32_t index) {
  Verdict verdict;
  const Labels& own = group.targets[index];
  verdict.scrape_interval_ms = Milliseconds(job.config->scrape_interval);
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
      verdict.scrape_interval_ms = Milliseconds(*parsed);
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
    return slot;
  }
  if (ClaimOrder()(claim, record.first)) std::swap(claim, record.first);
  further_claims_[slot].insert(claim);
  stale_.insert({claim.group, job});
  stale_.insert({record.first.group, job});
  return slot;
}

void TargetSet::Release(Slot slot, Claim claim) {
  Record& record = records_[slot];
  Touch(slot);
  --record.claims;
  const auto further = further_claims_.find(slot);
  if (further == further_claims_.end()) {
    record.first = Claim();
    return;
  }
  if (record.first == claim) {
    record.first = *further->second.begin();
    further->second.erase(further->second.begin());
    stale_.insert({record.first.group, record.job});
  } else {
    further->second.erase(claim);
    stale_.insert({claim.group, record.job});
  }
  if (further->second.empty()) further_claims_.erase(further);
}

void TargetSet::Touch(Slot slot) {
  Record& record = records_[slot];
  if (!record.touched) touched_.push_back(slot);
  record.touched = true;
}

bool TargetSet::ClaimOrder::operator()(const Claim& a, const Claim& b) const {
  if (a.group != b.group) {
    if (const auto order = *a.group->source <=> *b.group->source; order != 0) {
      return order < 0;
    }
  }
  const Labels& own_a = a.group->targets[a.index];
  const Labels& own_b = b.group->targets[b.index];
  if (own_a != own_b || a.group->labels != b.group->labels) {
    const auto order = Labels::Merge(a.group->labels, own_a) <=>
                       Labels::Merge(b.group->labels, own_b);
    if (order != 0) return order < 0;
  }
  if (const auto order = a.group->discoverer->key <=> b.group->discoverer->key;
      order != 0) {
    return order < 0;
  }
  return a.index < b.index;
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
