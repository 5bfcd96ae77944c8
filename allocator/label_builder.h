// The labels of one target while rules edit them: a flat list in the order in
// which they came, found by the number of their name. An empty value is no
// label. It keeps its memory from target to target.

#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/label_pool.h"
#include "allocator/labels.h"

namespace ta {

// Confined to one thread at a time. Values are views: of the Labels that came
// in, of the rules, or of this builder's own Keep.
class LabelBuilder {
 public:
  using NameId = label_pool::NameId;

  // One label; gone if its value is empty.
  struct Entry {
    NameId name;
    std::string_view value;
  };

  LabelBuilder();

  // Begins a new target. What was kept before is overwritten from now on.
  void Reset();
  // Adds the labels of `own`, then those of `group` whose name is not in `own`;
  // of both only those whose name is `wanted`: NameId -> bool.
  // REQUIRES: nothing added since Reset; both live on.
  template <typename Wanted>
  void AddTarget(const Labels& group, const Labels& own, const Wanted& wanted);
  // All of them.
  void AddTarget(const Labels& group, const Labels& own) {
    AddTarget(group, own, [](NameId) { return true; });
  }

  // "" if it is not there. O(1).
  std::string_view Get(NameId name) const {
    const std::uint32_t at = Where(name);
    return at == kNowhere ? std::string_view() : entries_[at].value;
  }
  // Where there is none, at the end; "" removes. `name` must be held by the
  // labels that came in, by the rules or by Name.
  void Set(NameId name, std::string_view value) {
    const std::uint32_t at = Where(name);
    if (at != kNowhere) {
      entries_[at].value = value;
      if (value.empty()) Forget(name);
    } else if (!value.empty()) {
      Add(name, value);
    }
  }
  void Delete(NameId name) { Set(name, {}); }

  // Bytes that stay until the next Reset: begin, append, end. Returned views
  // don't move.
  std::string& scratch() {
    scratch_.clear();
    return scratch_;
  }
  std::string_view Keep(std::string_view bytes);
  // The number of a name that nobody may hold; held until the next Reset.
  NameId Name(std::string_view name);

  // In the order in which they came; entries without a value are removed ones.
  std::span<const Entry> entries() const { return {entries_.data(), count_}; }
  // Room for a rule that must finish reading before it writes.
  std::vector<Entry>& pending() {
    pending_.clear();
    return pending_;
  }

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  // Where the label `name` stands. A place counts if it was noted for this
  // target: its upper half is the target's number.
  std::uint32_t Where(NameId name) const {
    if (name >= places_.size()) return kNowhere;
    const std::uint64_t place = places_[name];
    return place >> 32 == target_ ? static_cast<std::uint32_t>(place)
                                  : kNowhere;
  }
  void Note(NameId name, std::uint32_t at) {
    if (name >= places_.size()) [[unlikely]]
      places_.resize(2 * name + 64);
    places_[name] = target_ << 32 | at;
  }
  void Forget(NameId name) { places_[name] = 0; }
  void Add(NameId name, std::string_view value) {
    Note(name, count_);
    if (count_ == entries_.size()) [[unlikely]]
      entries_.resize(2 * count_ + 64);
    entries_[count_++] = {name, value};
  }

  template <typename Function>
  static void ForEachPair(const Labels& labels, Function function);

  std::vector<Entry> entries_;  // the first count_ are this target's
  std::uint32_t count_ = 0;
  std::vector<Entry> pending_;
  std::vector<std::uint64_t> places_;  // by NameId
  std::uint64_t target_ = 0;           // counts targets, from 1, 32 bits
  std::string scratch_;
  std::vector<LabelName> names_;

  // Kept bytes, in blocks that are used again.
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the one in use
  std::size_t used_ = 0;   // of it
};

// Pairs lie all over the pool, and each is two looks into memory away. Those
// that come a few later are asked for in time.
template <typename Function>
void LabelBuilder::ForEachPair(const Labels& labels, Function function) {
  constexpr std::size_t kAhead = 8;
  Labels::PairIdRoom room;
  const auto ids = labels.pair_ids(room);
  for (std::size_t i = 0; i < std::min(kAhead, ids.size()); ++i) {
    __builtin_prefetch(label_pool::PairAt(ids[i]));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i + kAhead < ids.size()) {
      __builtin_prefetch(label_pool::PairAt(ids[i + kAhead]));
    }
    function(*label_pool::PairAt(ids[i]));
  }
}

template <typename Wanted>
void LabelBuilder::AddTarget(const Labels& group, const Labels& own,
                             const Wanted& wanted) {
  assert(count_ == 0);
  ForEachPair(own, [&](const label_pool::Pair& pair) {
    if (wanted(pair.name)) Add(pair.name, pair.value());
  });
  // The names of `own`, also those that are empty, hide those of the group.
  ForEachPair(group, [&](const label_pool::Pair& pair) {
    if (wanted(pair.name) && Where(pair.name) == kNowhere) {
      Add(pair.name, pair.value());
    }
  });
  for (const Entry& entry : entries()) {
    if (entry.value.empty()) [[unlikely]]
      Forget(entry.name);
  }
}

}  // namespace ta
