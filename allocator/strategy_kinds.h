// The strategies themselves, one source file each; strategy.h picks.

#pragma once

#include <memory>

#include "allocator/strategy.h"

namespace ta {

// The unique stable matching on the bounded ring: see
// hashing/bounded_matching.h. Nothing depends on history.
std::unique_ptr<Strategy> MakeConsistentHashing(int max_load_ratio_thousandths);

// A new target goes to the member with the fewest, ties by name; several new
// ones go in order of TargetId. When members join or leave, the fewest targets
// that make max - min <= 1 move, from the fullest, largest TargetId first.
// Depends on history.
std::unique_ptr<Strategy> MakeLeastWeighted();

// Each node a matching of its own over the live members there. A target that
// names no node goes to `fallback` (null: it stays unassigned), with scope kAll
// also one whose node has no live member.
std::unique_ptr<Strategy> MakePerNode(int max_load_ratio_thousandths,
                                      FallbackScope scope,
                                      std::unique_ptr<Strategy> fallback);

}  // namespace ta
