// Every discovered target of a job with its state, which a snapshot keeps
// apart: lists by collector, the unassigned, the unserved by group. For the
// person on call and for explain; what collectors ask never comes here.

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "allocator/snapshot.h"

namespace ta {

enum class TargetState {
  kAssigned,
  kUnassigned,
  kDropped,    // by a rule or by a check after relabeling
  kDuplicate,  // another one with its id is served
  kInvalid,    // not accepted by its discoverer
};
// "assigned", "unassigned", "dropped", "duplicate", "invalid".
std::string_view ToString(TargetState state);
std::optional<TargetState> ParseTargetState(std::string_view text);
TargetState StateOf(UnservedTarget::State state);

// One discovered target. Exactly one of `target` and `unserved` is set. The
// pointers live as long as the snapshot.
struct InventoryEntry {
  TargetState state = TargetState::kAssigned;
  const Target* target = nullptr;
  const UnservedTarget* unserved = nullptr;
  const UnservedGroup* unserved_group = nullptr;
  MemberId owner = kNoMember;            // kAssigned
  std::vector<MemberId> earlier;         // still served to these, ascending
  UnassignedReason unassigned_reason{};  // kUnassigned

  const Labels& group() const {
    return target != nullptr ? target->group : unserved->group;
  }
  const Labels& own() const {
    return target != nullptr ? target->own : unserved->own;
  }
  // The value of a discovered label, "" if absent.
  std::string_view Get(std::string_view name) const;
};

// All of them, or those that are wanted: the live ones by TargetId, then the
// unserved by discoverer, source and the order in which they were discovered.
// `wanted` is asked before it is known what became of a live target, and sees
// its labels only. O(n log n) and 100 bytes for each that is given.
std::vector<InventoryEntry> InventoryOf(
    const JobView& job,
    const std::function<bool(const InventoryEntry&)>& wanted = nullptr);

// The name of a member of `snapshot`; "" for kNoMember or one that is gone.
// O(members).
std::string_view MemberName(const Snapshot& snapshot, MemberId id);

}  // namespace ta
