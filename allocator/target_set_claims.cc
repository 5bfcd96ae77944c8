// What relabeling makes of a target, which claims stand on a live one, and what
// follows for those that are not served.

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "allocator/config/units.h"
#include "allocator/target_set.h"
#include "allocator/target_set_parts.h"

namespace ta {
namespace {

Target::Interval Clamped(std::chrono::milliseconds interval) {
  return Target::Interval(static_cast<std::uint32_t>(std::clamp<std::int64_t>(
      interval.count(), 0, std::numeric_limits<std::uint32_t>::max())));
}

}  // namespace

void TargetSet::JobGroup::CompactReasons() {
  if (reasons == nullptr || reasons->size() <= 2 * outcomes.size()) return;
  std::vector<std::string> used;
  for (Outcome& outcome : outcomes) {
    if (IsKept(outcome) || (outcome & kByCheck) == 0) continue;
    used.push_back((*reasons)[ReasonOf(outcome)]);
    outcome = kDropped | kByCheck | static_cast<Outcome>(used.size() - 1);
  }
  *reasons = std::move(used);
}

TargetSet::Verdict TargetSet::Judge(const Job& job, const Group& group,
                                    std::uint32_t index) {
  Verdict verdict;
  const Labels& own = group.targets[index];
  verdict.identity.scrape_interval = Clamped(job.config->scrape_interval);
  if (job.relabeler == nullptr) {
    const Labels labels = Labels::Merge(group.labels, own);
    verdict.kept = true;
    verdict.identity.id = TargetIdOf(job.config->job_name, labels);
    verdict.identity.placement_key =
        PlacementKeyOf(job.config->job_name, labels);
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
  verdict.identity.id = buffer_.Id();
  verdict.identity.placement_key = buffer_.PlacementKey();
  const auto labels = buffer_.labels();
  const auto interval = std::ranges::lower_bound(
      labels, std::string_view("__scrape_interval__"), {}, &LabelPair::name);
  if (interval != labels.end() && interval->name == "__scrape_interval__" &&
      interval->value != job.config->seeds.Get("__scrape_interval__")) {
    if (const auto parsed = ParsePrometheusDuration(interval->value)) {
      verdict.identity.scrape_interval = Clamped(*parsed);
    }
  }
  return verdict;
}

TargetSet::Identity TargetSet::IdentityOf(Slot slot) const {
  const auto anew = judged_anew_.find(slot);
  if (anew != judged_anew_.end()) return anew->second;
  const Target& target = *records_[slot].target;
  return {target.id, target.placement_key, target.scrape_interval};
}

TargetPtr TargetSet::MakeTarget(const Identity& identity, const Claim& claim) {
  const boost::intrusive_ptr<Target> target(new Target);
  target->id = identity.id;
  target->placement_key = identity.placement_key;
  target->scrape_interval = identity.scrape_interval;
  target->group = claim.group->labels;
  target->own = claim.group->targets[claim.index];
  return target;
}

Slot TargetSet::Claimed(JobId job, const Identity& identity, Claim claim) {
  Slot slot = index_.Find(identity.id, Ids());
  if (slot == SlotIndex::kNone) {
    if (free_.empty()) {
      slot = static_cast<Slot>(records_.size());
      records_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Record& record = records_[slot];
    record.target = MakeTarget(identity, claim);
    record.job = job;
    index_.Insert(slot, Ids());
  } else if (IdentityOf(slot) != identity) {
    judged_anew_[slot] = identity;
  }
  Record& record = records_[slot];
  Touch(slot);
  if (record.group == nullptr) {
    record.SetFirst(claim);
    return slot;
  }
  if (const Claim first = record.first(); ClaimOrder()(claim, first)) {
    record.SetFirst(claim);
    claim = first;
  }
  further_claims_[slot].insert(claim);
  stale_.insert({claim.group, job});
  stale_.insert({record.group, job});
  return slot;
}

void TargetSet::Release(Slot slot, Claim claim) {
  Record& record = records_[slot];
  Touch(slot);
  const auto further = further_claims_.find(slot);
  if (further == further_claims_.end()) {
    record.SetFirst(Claim());
    return;
  }
  if (record.first() == claim) {
    record.SetFirst(*further->second.begin());
    further->second.erase(further->second.begin());
    stale_.insert({record.group, JobId{record.job}});
  } else {
    further->second.erase(claim);
    stale_.insert({claim.group, JobId{record.job}});
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
    if (const auto order = a.group->source() <=> b.group->source();
        order != 0) {
      return order < 0;
    }
  }
  const Labels& own_a = a.group->targets[a.index];
  const Labels& own_b = b.group->targets[b.index];
  if (own_a != own_b || a.group->labels != b.group->labels) {
    const auto order =
        Labels::CompareMerged(a.group->labels, own_a, b.group->labels, own_b);
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
  if (record.group == nullptr) {
    index_.Erase(slot, Ids());
    if (record.taken) {
      changes.removed.push_back({slot, record.job, record.target});
    }
    removed_.push_back(slot);
    return;
  }
  const Claim winner = record.first();
  const Identity identity = IdentityOf(slot);
  const bool is_new = !record.taken;
  record.taken = true;
  const Target& last = *record.target;
  const bool same = last.group == winner.group->labels &&
                    last.own == winner.group->targets[winner.index] &&
                    last.scrape_interval == identity.scrape_interval &&
                    last.placement_key == identity.placement_key;
  if (!same) record.target = MakeTarget(identity, winner);
  if (is_new) {
    changes.added.push_back(slot);
  } else if (!same) {
    changes.updated.push_back(slot);
  }
}

void TargetSet::RefreshUnserved(Group& group, JobId id) {
  JobGroup* const own = group.Of(id);
  if (own == nullptr) return;
  std::vector<UnservedTarget> targets;
  for (std::uint32_t i = 0; i < own->outcomes.size(); ++i) {
    const Outcome outcome = own->outcomes[i];
    UnservedTarget target;
    if (IsKept(outcome)) {
      if (records_[outcome].first() == Claim{&group, i}) continue;
      target.state = UnservedTarget::State::kDuplicate;
      target.id = records_[outcome].target->id;
    } else if ((outcome & kByCheck) != 0) {
      target.state = UnservedTarget::State::kDroppedByCheck;
      target.reason = (*own->reasons)[ReasonOf(outcome)];
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
  unserved->source = group.source();
  unserved->targets = std::move(targets);
  jobs_.at(id)->unserved.Put(std::move(unserved));
  unserved_changed_.insert(id);
}

}  // namespace ta
