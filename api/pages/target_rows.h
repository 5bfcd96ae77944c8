// The discovered targets that a page shows: a few of perhaps a million, found
// without looking at most of the others. What inventory.h makes a list of for
// the API is counted here instead, list by list.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "allocator/inventory.h"
#include "allocator/snapshot.h"

namespace ta {

// Which targets are meant: everything said must hold. What it points to lives
// as long as the snapshot.
struct TargetFilter {
  const JobView* job = nullptr;           // null: of any job
  const MemberView* collector = nullptr;  // owned by it, or still served to it
  std::optional<TargetState> state;
  std::optional<int> rule;   // dropped by this one of relabel_configs
  std::string_view address;  // a part of the discovered address; "": any
};

// One row; lives as long as the snapshot.
struct TargetRow {
  const JobView* job = nullptr;
  InventoryEntry entry;
};

struct TargetRows {
  std::size_t matches = 0;
  std::vector<TargetRow> rows;
};

// The rows from `first` on, at most `count` of them, of all that match: by job,
// in it the assigned by collector and TargetId, then the unassigned by
// TargetId, then the others by discoverer and source. Where all that is asked
// is a job, a collector or a state that is served: O(jobs · collectors + rows).
// With a part of an address, or for what is not served, O(targets), some 50 ns
// each.
TargetRows FindTargets(const Snapshot& snapshot, const TargetFilter& filter,
                       std::size_t first, std::size_t count);

// The live target `id`, of `job` or, where that is null, of any. O(jobs ·
// collectors · log targets).
std::optional<TargetRow> FindTarget(const Snapshot& snapshot,
                                    const JobView* job, const TargetId& id);

// What a target that is not served is found by again: a hash of where it comes
// from and what it was discovered with. Equal ones have the same.
std::uint64_t UnservedKey(const UnservedGroup& group,
                          const UnservedTarget& unserved);
// The first one of `job` with that key. O(targets that are not served).
std::optional<TargetRow> FindUnserved(const JobView& job, std::uint64_t key);

}  // namespace ta
