// A discoverer's groups by source: a hash table of pointers alone, 11 to 21
// bytes a group, since each group holds its source itself. Where every target
// is a group of its own, a std::unordered_map of strings takes 100 bytes more.
//
// Linear probing, deletion by shifting back (Knuth, TAOCP 3, 6.4, algorithm R).

#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "hashing/hash.h"

namespace ta {

// `Owner` is a unique_ptr of some kind to what has a source(), which must not
// change while it is in. A group stays where it is in memory. Confined to one
// thread.
template <typename Owner>
class GroupTable {
 public:
  using Group = typename Owner::element_type;

  // Null if there is none. Expected O(1).
  Group* Find(std::string_view source) const {
    if (table_.empty()) return nullptr;
    for (std::size_t i = Home(source); table_[i] != nullptr; i = Next(i)) {
      if (table_[i]->source() == source) return table_[i].get();
    }
    return nullptr;
  }

  // REQUIRES: none of that source is in
  Group& Insert(Owner group) {
    if (4 * (size_ + 1) > 3 * table_.size()) {
      std::vector<Owner> old(table_.empty() ? 4 : 2 * table_.size());
      old.swap(table_);
      for (Owner& each : old) {
        if (each != nullptr) Place(std::move(each));
      }
    }
    ++size_;
    return Place(std::move(group));
  }

  // REQUIRES: one of that source is in
  void Erase(std::string_view source) {
    std::size_t hole = Home(source);
    while (table_[hole]->source() != source) hole = Next(hole);
    table_[hole] = nullptr;
    for (std::size_t i = Next(hole); table_[i] != nullptr; i = Next(i)) {
      // Cyclically: the entry at i may move to the hole unless its home lies
      // after the hole.
      const std::size_t home = Home(table_[i]->source());
      if (((i - home) & Mask()) < ((i - hole) & Mask())) continue;
      table_[hole] = std::move(table_[i]);
      hole = i;
    }
    --size_;
  }

  // Each group once, in no order. `visit` leaves the table as it is.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Owner& group : table_) {
      if (group != nullptr) visit(*group);
    }
  }

  std::size_t size() const { return size_; }

 private:
  std::size_t Mask() const { return table_.size() - 1; }
  std::size_t Home(std::string_view source) const {
    return Hash64(source) & Mask();
  }
  std::size_t Next(std::size_t i) const { return (i + 1) & Mask(); }

  Group& Place(Owner group) {
    std::size_t i = Home(group->source());
    while (table_[i] != nullptr) i = Next(i);
    table_[i] = std::move(group);
    return *table_[i];
  }

  std::vector<Owner> table_;  // a power of two long, at most 3/4 full
  std::size_t size_ = 0;
};

}  // namespace ta
