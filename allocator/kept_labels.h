// The labels that relabeling leaves of a target, sorted by name. Sorting would
// cost as much as five rules; but the targets of a job end up with the same
// names in the same order nearly always, so the sorted order is remembered by
// them.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "allocator/label_builder.h"
#include "allocator/label_pool.h"
#include "allocator/labels.h"

namespace ta {

// Confined to one thread at a time. Keeps its memory from target to target.
class KeptLabels {
 public:
  // Takes the labels of `builder` that are no meta labels, sorted by name.
  // Their values must outlive the use of pairs().
  void Take(const LabelBuilder& builder);
  void Clear() { pairs_.clear(); }

  // Until the next Take or Clear.
  std::span<const LabelPair> pairs() const { return pairs_; }

 private:
  using NameId = label_pool::NameId;

  // A sequence of names that was seen, and how to sort it.
  struct Order {
    std::vector<NameId> names;
    std::vector<LabelName> sorted;    // the same names; holds them
    std::vector<std::uint32_t> from;  // where each came from
    std::vector<std::string_view> texts;
  };
  const Order& OrderOf(std::uint64_t hash);

  std::vector<LabelPair> pairs_;
  // The target's names and values as they come.
  std::vector<NameId> names_;
  std::vector<std::string_view> values_;
  // By the hash of the names; a new sequence replaces the old.
  std::array<Order, 16> orders_;
};

}  // namespace ta
