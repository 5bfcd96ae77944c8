#include "allocator/allocator.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "hashing/hash.h"

namespace ta {
namespace {

// Equal digests relabel alike: what an ETag of relabeled targets stands on.
std::uint64_t RulesDigest(const ScrapeConfig& config) {
  Hasher hasher;
  hasher.Append(config.seeds.Hash());
  for (const RelabelConfig& rule : config.relabel_configs) {
    hasher.Append(static_cast<std::uint64_t>(rule.action))
        .Append(std::uint64_t{rule.source_labels.size()});
    for (const std::string& label : rule.source_labels) hasher.Append(label);
    hasher.Append(rule.separator)
        .Append(rule.regex)
        .Append(rule.modulus)
        .Append(rule.target_label)
        .Append(rule.replacement);
  }
  return hasher.Hash64();
}

}  // namespace

AllocatorOutput Allocator::Apply(AllocatorInput input, TimePoint now) {
  Pass();
  if (input.reload) {
    reload_ = std::move(*input.reload);
    changed_ = true;
  }
  // What this step brings into use is started after it: later ones all.
  for (const DiscoveryUpdate& update : input.discovery) {
    largest_instance_ = std::max(largest_instance_, update.instance);
  }
  const bool configured = input.config != nullptr;
  if (configured) Configure(std::move(input.config), now);
  EndRelabel(ObserveGroups(input.discovery) || configured);
  ObserveMembers(input, now);
  Pass();
  const Sync::Step step = sync_.Advance(membership_.waiting_for(),
                                        !membership_.awaits_polls(), now);
  for (const SyncedJob* job : step.changed_over) {
    targets_.Feed(job->id, job->active);
    in_use_changed_ = true;
  }
  for (const SyncedJob* job : step.changed) stale_views_.insert(job->id);
  if (step.readiness_changed) changed_ = true;
  const std::uint64_t lists = shares_.lists_made();
  if (config_ != nullptr) {
    const TargetSet::Changes changes = targets_.Take();
    EndRelabel(changes.any() || !step.changed_over.empty());
    Assign(changes, now);
    MakeLists(changes);
  }

  AllocatorOutput output;
  if (in_use_changed_) Retain(output);
  if (changed_) output.snapshot = Publish();
  EndStage(output.snapshot != nullptr, Stage::kSnapshot,
           shares_.lists_made() - lists);
  for (const auto& deadline :
       {membership_.Deadline(), hand_over_.Deadline(), sync_.Deadline()}) {
    if (deadline && (!output.deadline || *deadline < *output.deadline)) {
      output.deadline = deadline;
    }
  }
  return output;
}

void Allocator::Configure(std::shared_ptr<const Config> config, TimePoint now) {
  config_ = std::move(config);
  changed_ = true;
  in_use_changed_ = true;
  sync_.Configure(*config_, now);
  membership_.Configure(config_->members, now);
  membership_.SetNotReadyGrace(config_->collector_not_ready_grace_period, now);
  hand_over_.Configure(
      {config_->hand_over.enabled, config_->hand_over.timeout});
  if (const StrategySettings settings = StrategySettings::Of(*config_);
      strategy_ == nullptr || settings != strategy_settings_) {
    strategy_settings_ = settings;
    strategy_ = MakeStrategy(settings);
    strategy_is_new_ = true;
  }
  std::set<std::string_view> named;
  for (const auto& job : config_->jobs) {
    named.insert(job->job_name);
    ConfigureJob(job);
  }
  std::erase_if(sync_.jobs(), [&](const auto& entry) {
    if (named.contains(entry.first)) return false;
    leaving_.push_back(entry.second.id);
    targets_.Feed(entry.second.id, {});
    removed_jobs_.insert(entry.first);
    return true;
  });
  in_use_ = sync_.InUse();
  for (const std::string& key : in_use_) {
    outdated_instances_.try_emplace(key, largest_instance_);
  }
  IndexJobs();
}

void Allocator::ConfigureJob(std::shared_ptr<const ScrapeConfig> config) {
  const auto [it, added] = sync_.jobs().try_emplace(config->job_name);
  SyncedJob& job = it->second;
  if (added) {
    assert(next_job_ < kMaxJobs);
    job.id = next_job_++;
    removed_jobs_.erase(config->job_name);
  }
  const bool relabel =
      config_->filter_strategy == FilterStrategy::kRelabelConfig;
  const std::set<std::string> feeds = ImplementedDiscoverers(*config);
  const bool other_rules =
      added || job.config->relabel_configs != config->relabel_configs ||
      job.config->seeds != config->seeds ||
      (job.relabeler != nullptr) != relabel;
  job.config = std::move(config);
  stale_views_.insert(job.id);
  if (other_rules) {
    job.relabeler = nullptr;
    if (relabel) {
      // The configuration was validated by compiling these very rules.
      auto created = Relabeler::Create(job.config->job_name, job.config->seeds,
                                       job.config->relabel_configs);
      assert(created);
      job.relabeler = std::move(*created);
    }
    job.rules_digest = RulesDigest(*job.config);
    targets_.SetJob(job.id, job.config, job.relabeler);
  }
  job.awaited.reset();
  if (!job.served) {
    job.active = feeds;
    targets_.Feed(job.id, job.active);
  } else if (feeds != job.active) {
    job.awaited = feeds;
  }
}

bool Allocator::ObserveGroups(const std::vector<DiscoveryUpdate>& updates) {
  bool any = false;
  for (const DiscoveryUpdate& update : updates) {
    // One of a discoverer that was stopped may come late.
    if (!in_use_.contains(update.discoverer)) continue;
    if (update.instance != 0 &&
        update.instance <= outdated_instances_.at(update.discoverer)) {
      continue;
    }
    sync_.Heard(update.discoverer,
                {update.synced, update.partial, update.problem});
    any = any || !update.groups.empty();
    if (!targets_.Apply(update)) continue;
    stale_discoverers_.insert(update.discoverer);
    changed_ = true;
  }
  return any;
}

void Allocator::ObserveMembers(const AllocatorInput& input, TimePoint now) {
  for (const MembersUpdate& update : input.members) {
    membership_.Observe(update, now);
  }
  membership_.Remember(input.remembered_members, now);
  for (const Poll& poll : input.polls) {
    membership_.Polled(poll);
    const auto member = membership_.members().find(poll.collector);
    const auto job = sync_.jobs().find(poll.job);
    if (poll.sent_generation && member != membership_.members().end() &&
        job != sync_.jobs().end()) {
      hand_over_.Sent(member->second.id, job->second.id, *poll.sent_generation,
                      poll.at);
    }
  }
  gone_ = membership_.Advance(now);
  if (membership_.version() != seen_version_) {
    seen_version_ = membership_.version();
    changed_ = true;
    live_.clear();
    draining_.clear();
    for (const auto& [name, member] : membership_.members()) {
      (member.live() ? live_ : draining_).insert(member.id);
      shares_.Introduce(member.id, name);
    }
  }
  if (membership_.strangers_version() != seen_strangers_version_) {
    seen_strangers_version_ = membership_.strangers_version();
    auto strangers = membership_.Strangers();
    if (strangers != strangers_) {
      strangers_ = std::move(strangers);
      changed_ = true;
    }
  }
  if (membership_.problem() != members_problem_) {
    members_problem_ = membership_.problem();
    changed_ = true;
  }
}

// Forgets the discoverers that feed no job any more, and says so.
void Allocator::Retain(AllocatorOutput& output) {
  in_use_changed_ = false;
  in_use_ = sync_.InUse();
  std::erase_if(outdated_instances_, [&](const auto& entry) {
    return !in_use_.contains(entry.first);
  });
  for (const std::string& key : targets_.Discoverers()) {
    if (in_use_.contains(key)) continue;
    targets_.Forget(key);
    sync_.Forget(key);
  }
  IndexDiscoverers();
  changed_ = true;
  output.discoverers_in_use = in_use_;
}

void Allocator::Assign(const TargetSet::Changes& changes, TimePoint now) {
  bool ran = !gone_.empty() || !changes.removed.empty() || strategy_is_new_ ||
             membership_.live_version() != seen_live_version_;
  moves_ = strategy_is_new_ ? &totals_.moves_config
           : membership_.live_version() != seen_live_version_
               ? &totals_.moves_members
               : &totals_.moves_rebalance;
  // First who is gone: they are nobody's earlier owner in what follows.
  for (const MemberId member : gone_) {
    for (const Slot slot : hand_over_.Gone(member)) served_anew_.insert(slot);
  }
  std::vector<StrategyTarget> added = Continue(changes);
  for (const auto& gone : changes.removed) {
    hand_over_.Removed(gone.slot);
    shares_.Remove(gone.slot, gone.job, gone.target->id);
    served_anew_.erase(gone.slot);
  }
  served_anew_.insert(changes.updated.begin(), changes.updated.end());
  const std::vector<Assignment> placed = Place(changes, std::move(added));
  for (const Assignment& assignment : placed) Move(assignment, now);
  for (const HandOver::Ended& ended : hand_over_.Advance(
           now, membership_.largest_refresh_interval(), draining_)) {
    ran = true;
    served_anew_.insert(ended.slot);
    if (ended.still_open) continue;
    totals_.overlap_seconds.Add(
        std::chrono::duration<double>(ended.lasted).count());
    if (ended.timed_out) ++totals_.hand_overs_timed_out;
  }
  EndStage(ran || !placed.empty(), Stage::kAssign, placed.size());
}

// From who owns what to the lists that are served.
void Allocator::MakeLists(const TargetSet::Changes& changes) {
  for (const Slot slot : std::exchange(served_anew_, {})) {
    const Shares::Place place = shares_.Of(slot);
    Serve(slot, place.owner, place.reason, place.given);
  }

  stale_views_.merge(shares_.Flush());
  stale_views_.insert(changes.unserved.begin(), changes.unserved.end());
  for (const MemberId member : std::exchange(gone_, {})) shares_.Forget(member);
  for (const JobId job : std::exchange(leaving_, {})) {
    targets_.RemoveJob(job);
    shares_.RemoveJob(job);
    stale_views_.erase(job);
    changed_ = true;
  }
  if (!stale_views_.empty()) changed_ = true;
}

// The new targets; one that continues another begins where that one is.
std::vector<StrategyTarget> Allocator::Continue(
    const TargetSet::Changes& changes) {
  struct Passings {
    std::vector<Passing> disappeared, appeared;
  };
  std::map<JobId, Passings> by_job;
  for (const auto& gone : changes.removed) {
    by_job[gone.job].disappeared.push_back({gone.slot, gone.target});
  }
  if (!by_job.empty()) {
    for (const Slot slot : changes.added) {
      const auto job = by_job.find(targets_.JobOf(slot));
      if (job == by_job.end()) continue;
      job->second.appeared.push_back({slot, targets_.TargetOf(slot)});
    }
  }
  std::unordered_map<Slot, Slot> predecessors;
  for (const auto& [job, passings] : by_job) {
    for (const Continuation& pair :
         FindContinuations(passings.disappeared, passings.appeared)) {
      predecessors[pair.to] = pair.from;
    }
  }
  std::vector<StrategyTarget> added;
  added.reserve(changes.added.size());
  for (const Slot slot : changes.added) {
    MemberId previous = kNoMember;
    if (const auto from = predecessors.find(slot); from != predecessors.end()) {
      const Shares::Place place = shares_.Of(from->second);
      hand_over_.Continue(from->second, slot);
      Serve(slot, place.owner, place.reason, place.given);
      previous = place.owner;
    }
    added.push_back(ForStrategy(slot, previous));
  }
  return added;
}

// Tells the strategy what it does not know yet.
std::vector<Assignment> Allocator::Place(const TargetSet::Changes& changes,
                                         std::vector<StrategyTarget> added) {
  std::vector<Slot> removed;
  if (std::exchange(strategy_is_new_, false)) {
    std::set<Slot> fresh(changes.added.begin(), changes.added.end());
    for (Slot slot = 0; slot < targets_.slots(); ++slot) {
      if (shares_.Of(slot).present && !fresh.contains(slot)) {
        added.push_back(ForStrategy(slot, shares_.Of(slot).owner));
      }
    }
    seen_live_version_ = ~membership_.live_version();  // it knows none
  } else {
    for (const auto& gone : changes.removed) removed.push_back(gone.slot);
    if (strategy_settings_.kind == StrategyKind::kPerNode) {
      // Other labels may name another node: out and in again.
      for (const Slot slot : changes.updated) {
        removed.push_back(slot);
        added.push_back(ForStrategy(slot, shares_.Of(slot).owner));
      }
    }
  }
  std::vector<StrategyMember> members;
  const bool members_changed = membership_.live_version() != seen_live_version_;
  if (members_changed) members = LiveMembers();
  seen_live_version_ = membership_.live_version();
  if (removed.empty() && added.empty() && !members_changed) return {};
  return strategy_->Apply(
      {removed, members_changed ? &members : nullptr, added});
}

// Takes note of where the strategy has put a target.
void Allocator::Move(const Assignment& assignment, TimePoint now) {
  const Slot slot = assignment.slot;
  const Shares::Place place = shares_.Of(slot);
  if (place.present && place.owner == assignment.owner &&
      (place.owner != kNoMember || place.reason == assignment.reason)) {
    return;
  }
  std::uint64_t given = place.given;
  if (place.owner != assignment.owner) {
    const std::uint64_t generation = generation_ + 1;
    // One that comes back has it still, and was sent it.
    given = hand_over_.IsEarlier(slot, assignment.owner) ? HandOver::kSent
                                                         : generation;
    hand_over_.Moved(
        {slot, targets_.JobOf(slot), place.owner, assignment.owner, place.given,
         generation, targets_.TargetOf(slot)->scrape_interval},
        live_.contains(place.owner) || draining_.contains(place.owner), now);
    if (place.owner != kNoMember && assignment.owner != kNoMember) ++*moves_;
  }
  served_anew_.erase(slot);
  Serve(slot, assignment.owner, assignment.reason, given);
}

void Allocator::Serve(Slot slot, MemberId owner, UnassignedReason reason,
                      std::uint64_t given) {
  shares_.Set(slot, targets_.JobOf(slot), targets_.TargetOf(slot), owner,
              reason, given, hand_over_.Earlier(slot));
}

StrategyTarget Allocator::ForStrategy(Slot slot, MemberId previous) const {
  const Target& target = *targets_.TargetOf(slot);
  StrategyTarget result{slot, target.placement_key, target.id, "", previous};
  if (strategy_settings_.kind == StrategyKind::kPerNode) {
    result.node = NodeOf(target);
  }
  return result;
}

std::vector<StrategyMember> Allocator::LiveMembers() const {
  std::vector<StrategyMember> members;
  for (const auto& [name, member] : membership_.members()) {
    if (member.live()) members.push_back({member.id, name, member.node});
  }
  return members;
}

void Allocator::EndRelabel(bool ran) {
  EndStage(ran, Stage::kRelabel,
           targets_.relabeled() -
               std::exchange(told_relabeled_, targets_.relabeled()));
}

}  // namespace ta
