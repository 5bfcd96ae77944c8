// A strategy says which collector owns which target. The configuration picks
// one of several:
//
//   consistent-hashing  the bounded ring of hashing/bounded_matching.h
//   least-weighted      new targets go to whoever has the fewest
//   per-node            the collectors on the target's own node, the rest by a
//                       fallback
//
// All work incrementally: an update names what came and went, the answer names
// what may have another owner now.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/ids.h"
#include "allocator/strategy_view.h"
#include "allocator/target.h"

namespace ta {

// A target as a strategy sees it.
struct StrategyTarget {
  Slot slot = 0;
  std::uint64_t placement_key = 0;
  TargetId id;
  std::string_view node;  // "" if it names none; only read during the call
  // Who owned what this target continues. Least-weighted leaves it there.
  MemberId previous = kNoMember;
};

// A live member.
struct StrategyMember {
  MemberId id = kNoMember;
  std::string name;
  std::string node;  // "" if not known
  bool operator==(const StrategyMember&) const = default;
};

// What happened, in this order: targets went, the live members became others,
// targets came. REQUIRES: `removed` are present, `added` are not.
struct StrategyUpdate {
  std::span<const Slot> removed;
  const std::vector<StrategyMember>* members = nullptr;  // null: as before
  std::span<const StrategyTarget> added;
};

// Where a target is now; `reason` says why when `owner` is kNoMember.
struct Assignment {
  Slot slot = 0;
  MemberId owner = kNoMember;
  UnassignedReason reason = UnassignedReason::kNoCollectors;
  bool operator==(const Assignment&) const = default;
};

// Confined to the writer.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // Every target present afterwards whose assignment is another than before,
  // all of `added` among them, each once, by slot; some that did not change
  // may be listed too.
  virtual std::vector<Assignment> Apply(const StrategyUpdate& update) = 0;
  // A picture for those who ask why; cheap: O(members) at most.
  virtual std::shared_ptr<const StrategyView> View() const = 0;
};

// What decides which strategy runs, and how.
struct StrategySettings {
  StrategyKind kind = StrategyKind::kConsistentHashing;
  StrategyKind fallback = StrategyKind::kConsistentHashing;
  FallbackScope scope = FallbackScope::kNode;
  int max_load_ratio_thousandths = 1050;

  static StrategySettings Of(const Config& config);
  bool operator==(const StrategySettings&) const = default;
};

// REQUIRES: kind is not kNone (fallback may be).
std::unique_ptr<Strategy> MakeStrategy(const StrategySettings& settings);

}  // namespace ta
