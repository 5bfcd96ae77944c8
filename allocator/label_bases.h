// How Labels stand in memory, and which of them are written down by others.
//
// The targets of one application agree in nearly all of their labels: of 44 to
// 74 pairs five to ten are a target's own or its node's. So a Labels of many
// pairs is kept as what it has otherwise than a near one, its base, wherever
// there is one: 60 to 80 bytes instead of 250.
//
// The nearest base is found by the pairs themselves: each remembers (its hint)
// which base was the last that has it. Those that only this application has
// lead to the application's base; the others lead to some other base, which is
// compared and found to be further away. A base lives while one of those
// written down by it does, though its own target may be gone.
//
// Internal to the core: for labels.cc.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "allocator/label_pool.h"
#include "allocator/labels.h"

namespace ta {

// What a Labels points to, in one block of memory. After these fields come
//
//   kPlain, kBase:  the numbers of its pairs in byte order of names; a base's
//                   own number after them
//   kDifference:    the base, how many pairs differ (1 byte), their positions
//                   (1 byte each, ascending), from the next multiple of 4 on
//                   the numbers of the pairs that stand there
//
// Immutable but for `refs` and, until others can see it, the kind.
struct Labels::Rep {
  using PairId = label_pool::PairId;
  enum class Kind : std::uint8_t { kPlain, kBase, kDifference };
  // Of a difference, and its base: positions are bytes.
  static constexpr std::size_t kMaxCompared = 255;

  Rep(Kind of, std::size_t pairs, std::uint64_t content)
      : kind(of), count(static_cast<std::uint32_t>(pairs)), hash(content) {}

  std::atomic<std::uint32_t> refs = 1;
  Kind kind : 2;
  std::uint32_t count : 30;  // of pairs, all of them
  std::uint64_t hash;

  // Of kPlain and kBase.
  PairId* ids() { return reinterpret_cast<PairId*>(this + 1); }
  const PairId* ids() const {
    return reinterpret_cast<const PairId*>(this + 1);
  }
  std::uint32_t& base_number() { return ids()[count]; }

  // Of kDifference.
  struct Difference {
    Rep* base;
    std::uint8_t count;

    // `count` of them.
    std::uint8_t* positions() { return &count + 1; }
    const std::uint8_t* positions() const { return &count + 1; }
    static constexpr std::size_t IdsAt(std::size_t count) {
      return (offsetof(Difference, count) + 1 + count + 3) / 4 * 4;
    }
    static constexpr std::size_t Bytes(std::size_t count) {
      return IdsAt(count) + count * sizeof(PairId);
    }
    PairId* ids() {
      return reinterpret_cast<PairId*>(reinterpret_cast<char*>(this) +
                                       IdsAt(count));
    }
    const PairId* ids() const { return const_cast<Difference*>(this)->ids(); }
  };
  Difference& difference() { return *reinterpret_cast<Difference*>(this + 1); }
  const Difference& difference() const {
    return *reinterpret_cast<const Difference*>(this + 1);
  }
};
static_assert(sizeof(Labels::Rep) == 16);

namespace label_bases {

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
// the caller. It has the same names in the same order. Locks; some ten
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

}  // namespace label_bases
}  // namespace ta
