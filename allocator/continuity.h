// Which new targets are old ones under another identity: changed rules or a
// changed label give a target a new id, but whoever scraped the old one should
// go on with the new one.

#pragma once

#include <span>
#include <vector>

#include "allocator/ids.h"
#include "allocator/live_target.h"

namespace ta {

// A target that appeared or disappeared, of one job.
struct Passing {
  Slot slot = 0;
  TargetPtr target;
};

struct Continuation {
  Slot from = 0;  // disappeared
  Slot to = 0;    // appeared
  bool operator==(const Continuation&) const = default;
};

// Pairs each target of `appeared` with at most one of `disappeared`, all of one
// job: first where the discovered labels are equal, then where the placement
// keys are, in order of TargetId. Depends on the sets only. O(n log n).
std::vector<Continuation> FindContinuations(
    std::span<const Passing> disappeared, std::span<const Passing> appeared);

}  // namespace ta
