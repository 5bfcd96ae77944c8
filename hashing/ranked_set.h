// A sorted set of items, each with a rank: what a member owns, who waits for
// it, who stands beside whom on the ring. Compact rather than clever: sorted
// chunks of 12-byte entries, 16 to 18 bytes an item in use, where a std::set
// takes 48.

#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "hashing/hash.h"

namespace ta {

// Ordered by (rank, id of the item, item). Ids are not stored: each call that
// compares takes `ids`, any callable that gives an item's ItemId, which is
// asked only where ranks are equal. An item's id must not change while it is in
// a set. Insert and Erase cost O(log n) comparisons and a short memmove; the
// ends are O(1); a set built in order by PushBack is filled completely, without
// comparisons. Confined to one thread.
class RankedSet {
 public:
  class Entry {
   public:
    Entry() = default;
    Entry(std::uint64_t rank, std::uint32_t item)
        : rank_high_(static_cast<std::uint32_t>(rank >> 32)),
          rank_low_(static_cast<std::uint32_t>(rank)),
          item_(item) {}
    std::uint64_t rank() const {
      return std::uint64_t{rank_high_} << 32 | rank_low_;
    }
    std::uint32_t item() const { return item_; }

   private:
    // Halves, so that an entry is 12 bytes and not 16.
    std::uint32_t rank_high_ = 0;
    std::uint32_t rank_low_ = 0;
    std::uint32_t item_ = 0;
  };

  // The two entries around one, wrapping at the ends: an only entry is its own
  // neighbour.
  struct Neighbours {
    Entry before;
    Entry after;
  };

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // REQUIRES: !empty()
  const Entry& front() const { return chunks_.front().entries.front(); }
  const Entry& back() const { return chunks_.back().entries.back(); }

  // REQUIRES: `entry` is behind every other by rank, id and item.
  void PushBack(Entry entry) {
    if (chunks_.empty() || chunks_.back().entries.size() == kChunk) {
      chunks_.emplace_back();
    }
    chunks_.back().Append(entry);
    ++size_;
  }

  // REQUIRES: !empty()
  void PopBack() {
    Chunk& chunk = chunks_.back();
    chunk.entries.pop_back();
    --size_;
    if (chunk.entries.empty()) {
      chunks_.pop_back();
    } else {
      chunk.last_rank = chunk.entries.back().rank();
    }
  }

  // REQUIRES: the entry isn't in the set. Returns its neighbours.
  template <typename Ids>
  Neighbours Insert(Entry entry, const Ids& ids) {
    if (chunks_.empty()) chunks_.emplace_back();
    auto [chunk, place] = Find(entry, ids);
    if (chunk == chunks_.size()) {  // behind all
      --chunk;
      place = chunks_[chunk].entries.size();
    }
    if (chunks_[chunk].entries.size() == kChunk) {
      Split(chunk);
      if (place > kChunk / 2) {
        ++chunk;
        place -= kChunk / 2;
      }
    }
    auto& entries = chunks_[chunk].entries;
    entries.insert(entries.begin() + place, entry);
    chunks_[chunk].last_rank = entries.back().rank();
    ++size_;
    return Around(chunk, place);
  }

  // REQUIRES: the entry is in the set.
  template <typename Ids>
  void Erase(Entry entry, const Ids& ids) {
    const auto [chunk, place] = Find(entry, ids);
    assert(chunk < chunks_.size() &&
           chunks_[chunk].entries[place].item() == entry.item());
    auto& entries = chunks_[chunk].entries;
    entries.erase(entries.begin() + place);
    --size_;
    if (!entries.empty()) chunks_[chunk].last_rank = entries.back().rank();
    // Small neighbours are joined, so that a set that shrinks gives back
    // memory.
    if (chunk + 1 < chunks_.size() && Small(chunk, chunk + 1)) {
      Join(chunk);
    } else if (chunk > 0 && Small(chunk - 1, chunk)) {
      Join(chunk - 1);
    } else if (entries.empty()) {
      chunks_.erase(chunks_.begin() + chunk);
    }
  }

