#include "allocator/labels.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/label_pool.h"
#include "hashing/hash.h"

namespace ta {
namespace {

using label_pool::NameText;
using label_pool::PairAt;
using label_pool::PairId;

// Room for `count` pairs; the caller fills in ids, then calls Seal.
Labels::Rep* NewRep(std::size_t count) {
  void* memory = std::malloc(sizeof(Labels::Rep) + count * sizeof(PairId));
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Labels::Rep{1, static_cast<std::uint32_t>(count), 0};
}

// The hash of a set is the hash of its pairs' hashes, in order.
void Seal(Labels::Rep* rep) {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::size_t kOnStack = 128;
  std::uint64_t on_stack[kOnStack];
  std::vector<std::uint64_t> on_heap;
  std::uint64_t* hashes = on_stack;
  if (rep->count > kOnStack) {
    on_heap.resize(rep->count);
    hashes = on_heap.data();
  }
  for (std::uint32_t i = 0; i < rep->count; ++i) {
    hashes[i] = PairAt(rep->ids()[i])->hash;
  }
  rep->hash = Hash64({reinterpret_cast<const char*>(hashes),
                      rep->count * sizeof(std::uint64_t)});
}

// Of equal names, the one that came first stays first.
void SortByName(std::vector<LabelPair>& pairs) {
  if (std::ranges::is_sorted(pairs, {}, &LabelPair::name)) return;
  std::vector<std::uint32_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&pairs](std::uint32_t a, std::uint32_t b) {
    const auto by_name = pairs[a].name <=> pairs[b].name;
    return by_name != 0 ? by_name < 0 : a < b;
  });
  std::vector<LabelPair> sorted;
  sorted.reserve(pairs.size());
  for (const std::uint32_t i : order) sorted.push_back(pairs[i]);
  pairs = std::move(sorted);
}

LabelPair PairOf(PairId id) {
  const label_pool::Pair* pair = PairAt(id);
  return {NameText(pair->name), pair->value()};
}

// The pairs of two Labels as one, in order of names; where both have a name,
// `over` wins.
class Merging {
 public:
  Merging(const Labels& under, const Labels& over)
      : under_(under.pair_ids()), over_(over.pair_ids()) {}

  bool done() const { return under_.empty() && over_.empty(); }
  // REQUIRES: !done()
  PairId Next() {
    if (under_.empty()) return First(over_);
    if (over_.empty()) return First(under_);
    const auto under_name = PairAt(under_.front())->name;
    const auto over_name = PairAt(over_.front())->name;
    if (under_name == over_name) {
      First(under_);
      return First(over_);
    }
    return First(NameText(under_name) < NameText(over_name) ? under_ : over_);
  }

 private:
  using Ids = std::span<const PairId>;
  static PairId First(Ids& ids) {
    const PairId id = ids.front();
    ids = ids.subspan(1);
    return id;
  }

  Ids under_;
  Ids over_;
};

}  // namespace

Labels Labels::Of(std::vector<LabelPair> pairs) {
  SortByName(pairs);
  // Of equal names keep the last, which the sort left last.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i + 1 < pairs.size() && pairs[i].name == pairs[i + 1].name) continue;
    pairs[kept++] = pairs[i];
  }
  if (kept == 0) return {};
  Rep* rep = NewRep(kept);
  for (std::size_t i = 0; i < kept; ++i) {
    rep->ids()[i] = label_pool::InternPair(pairs[i].name, pairs[i].value);
  }
  Seal(rep);
  return Labels(rep);
}

Labels Labels::Merge(const Labels& under, const Labels& over) {
  if (under.empty()) return over;
  if (over.empty()) return under;
  std::vector<PairId> ids;
  ids.reserve(under.size() + over.size());
  for (Merging merging(under, over); !merging.done();) {
    ids.push_back(merging.Next());
  }
  Rep* rep = NewRep(ids.size());
  std::memcpy(rep->ids(), ids.data(), ids.size() * sizeof(PairId));
  for (const PairId id : ids) label_pool::AddReference(id);
  Seal(rep);
  return Labels(rep);
}

Labels::Labels(const Labels& other) noexcept : rep_(other.rep_) {
  if (rep_ != nullptr) rep_->refs.fetch_add(1, std::memory_order_relaxed);
}

Labels::Labels(Labels&& other) noexcept
    : rep_(std::exchange(other.rep_, nullptr)) {}

Labels& Labels::operator=(Labels other) noexcept {
  std::swap(rep_, other.rep_);
  return *this;
}

Labels::~Labels() {
  if (rep_ == nullptr) return;
  if (rep_->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  for (const PairId id : pair_ids()) label_pool::DropPair(id);
  rep_->~Rep();
  std::free(rep_);
}

std::size_t Labels::size() const noexcept {
  return rep_ == nullptr ? 0 : rep_->count;
}

std::span<const std::uint32_t> Labels::pair_ids() const noexcept {
  if (rep_ == nullptr) return {};
  return {std::as_const(*rep_).ids(), rep_->count};
}

LabelPair Labels::operator[](std::size_t i) const noexcept {
  return PairOf(rep_->ids()[i]);
}

std::optional<std::string_view> Labels::Find(
    std::string_view name) const noexcept {
  const auto ids = pair_ids();
  const auto found = std::lower_bound(
      ids.begin(), ids.end(), name, [](PairId id, std::string_view wanted) {
        return NameText(PairAt(id)->name) < wanted;
      });
  if (found == ids.end()) return std::nullopt;
  const LabelPair pair = PairOf(*found);
  if (pair.name != name) return std::nullopt;
  return pair.value;
}

std::string_view Labels::Get(std::string_view name) const noexcept {
  return Find(name).value_or(std::string_view());
}

bool operator==(const Labels& a, const Labels& b) noexcept {
  if (a.rep_ == b.rep_) return true;
  if (a.rep_ == nullptr || b.rep_ == nullptr) return false;
  // A pair is in the pool once, so equal content is equal numbers.
  return a.rep_->hash == b.rep_->hash &&
         std::ranges::equal(a.pair_ids(), b.pair_ids());
}

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  if (a.rep_ == b.rep_) return std::strong_ordering::equal;
  const auto left = a.pair_ids();
  const auto right = b.pair_ids();
  const std::size_t both = std::min(left.size(), right.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (left[i] == right[i]) continue;
    return PairOf(left[i]) <=> PairOf(right[i]);
  }
  return left.size() <=> right.size();
}

std::strong_ordering Labels::CompareMerged(const Labels& under_a,
                                           const Labels& over_a,
                                           const Labels& under_b,
                                           const Labels& over_b) {
  Merging a(under_a, over_a);
  Merging b(under_b, over_b);
  while (!a.done() && !b.done()) {
    const PairId left = a.Next();
    const PairId right = b.Next();
    if (left != right) return PairOf(left) <=> PairOf(right);
  }
  return b.done() <=> a.done();
}

std::uint64_t Labels::Hash() const noexcept {
  return rep_ == nullptr ? 0 : rep_->hash;
}

}  // namespace ta
