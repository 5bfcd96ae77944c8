// How many targets each member may own. The total follows the number of targets
// step by step, and so does each member's part: with one ceiling for all
// members, one added target could change every member's capacity at once, which
// was measured to cost up to ten times the least possible churn, against two
// like this.
//
// The total is ceil(ratio * items). Think of it as numbered seats, handed out
// in turn to the members in the order of a hash of their own names: seat s
// belongs to the member of rank s mod N. So every member has floor(total / N)
// seats, the first total mod N members one more, and a total that grows or
// shrinks by one concerns exactly one member.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ta {

// ceil(items * load_ratio_thousandths / 1000): exact, in integers. A ratio of
// 1050 (1.05) leaves one place in twenty free.
// REQUIRES: load_ratio_thousandths >= 1000, so that the total has room for all.
std::uint64_t TotalCapacity(std::uint64_t items, int load_ratio_thousandths);

// Seats of the member of rank `rank` among `members` when there are `total`.
// REQUIRES: rank < members
inline std::uint64_t SeatsOf(std::uint64_t rank, std::uint64_t members,
                             std::uint64_t total) {
  return total / members + (rank < total % members ? 1 : 0);
}

// The hash that ranks a member for its seats: XXH3 64 of the name with
// kSeatSeed. The smaller the hash, the earlier the seat.
std::uint64_t SeatHash(std::string_view name);

// The members' indices in the order in which seats are handed out: by SeatHash,
// then by name. REQUIRES: names are sorted and unique.
std::vector<std::uint32_t> SeatOrder(std::span<const std::string> names);

}  // namespace ta
