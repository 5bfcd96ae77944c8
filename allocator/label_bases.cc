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

// Bases that one search looks at. The pairs of an application lead to one and
// those that all targets have to one or another of the last: it is a handful.
constexpr std::size_t kMaxCandidates = 16;

// Bases by number, from 1: 0 leads nowhere. A number is given again when its
// base is gone, so a hint may lead to a base that the pair is not in.
class Bases {
 public:
  Nearest FindNearest(std::span<const PairId> ids) {
    std::array<std::uint32_t, kMaxCandidates> hints;
    const std::size_t count = HintsOf(ids, hints);
    Nearest best;
    if (count == 0) return best;
    std::size_t limit = ids.size() / 4;
    Nearest tried;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      tried.base = hints[i] < bases_.size() ? bases_[hints[i]] : nullptr;
      if (tried.base == nullptr || !Compare(ids, limit, tried)) continue;
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
    std::uint32_t number;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        number = free_.back();
        free_.pop_back();
      } else if (bases_.size() <= Pair::kMaxHint) {
        number = static_cast<std::uint32_t>(bases_.size());
        bases_.push_back(nullptr);
      } else {
        return;  // 16 million bases: this one stays plain
      }
      rep->kind = Rep::Kind::kBase;
      rep->base_number() = number;
      bases_[number] = rep;
    }
    for (std::uint32_t i = 0; i < rep->count; ++i) {
      PairAt(rep->ids()[i])->set_hint(number);
    }
  }

  bool DropReference(Rep* base) {
    std::uint32_t seen = base->refs.load(std::memory_order_relaxed);
    while (seen > 1) {
      if (base->refs.compare_exchange_weak(seen, seen - 1,
                                           std::memory_order_release,
                                           std::memory_order_relaxed)) {
        return false;
      }
    }
    // As in the pool: the count falls to zero only under the lock under which
    // the base is found.
    const std::lock_guard lock(mutex_);
    if (base->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    bases_[base->base_number()] = nullptr;
    free_.push_back(base->base_number());
    return true;
  }

  std::size_t Count() {
    const std::lock_guard lock(mutex_);
    return bases_.size() - 1 - free_.size();
  }

 private:
  static std::size_t HintsOf(std::span<const PairId> ids,
                             std::array<std::uint32_t, kMaxCandidates>& hints) {
    std::size_t count = 0;
    for (const PairId id : ids) {
      const std::uint32_t hint = PairAt(id)->hint();
      if (hint == 0) continue;
      const auto end = hints.begin() + count;
      if (std::find(hints.begin(), end, hint) != end) continue;
      hints[count++] = hint;
      if (count == hints.size()) break;
    }
    return count;
  }

  // Fills in what differs from tried.base. False if that is more than `limit`,
  // or other names.
  static bool Compare(std::span<const PairId> ids, std::size_t limit,
                      Nearest& tried) {
    if (tried.base->count != ids.size()) return false;
    const PairId* const theirs = tried.base->ids();
    tried.differing = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == theirs[i]) continue;
      if (tried.differing == limit) return false;
      if (PairAt(ids[i])->name != PairAt(theirs[i])->name) return false;
      tried.positions[tried.differing++] = static_cast<std::uint8_t>(i);
    }
    return true;
  }

  std::mutex mutex_;  // guards all below, and that no base's count falls to 0
  std::vector<Rep*> bases_ = {nullptr};
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
