// Who is served what: for every job, the list of each collector, and the
// targets that nobody owns. Edits are collected and a list is copied once,
// however many of its targets changed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "allocator/ids.h"
#include "allocator/live_target.h"
#include "allocator/snapshot.h"
#include "allocator/strategy_view.h"
#include "allocator/target.h"

namespace ta {

// Confined to the writer; the lists it gives out are immutable.
class Shares {
 public:
  // How one target is served.
  struct Place {
    std::uint64_t given = 0;  // generation in which the owner was given it
    MemberId owner = kNoMember;
    UnassignedReason reason = UnassignedReason::kNoCollectors;
    bool present = false;  // it stands in some list
  };
  struct OfJob {
    std::vector<JobView::Share> shares;  // by member; empty lists are absent
    std::shared_ptr<const std::vector<UnassignedTarget>> unassigned;
    std::size_t assigned = 0;
  };

  // Must be told before a member owns anything; the name goes into the digest.
  void Introduce(MemberId member, std::string_view name);
  // It is gone and owns nothing any more.
  void Forget(MemberId member);

  const Place& Of(Slot slot) const;

  // `target` of `job` is served to `owner`, and to `earlier` as well, whose
  // copies are not owned. Also to be called when only its labels changed.
  // `given` is noted for the owner.
  void Set(Slot slot, JobId job, TargetPtr target, MemberId owner,
           UnassignedReason reason, std::uint64_t given,
           std::span<const MemberId> earlier);
  // Nobody is served the target `id` any more.
  void Remove(Slot slot, JobId job, const TargetId& id);
  // REQUIRES: it has no targets, and Flush was called
  void RemoveJob(JobId job) { jobs_.erase(job); }

  // Applies the edits; a list that they leave as it was stays the same object.
  // Returns the jobs with a changed list.
  std::set<JobId> Flush();

  // Lists that Flush has made anew since the start.
  std::uint64_t lists_made() const { return lists_made_; }

  const OfJob& Job(JobId job) const;
  std::size_t Owned(MemberId member) const;
  // The members whose Owned may have changed since the last call.
  std::unordered_set<MemberId> TakeCounted() {
    return std::exchange(counted_, {});
  }
  // Of who owns what, by names and ids; independent of the order of events.
  std::uint64_t digest() const { return digest_; }

 private:
  struct Edit {
    TargetId id;
    TargetPtr target;  // null: take it out
    bool owned = true;
    UnassignedReason reason = UnassignedReason::kNoCollectors;
  };
  using ListKey = std::pair<JobId, MemberId>;  // kNoMember: the unassigned

  void Count(const TargetId& id, MemberId owner, int by);
  bool Apply(OfJob& job, MemberId member, const std::vector<Edit>& edits);

  std::vector<Place> places_;                                // by slot
  std::unordered_map<Slot, std::vector<MemberId>> earlier_;  // where not empty
  std::map<ListKey, std::vector<Edit>> edits_;
  std::map<JobId, OfJob> jobs_;
  std::unordered_map<MemberId, std::uint64_t> name_hashes_;
  std::unordered_map<MemberId, std::size_t> owned_;
  std::unordered_set<MemberId> counted_;
  std::uint64_t digest_ = 0;
  std::uint64_t lists_made_ = 0;
};

}  // namespace ta
