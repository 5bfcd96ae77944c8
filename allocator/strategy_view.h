// Why a target is where it is: an immutable picture of a strategy's state that
// is cheap to take at each generation and is read by any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/target.h"

namespace ta {

// Why a live target has no owner.
enum class UnassignedReason : std::uint8_t {
  kNoCollectors,       // there is no live collector
  kNoCollectorOnNode,  // per-node: the target's node has no live collector
  kNoNode,             // per-node without fallback: the target names no node
};
// "no_collectors", "no_collector_on_node", "no_node".
std::string_view ToString(UnassignedReason reason);

// A collector that the target could have gone to, nearest first.
struct Candidate {
  std::string collector;
  std::uint64_t distance = 0;  // clockwise on the ring; 0 without a ring
  std::size_t load = 0;        // targets it owns
  std::size_t capacity = 0;    // most it may own; 0 if not bounded
  std::string verdict;  // "owner", "full with nearer targets", "fewest targets"
};

struct PlacementExplanation {
  std::string strategy;  // "consistent-hashing", "per-node on node a", ...
  std::string summary;   // one sentence
  std::vector<Candidate> candidates;
};

// Immutable; any thread.
class StrategyView {
 public:
  virtual ~StrategyView() = default;
  // `owner` is "" for an unassigned target. At most `limit` candidates.
  virtual PlacementExplanation Explain(const TargetId& id,
                                       std::uint64_t placement_key,
                                       std::string_view node,
                                       std::string_view owner,
                                       std::size_t limit) const = 0;
};

}  // namespace ta
