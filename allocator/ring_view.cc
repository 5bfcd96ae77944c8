#include "allocator/ring_view.h"

#include "hashing/capacity.h"

namespace ta {
namespace {

std::string Verdict(bool is_owner, bool owner_seen) {
  if (is_owner) return "owner";
  return owner_seen ? "farther than the owner" : "full with nearer targets";
}

}  // namespace

const Ring& RingMembers::ring() const {
  std::call_once(once_, [this] { ring_ = std::make_unique<Ring>(names_); });
  return *ring_;
}

PlacementExplanation ExplainOnRing(const RingMembers& members,
                                   const std::vector<std::size_t>& loads,
                                   std::size_t items,
                                   int load_ratio_thousandths,
                                   std::uint64_t placement_key,
                                   std::string_view owner, std::size_t limit) {
  PlacementExplanation result;
  result.strategy = "consistent-hashing";
  const std::vector<std::string>& names = members.names();
  if (names.empty()) {
    result.summary = "there is no live collector";
    return result;
  }
  const auto seat_order = SeatOrder(names);
  std::vector<std::size_t> capacity(names.size());
  const auto total = TotalCapacity(items, load_ratio_thousandths);
  for (std::size_t rank = 0; rank < seat_order.size(); ++rank) {
    capacity[seat_order[rank]] = SeatsOf(rank, names.size(), total);
  }

  // Clockwise from the key: a member counts where its nearest point is met.
  const Ring& ring = members.ring();
  const auto points = ring.points();
  const std::size_t start = ring.Find(placement_key);
  std::vector<bool> seen(names.size());
  bool owner_seen = false;
  std::size_t before_owner = 0;
  std::size_t met = 0;
  for (std::size_t i = 0; i < points.size() && met < names.size(); ++i) {
    const Ring::Point& point = points[(start + i) % points.size()];
    if (seen[point.member]) continue;
    seen[point.member] = true;
    ++met;
    const std::string& name = names[point.member];
    const bool is_owner = name == owner;
    if (result.candidates.size() < limit) {
      result.candidates.push_back({name, point.hash - placement_key,
                                   loads[point.member], capacity[point.member],
                                   Verdict(is_owner, owner_seen)});
    }
    if (is_owner) owner_seen = true;
    if (!owner_seen) ++before_owner;
  }
  if (!owner_seen) {
    result.summary = "it has no owner";
  } else if (before_owner == 0) {
    result.summary = std::string(owner) + " is nearest on the ring";
  } else {
    result.summary = std::string(owner) + " is the nearest on the ring after " +
                     std::to_string(before_owner) +
                     " that are full with nearer targets";
  }
  return result;
}

}  // namespace ta
