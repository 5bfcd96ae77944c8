// The allocator: the single writer of everything that is served. Updates and a
// time go in; the next snapshot, and when to call again, come out.
//
//   group updates -> target set -> strategy -> hand-over -> shares -> snapshot
//
// Pure: it waits for nothing and asks nobody, so a test or a simulator drives
// it through years in seconds. What is at rest depends only on the sets of
// targets and members (but for least-weighted), so replicas agree without
// talking.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/config/config.h"
#include "allocator/continuity.h"
#include "allocator/hand_over.h"
#include "allocator/membership.h"
#include "allocator/shares.h"
#include "allocator/snapshot.h"
#include "allocator/stage_timer.h"
#include "allocator/strategy.h"
#include "allocator/sync.h"
#include "allocator/target_set.h"
#include "allocator/updates.h"

namespace ta {

// Everything that happened since the last call, in any number.
struct AllocatorInput {
  std::shared_ptr<const Config> config;  // if it changed
  std::optional<ReloadStatus> reload;    // if one was tried
  std::vector<DiscoveryUpdate> discovery;
  std::vector<MembersUpdate> members;
  std::vector<Poll> polls;
  // Names of polling members that a state directory remembers; at the start.
  std::vector<std::string> remembered_members;
};

struct AllocatorOutput {
  // Null when nothing that is served or shown changed.
  std::shared_ptr<const Snapshot> snapshot;
  // Call again by then, also without input.
  std::optional<TimePoint> deadline;
  // Keys of the discoverers that must go on running, when they are others than
  // before. A job keeps its old ones until all of its new ones have answered.
  std::optional<std::set<std::string>> discoverers_in_use;
};

// Confined to one thread.
class Allocator {
 public:
  // `timer`, if there is one, outlives the allocator and is told its stages.
  explicit Allocator(StageTimer* timer = nullptr) : timer_(timer) {}

  // `now` never goes back.
  AllocatorOutput Apply(AllocatorInput input, TimePoint now);

 private:
  void Configure(std::shared_ptr<const Config> config, TimePoint now);
  void ConfigureJob(std::shared_ptr<const ScrapeConfig> config);
  // Whether there were any groups, for a discoverer in use.
  bool ObserveGroups(const std::vector<DiscoveryUpdate>& updates);
  void ObserveMembers(const AllocatorInput& input, TimePoint now);
  void Retain(AllocatorOutput& output);

  // From what came and went to who is served what.
  void Assign(const TargetSet::Changes& changes, TimePoint now);
  void MakeLists(const TargetSet::Changes& changes);
  std::vector<StrategyTarget> Continue(const TargetSet::Changes& changes);
  std::vector<Assignment> Place(const TargetSet::Changes& changes,
                                std::vector<StrategyTarget> added);
  void Move(const Assignment& assignment, TimePoint now);
  void Serve(Slot slot, MemberId owner, UnassignedReason reason,
             std::uint64_t given);
  StrategyTarget ForStrategy(Slot slot, MemberId previous) const;
  std::vector<StrategyMember> LiveMembers() const;

  // What there is to see (publish.cc).
  std::shared_ptr<const Snapshot> Publish();
  std::shared_ptr<const JobView> ViewOf(const SyncedJob& job) const;
  void RefreshMemberViews();
  MemberView ViewOf(const Membership::Member& member) const;
  void IndexJobs();
  void IndexDiscoverers();
  void RefreshDiscovererViews();

  // What the timer is told: since the last of these calls the stage ran, or
  // else nothing did that counts.
  void EndRelabel(bool ran);
  void EndStage(bool ran, Stage stage, std::uint64_t items) {
    if (!ran) return Pass();
    if (timer_ != nullptr) timer_->Ran(stage, items);
  }
  void Pass() {
    if (timer_ != nullptr) timer_->Passed();
  }

  StageTimer* const timer_;
  std::uint64_t told_relabeled_ = 0;
  std::shared_ptr<const Config> config_;
  TargetSet targets_;
  Sync sync_;
  Membership membership_;
  std::unique_ptr<Strategy> strategy_;
  StrategySettings strategy_settings_;
  bool strategy_is_new_ = false;  // it knows no member and no target yet
  HandOver hand_over_;
  Shares shares_;

  std::uint64_t generation_ = 0;  // of the last snapshot
  bool changed_ = true;           // there is something to publish
  JobId next_job_ = 0;
  std::vector<JobId> leaving_;  // jobs that the configuration no longer has
  std::set<std::string> in_use_;
  std::uint64_t largest_instance_ = 0;  // that any update came from
  // By key in use: those up to this one were stopped before it was in use.
  std::map<std::string, std::uint64_t> outdated_instances_;
  bool in_use_changed_ = false;
  std::uint64_t seen_version_ = 0;       // of membership_
  std::uint64_t seen_live_version_ = 0;  // that strategy_ knows
  std::vector<MemberId> gone_;           // in the step under way
  std::set<MemberId> live_;
  std::set<MemberId> draining_;
  std::set<Slot> served_anew_;      // whose lists must be redone
  std::uint64_t* moves_ = nullptr;  // where to count, by cause

  std::uint64_t viewed_version_ = 0;  // of membership_, in what follows
  std::vector<const Membership::Member*> member_order_;  // by name
  std::unordered_map<MemberId, std::size_t> member_position_;
  SharedBlocks<MemberView> member_views_;                // as member_order_
  std::vector<const SyncedJob*> job_order_;              // by name, as views_
  std::unordered_map<JobId, std::size_t> job_position_;  // in job_order_
  std::vector<std::shared_ptr<const JobView>> views_;
  std::set<JobId> stale_views_;
  std::set<std::string> removed_jobs_;
  std::vector<std::shared_ptr<const DiscovererView>> discoverer_views_;
  std::map<std::string, std::size_t> discoverer_position_;  // in use, by key
  std::set<std::string> stale_discoverers_;  // whose views must be redone
  std::uint64_t seen_strangers_version_ = 0;
  std::vector<std::string> strangers_;
  std::string members_problem_;
  ReloadStatus reload_;
  Totals totals_;
};

}  // namespace ta
