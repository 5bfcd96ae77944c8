// All discovered targets by job: takes group updates, relabels what changed,
// removes duplicates, and says which live targets came, went or changed.
//
// A discoverer's groups are kept once, however many jobs it feeds. Each target
// of a group that a job keeps after relabeling is a claim on the live target of
// its id; equal ids are one target, which is served as its smallest claim has
// it and lives while it has a claim.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/ids.h"
#include "allocator/live_target.h"
#include "allocator/relabel.h"
#include "allocator/slot_index.h"
#include "allocator/snapshot.h"
#include "allocator/target.h"
#include "allocator/target_group.h"
#include "allocator/unserved.h"
#include "allocator/updates.h"

namespace ta {

struct Alignment;

// Confined to the writer.
class TargetSet {
 public:
  // What changed since the last Take, each list by slot. A slot that is removed
  // is given out again only after the next Take.
  struct Changes {
    struct Removed {
      Slot slot;
      JobId job;
      TargetPtr target;
    };
    std::vector<Slot> added;
    std::vector<Removed> removed;
    std::vector<Slot> updated;  // same id, other discovered labels
    std::set<JobId> unserved;   // jobs whose unserved targets changed

    bool any() const {
      return !added.empty() || !removed.empty() || !updated.empty() ||
             !unserved.empty();
    }
  };

  // How a discoverer stands, for the snapshot.
  struct DiscovererStats {
    bool synced = false;
    std::string problem;
    std::size_t groups = 0;
    std::size_t targets = 0;
  };

  TargetSet();
  ~TargetSet();

  // A job with its rules; null `relabeler` means filter_strategy none. Called
  // again for a job that is there, its targets are relabeled from the groups at
  // hand. It is fed by nothing at first.
  void SetJob(JobId job, std::shared_ptr<const ScrapeConfig> config,
              std::shared_ptr<const Relabeler> relabeler);
  // The discoverers that feed the job from now on.
  void Feed(JobId job, const std::set<std::string>& discoverers);
  void RemoveJob(JobId job);

  // Groups are kept whether or not a job is fed by the discoverer yet. False
  // when the update says nothing new. Costs what changed, plus a comparison of
  // labels for each other target of a changed group.
  bool Apply(const DiscoveryUpdate& update);
  // Forgets a discoverer that feeds no job. REQUIRES: it feeds none
  void Forget(const std::string& discoverer);
  // Null if nothing was heard of it.
  const DiscovererStats* Stats(const std::string& discoverer) const;
  std::vector<std::string> Discoverers() const;  // heard of, sorted

  Changes Take();

  // Of live slots, and of removed ones until the next Take.
  const TargetPtr& TargetOf(Slot slot) const { return records_[slot].target; }
  JobId JobOf(Slot slot) const { return records_[slot].job; }
  // Slots are below this.
  std::size_t slots() const { return records_.size(); }

  // Of a job: discovered, dropped, duplicates and invalid are filled in.
  JobCounts Counts(JobId job) const;
  const UnservedIndex& Unserved(JobId job) const;
  // Targets relabeled since the start.
  std::uint64_t relabeled() const { return relabeled_; }

 private:
  struct Discoverer;
  struct Group;
  struct JobGroup;
  struct Job;
  struct Carried;
  // One target of one group.
  struct Claim {
    Group* group = nullptr;
    std::uint32_t index = 0;
    bool operator==(const Claim&) const = default;
  };
  // By source, then discovered labels as bytes: the smallest is served.
  struct ClaimOrder {
    bool operator()(const Claim& a, const Claim& b) const;
  };
  using Outcome = std::uint32_t;  // see target_set.cc
  struct Record {
    // As last taken; before the first Take, as the first claim on it has it.
    // Its id is the slot's. Null only where the slot is free.
    TargetPtr target;
    // The smallest claim, if there is any: what is served. The others are in
    // further_claims_. In two parts, as a Claim has padding at its end.
    Group* group = nullptr;
    std::uint32_t index = 0;
    JobId job : 30 = 0;
    bool touched : 1 = false;  // in touched_
    bool taken : 1 = false;    // told of as added by a Take

    Claim first() const { return {group, index}; }
    void SetFirst(const Claim& claim) {
      group = claim.group;
      index = claim.index;
    }
  };
  static_assert(sizeof(Record) == 24);
  // What relabeling makes of a target that it keeps, as far as the target
  // itself must know it.
  struct Identity {
    TargetId id;
    std::uint64_t placement_key = 0;
    Target::Interval scrape_interval{};
    bool operator==(const Identity&) const = default;
  };
  // What relabeling made of one target.
  struct Verdict;

  void Replace(const Discoverer& discoverer, Group& group,
               const TargetGroup& next);
  Carried Release(Group& group, JobGroup& own, const Alignment& alignment);
  void ClaimAnew(Job& job, Group& group, JobGroup& own,
                 const Alignment& alignment, const Carried& carried);
  void Attach(Group& group, JobId job);
  void Detach(Group& group, JobId job);
  void Decide(Job& job, Group& group, JobGroup& own, std::uint32_t index,
              Outcome known);
  Verdict Judge(const Job& job, const Group& group, std::uint32_t index);
  // As the last claim on the slot has it.
  Identity IdentityOf(Slot slot) const;
  static TargetPtr MakeTarget(const Identity& identity, const Claim& claim);
  Slot Claimed(JobId job, const Identity& identity, Claim claim);
  void Release(Slot slot, Claim claim);
  void Touch(Slot slot);
  void Settle(Slot slot, Changes& changes);
  void RefreshUnserved(Group& group, JobId job);
  auto Ids() const {
    return [this](Slot slot) -> const TargetId& {
      return records_[slot].target->id;
    };
  }

  std::map<std::string, std::unique_ptr<Discoverer>> discoverers_;
  std::map<JobId, std::unique_ptr<Job>> jobs_;
  std::vector<Record> records_;
  std::vector<Slot> free_;
  std::vector<Slot> removed_;  // free after the next Take
  SlotIndex index_;
  std::unordered_map<Slot, std::set<Claim, ClaimOrder>> further_claims_;
  std::vector<Slot> touched_;
  // Of touched slots whose last claim came with another placement key or
  // interval than the target has; nearly always empty. Not written into the
  // target, which readers have.
  std::unordered_map<Slot, Identity> judged_anew_;
  std::set<std::pair<Group*, JobId>> stale_;  // whose unserved must be redone
  std::set<JobId> unserved_changed_;
  std::uint64_t relabeled_ = 0;
  RelabelBuffer buffer_;
};

// The node a target is on, for per-node: the first non-empty of the meta labels
// that name one; "" if none does.
std::string_view NodeOf(const Target& target);

}  // namespace ta
