// How Labels of two pairs or more stand in memory.
//
// The targets of one application agree in nearly all of their labels: of 44 to
// 74 pairs five to ten are a target's own or its node's. So a Labels of many
// pairs is kept as what it has otherwise than a near one, its base, wherever
// there is one: 60 to 80 bytes instead of 250. label_bases.h finds it.
//
// Internal to the core: for labels.cc and label_bases.cc.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "allocator/label_pool.h"
#include "allocator/labels.h"

namespace ta {

// What a Labels of two pairs or more points to, in one block of memory. After
// these fields come
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

namespace label_rep {

// The Rep of these pairs, in byte order of names, with one reference for the
// caller; it takes over the references to the pairs. `hashes` are theirs.
// Locks.
Labels::Rep* Make(std::span<const label_pool::PairId> ids,
                  std::span<const std::uint64_t> hashes);
// The hash of a set is the hash of its pairs' hashes, in order.
std::uint64_t HashOfAll(std::span<const std::uint64_t> hashes);
// With the last one the Rep is freed.
void DropReference(Labels::Rep* rep);

// What has the names of `rep`, and its pairs but for those that differ.
inline const Labels::Rep& BaseOf(const Labels::Rep& rep) {
  return rep.kind == Labels::Rep::Kind::kDifference ? *rep.difference().base
                                                    : rep;
}
// The i-th pair. O(pairs that differ). REQUIRES: i < rep.count
label_pool::PairId IdAt(const Labels::Rep& rep, std::size_t i);

}  // namespace label_rep
}  // namespace ta
