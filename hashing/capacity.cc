#include "hashing/capacity.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "hashing/hash.h"

namespace ta {

std::uint64_t TotalCapacity(std::uint64_t items, int load_ratio_thousandths) {
  assert(load_ratio_thousandths >= 1000);
  const auto ratio = static_cast<std::uint64_t>(load_ratio_thousandths);
  return (items * ratio + 999) / 1000;
}

std::uint64_t SeatHash(std::string_view name) {
  return Hasher(kSeatSeed).Append(name).Hash64();
}

std::vector<std::uint32_t> SeatOrder(std::span<const std::string> names) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ranked;
  ranked.reserve(names.size());
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    ranked.emplace_back(SeatHash(names[i]), i);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::uint32_t> order;
  order.reserve(names.size());
  for (const auto& [hash, member] : ranked) order.push_back(member);
  return order;
}

}  // namespace ta
