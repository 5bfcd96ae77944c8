// Why the bounded ring put a target where it is, computed from names and loads
// alone: the ring is a function of the names, so the view need not keep the
// matching's own, which changes under it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/strategy_view.h"
#include "hashing/ring.h"

namespace ta {

// The members of a ring. Immutable but for the ring itself, which is built when
// somebody first asks (milliseconds at 100 members) and shared by all views of
// the same members. Thread-safe.
class RingMembers {
 public:
  // REQUIRES: names sorted and unique
  explicit RingMembers(std::vector<std::string> names)
      : names_(std::move(names)) {}
  const std::vector<std::string>& names() const { return names_; }
  const Ring& ring() const;

 private:
  std::vector<std::string> names_;
  mutable std::once_flag once_;  // guards the construction of ring_
  mutable std::unique_ptr<const Ring> ring_;
};

// The candidates of a target on a ring of `members`, in the order of its
// preference. `loads` are what the members own, `items` is the number of
// targets in the matching.
PlacementExplanation ExplainOnRing(const RingMembers& members,
                                   const std::vector<std::size_t>& loads,
                                   std::size_t items,
                                   int load_ratio_thousandths,
                                   std::uint64_t placement_key,
                                   std::string_view owner, std::size_t limit);

}  // namespace ta