  void Clear() {
    chunks_ = {};
    size_ = 0;
  }

  // Calls `visit` with each entry in order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Chunk& chunk : chunks_) {
      for (const Entry& entry : chunk.entries) visit(entry);
    }
  }

  // Heap memory held, in bytes.
  std::size_t bytes() const {
    std::size_t bytes = chunks_.capacity() * sizeof(Chunk);
    for (const Chunk& chunk : chunks_) {
      bytes += chunk.entries.capacity() * sizeof(Entry);
    }
    return bytes;
  }

  // The set's order, for those who merge or sort entries themselves.
  template <typename Ids>
  static bool Before(const Entry& a, const Entry& b, const Ids& ids) {
    if (a.rank() != b.rank()) return a.rank() < b.rank();
    const auto order = ids(a.item()) <=> ids(b.item());
    return order != 0 ? order < 0 : a.item() < b.item();
  }

 private:
  // Entries a chunk at most: enough that the list of chunks stays in cache for
  // a million items, few enough that moving half of one is nothing.
  static constexpr std::size_t kChunk = 128;

  struct Chunk {
    std::uint64_t last_rank = 0;  // so that a search touches few chunks
    std::vector<Entry> entries;   // never empty between calls

    void Append(Entry entry) {
      entries.push_back(entry);
      last_rank = entry.rank();
    }
  };
  struct Position {
    std::size_t chunk;
    std::size_t place;
  };

  // Where the first entry not before `entry` is; past the last chunk if none.
  template <typename Ids>
  Position Find(const Entry& entry, const Ids& ids) const {
    const auto chunk = std::partition_point(
        chunks_.begin(), chunks_.end(), [&](const Chunk& candidate) {
          if (candidate.last_rank != entry.rank() ||
              candidate.entries.empty()) {
            return candidate.last_rank < entry.rank();
          }
          return Before(candidate.entries.back(), entry, ids);
        });
    if (chunk == chunks_.end()) return {chunks_.size(), 0};
    const auto place = std::partition_point(
        chunk->entries.begin(), chunk->entries.end(),
        [&](const Entry& other) { return Before(other, entry, ids); });
    return {static_cast<std::size_t>(chunk - chunks_.begin()),
            static_cast<std::size_t>(place - chunk->entries.begin())};
  }

  Neighbours Around(std::size_t chunk, std::size_t place) const {
    const auto& entries = chunks_[chunk].entries;
    const Entry& before = place > 0   ? entries[place - 1]
                          : chunk > 0 ? chunks_[chunk - 1].entries.back()
                                      : back();
    const Entry& after = place + 1 < entries.size() ? entries[place + 1]
                         : chunk + 1 < chunks_.size()
                             ? chunks_[chunk + 1].entries.front()
                             : front();
    return {before, after};
  }

  void Split(std::size_t chunk) {
    Chunk upper;
    auto& entries = chunks_[chunk].entries;
    upper.entries.reserve(kChunk);
    upper.entries.assign(entries.begin() + kChunk / 2, entries.end());
    upper.last_rank = upper.entries.back().rank();
    entries.resize(kChunk / 2);
    chunks_[chunk].last_rank = entries.back().rank();
    chunks_.insert(chunks_.begin() + chunk + 1, std::move(upper));
  }

  bool Small(std::size_t a, std::size_t b) const {
    return chunks_[a].entries.size() + chunks_[b].entries.size() <= kChunk / 2;
  }

  // Joins a chunk and the one after it.
  void Join(std::size_t chunk) {
    auto& into = chunks_[chunk];
    const auto& from = chunks_[chunk + 1];
    into.entries.insert(into.entries.end(), from.entries.begin(),
                        from.entries.end());
    if (!from.entries.empty()) into.last_rank = from.last_rank;
    if (!into.entries.empty()) into.last_rank = into.entries.back().rank();
    chunks_.erase(chunks_.begin() + chunk + 1);
  }

  std::vector<Chunk> chunks_;
  std::size_t size_ = 0;
};

}  // namespace ta
