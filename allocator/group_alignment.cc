#include "allocator/group_alignment.h"

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

namespace ta {

Alignment Align(std::span<const Labels> old, std::span<const Labels> next) {
  Alignment result;
  const std::size_t both = std::min(old.size(), next.size());
  // What both end with. With equal sizes it stands where it stood.
  std::size_t tail = 0;
  if (old.size() != next.size()) {
    while (tail < both &&
           old[old.size() - 1 - tail] == next[next.size() - 1 - tail]) {
      ++tail;
    }
  }
  std::vector<std::uint32_t> lost;
  std::vector<std::uint32_t> fresh;
  const std::size_t old_end = old.size() - tail;
  const std::size_t next_end = next.size() - tail;
  for (std::uint32_t i = 0; i < std::max(old_end, next_end); ++i) {
    if (i < old_end && i < next_end && old[i] == next[i]) continue;
    if (i < old_end) lost.push_back(i);
    if (i < next_end) fresh.push_back(i);
  }

  // The rest by content. Of equal ones each is taken once.
  constexpr std::uint32_t kNone = 0xffffffff;
  std::unordered_map<std::uint64_t, std::uint32_t> first;  // into lost
  std::vector<std::uint32_t> following(lost.size(), kNone);
  std::vector<bool> taken(lost.size(), false);
  if (!fresh.empty()) {
    first.reserve(lost.size());
    for (std::uint32_t i = static_cast<std::uint32_t>(lost.size()); i-- > 0;) {
      const auto [at, is_new] = first.try_emplace(old[lost[i]].Hash(), i);
      if (!is_new) following[i] = std::exchange(at->second, i);
    }
  }
  for (const std::uint32_t index : fresh) {
    const auto at = first.find(next[index].Hash());
    if (at == first.end() || at->second == kNone ||
        old[lost[at->second]] != next[index]) {
      result.fresh.push_back(index);
      continue;
    }
    taken[at->second] = true;
    result.moved.push_back({lost[at->second], index});
    at->second = following[at->second];
  }
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (!taken[i]) result.lost.push_back(lost[i]);
  }
  for (std::size_t i = 0; i < tail; ++i) {
    result.moved.push_back({static_cast<std::uint32_t>(old_end + i),
                            static_cast<std::uint32_t>(next_end + i)});
  }
  return result;
}

}  // namespace ta
