#include "allocator/label_bases.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace ta::label_bases {
namespace {

using label_pool::Pair;
using label_pool::PairAt;
using label_pool::PairId;
using Rep = Labels::Rep;

// Bases that one search looks at: those that its pairs lead to, and in their
// place, where they are not near, those before them.
constexpr std::size_t kMaxCandidates = 16;

// Numbers of bases, each once, as far as there is room; how often each was
// added.
class Candidates {
 public:
  // 0 leads nowhere.
  void Add(std::uint32_t number) {
    if (number == 0) return;
    const auto end = numbers_.begin() + count_;
    const auto at = std::find(numbers_.begin(), end, number);
    if (at != end) {
      ++votes_[at - numbers_.begin()];
    } else if (count_ < numbers_.size()) {
      numbers_[count_] = number;
      votes_[count_++] = 1;
    }
  }
  std::size_t size() const { return count_; }
  std::uint32_t operator[](std::size_t i) const { return numbers_[i]; }
  std::size_t votes(std::size_t i) const { return votes_[i]; }

 private:
  std::array<std::uint32_t, kMaxCandidates> numbers_;
  std::array<std::uint32_t, kMaxCandidates> votes_;
  std::size_t count_ = 0;
};

Candidates HintsOf(std::span<const PairId> ids) {
  Candidates hints;
  for (const PairId id : ids) hints.Add(PairAt(id)->hint());
  return hints;
}

// Fills in where `ids` differs from `base`. False if that is at more than
// `limit` places, the names are others, or a long value of the base would be
// kept by who does not have it.
bool Compare(std::span<const PairId> ids, Rep* base, std::size_t limit,
             Nearest& found) {
  if (base->count != ids.size()) return false;
  const PairId* const theirs = base->ids();
  found.base = base;
  found.differing = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == theirs[i]) continue;
    if (found.differing == limit) return false;
    const Pair& pair = *PairAt(theirs[i]);
    if (pair.name != PairAt(ids[i])->name || pair.is_long()) return false;
    found.positions[found.differing++] = static_cast<std::uint8_t>(i);
  }
  return true;
}

// Does the base have more than half of these pairs, in whatever places?
bool SharesMost(std::span<const PairId> sorted, const Rep& base) {
  std::size_t shared = 0;
  for (std::uint32_t i = 0; i < base.count; ++i) {
    shared += std::binary_search(sorted.begin(), sorted.end(), base.ids()[i]);
  }
  return 2 * shared > sorted.size();
}

class Bases {
 public:
  Nearest FindNearest(std::span<const PairId> ids) {
    Candidates candidates = HintsOf(ids);
    Nearest best;
    if (candidates.size() == 0) return best;
    std::size_t limit = ids.size() / 4;
    Nearest tried;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Entry& entry = entries_[candidates[i]];
      if (entry.base == nullptr || !Compare(ids, entry.base, limit, tried)) {
        candidates.Add(entry.earlier);
        continue;
      }
      best = tried;
      if (best.differing == 0) break;
      limit = best.differing - 1;
    }
    // Whoever stands in the table has a reference that keeps it there.
    if (best.base != nullptr) {
      best.base->refs.fetch_add(1, std::memory_order_relaxed);
    }
    return best;
  }

  void Add(Rep* rep) {
    const std::span<const PairId> ids(rep->ids(), rep->count);
    const Candidates candidates = HintsOf(ids);
    std::array<PairId, Rep::kMaxCompared> room;
    const auto end = std::copy(ids.begin(), ids.end(), room.begin());
    std::sort(room.begin(), end);
    std::uint32_t number;
    {
      const std::lock_guard lock(mutex_);
      std::uint32_t earlier = 0;
      std::size_t most = 0;
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        const Rep* const base = entries_[candidates[i]].base;
        if (candidates.votes(i) <= most || base == nullptr) continue;
        if (!SharesMost({room.begin(), end}, *base)) continue;
        most = candidates.votes(i);
        earlier = candidates[i];
      }
      if (!free_.empty()) {
        number = free_.back();
        free_.pop_back();
      } else if (entries_.size() <= Pair::kMaxHint) {
        number = static_cast<std::uint32_t>(entries_.size());
        entries_.emplace_back();
      } else {
        return;  // 16 million bases: this one stays plain
      }
      rep->kind = Rep::Kind::kBase;
      rep->base_number() = number;
      entries_[number] = {rep, earlier};
    }
    for (const PairId id : ids) PairAt(id)->set_hint(number);
  }

  bool DropReference(Rep* base) {
    if (label_pool::DropUnlessLast(base->refs)) return false;
    const std::lock_guard lock(mutex_);
    if (base->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    entries_[base->base_number()].base = nullptr;  // `earlier` leads on
    free_.push_back(base->base_number());
    return true;
  }

  std::size_t Count() {
    const std::lock_guard lock(mutex_);
    return entries_.size() - 1 - free_.size();
  }

 private:
  struct Entry {
    Rep* base = nullptr;  // null when it is gone
    // Of those that share most of its pairs the one that most led to before:
    // one application's Labels may have several sets of names, and its pairs
    // lead only to the last base of all.
    std::uint32_t earlier = 0;
  };

  std::mutex mutex_;  // guards all below, and that no base's count falls to 0
  // By number, from 1: 0 leads nowhere. A number is given again when its base
  // is gone, so a hint may lead to a base that the pair is not in.
  std::vector<Entry> entries_{1};
  std::vector<std::uint32_t> free_;
};

Bases& AllBases() {
  static Bases* bases = new Bases;  // outlives static Labels
  return *bases;
}

}  // namespace

Nearest FindNearest(std::span<const PairId> ids) {
  return AllBases().FindNearest(ids);
}
void Add(Rep* rep) { AllBases().Add(rep); }
std::size_t Count() { return AllBases().Count(); }
bool DropReference(Rep* base) { return AllBases().DropReference(base); }

}  // namespace ta::label_bases
