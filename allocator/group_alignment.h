// How a group's targets become those of its next version: which are the same,
// so that only the others cost anything.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allocator/labels.h"

namespace ta {

struct Alignment {
  static constexpr std::uint32_t kNowhere = 0xffffffff;

  // An old target that stands elsewhere in the next version.
  struct Moved {
    std::uint32_t from;
    std::uint32_t to;
    bool operator==(const Moved&) const = default;
  };
  // Indices that are in neither list nor in `moved` are equal in both versions.
  std::vector<std::uint32_t> lost;   // old targets that are there no more
  std::vector<std::uint32_t> fresh;  // new ones
  std::vector<Moved> moved;          // each index at most once
};

// Compares label sets, nothing else. A target that was inserted or erased
// shifts those behind it, which is found without a look at their content's
// hashes; what is left is found by hash. O(old + next).
Alignment Align(std::span<const Labels> old, std::span<const Labels> next);

}  // namespace ta
