// TargetId -> Slot: a hash table of slot numbers alone, 5 to 11 bytes a target,
// since the ids stand in the slots' own records and are random bits already.
// Linear probing, deletion by shifting back (Knuth, TAOCP 3, 6.4, algorithm R).

#pragma once

#include <cstddef>
#include <vector>

#include "allocator/ids.h"
#include "allocator/target.h"

namespace ta {

// `id_of` is what every call gets to look an id up: Slot -> const TargetId&,
// for each slot inserted. Confined to one thread.
class SlotIndex {
 public:
  static constexpr Slot kNone = 0xffffffff;

  // The slot of `id`, or kNone. Expected O(1).
  template <typename IdOf>
  Slot Find(const TargetId& id, const IdOf& id_of) const {
    if (table_.empty()) return kNone;
    for (std::size_t i = Home(id);; i = Next(i)) {
      if (table_[i] == kNone || id_of(table_[i]) == id) return table_[i];
    }
  }

  // REQUIRES: no slot of that id is in
  template <typename IdOf>
  void Insert(Slot slot, const IdOf& id_of) {
    if (4 * (size_ + 1) > 3 * table_.size()) Grow(id_of);
    Place(slot, id_of);
    ++size_;
  }

  // REQUIRES: `slot` is in
  template <typename IdOf>
  void Erase(Slot slot, const IdOf& id_of) {
    std::size_t hole = Home(id_of(slot));
    while (table_[hole] != slot) hole = Next(hole);
    for (std::size_t i = Next(hole); table_[i] != kNone; i = Next(i)) {
      const std::size_t home = Home(id_of(table_[i]));
      // Cyclically: the entry at i may move to the hole unless its home lies
      // after the hole.
      if (((i - home) & Mask()) < ((i - hole) & Mask())) continue;
      table_[hole] = table_[i];
      hole = i;
    }
    table_[hole] = kNone;
    --size_;
  }

  std::size_t size() const { return size_; }

 private:
  std::size_t Mask() const { return table_.size() - 1; }
  std::size_t Home(const TargetId& id) const { return id.low & Mask(); }
  std::size_t Next(std::size_t i) const { return (i + 1) & Mask(); }

  template <typename IdOf>
  void Place(Slot slot, const IdOf& id_of) {
    std::size_t i = Home(id_of(slot));
    while (table_[i] != kNone) i = Next(i);
    table_[i] = slot;
  }

  template <typename IdOf>
  void Grow(const IdOf& id_of) {
    std::vector<Slot> old(table_.empty() ? 16 : 2 * table_.size(), kNone);
    old.swap(table_);
    for (const Slot slot : old) {
      if (slot != kNone) Place(slot, id_of);
    }
  }

  std::vector<Slot> table_;  // a power of two long, at most 3/4 full
  std::size_t size_ = 0;
};

}  // namespace ta
