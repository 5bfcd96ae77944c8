// Which Labels others are written down by: their bases (label_rep.h).
//
// The nearest base is found by the pairs themselves: each remembers (its hint)
// which base was the last that has it. Those that only this application has
// lead to the application's base; the others lead to some other base, which is
// compared and found to be further away. Where an application's Labels have
// several sets of names, because several roles show them or its ports differ,
// each base remembers which one was before it.
//
// A base lives while one of those written down by it does, though its own
// target may be gone. So what nobody has any more may be kept: at most one base
// for each Labels written down by one, and of it at most a quarter of its
// pairs, none with a long value (label_pool.h).
//
// Internal to the core: for label_rep.cc.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "allocator/label_pool.h"
#include "allocator/label_rep.h"
#include "allocator/labels.h"

namespace ta::label_bases {

// Fewer pairs are written down as they are.
inline constexpr std::size_t kMinPairs = 12;
// What differs from a base is a quarter of all pairs at most: beyond, the next
// ones like it are better served by a base of their own.
inline constexpr std::size_t kMostDiffering = Labels::Rep::kMaxCompared / 4;

constexpr bool Compared(std::size_t count) {
  return count >= kMinPairs && count <= Labels::Rep::kMaxCompared;
}

struct Nearest {
  Labels::Rep* base = nullptr;  // null: there is none that is near
  std::size_t differing = 0;    // positions used
  std::array<std::uint8_t, kMostDiffering> positions;
};

// The nearest of the bases that the pairs lead to, with a reference more for
// the caller. It has the same names in the same order. Locks; 16
// comparisons of `ids` at most. REQUIRES: Compared(ids.size()); the caller
// holds the pairs
Nearest FindNearest(std::span<const label_pool::PairId> ids);

// Makes a base of `rep`, which nobody else can see yet, and leads its pairs to
// it. REQUIRES: Compared(rep->count); it is plain, with room for its number
void Add(Labels::Rep* rep);

// How many there are. Locks.
std::size_t Count();

// Drops a reference to a base. True if it was the last: then the base can't be
// found any more, and is the caller's to free.
bool DropReference(Labels::Rep* base);

}  // namespace ta::label_bases
