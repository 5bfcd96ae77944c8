#include "allocator/labels.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/label_bases.h"
#include "allocator/label_pool.h"
#include "hashing/hash.h"

namespace ta {
namespace {

using label_pool::NameText;
using label_pool::PairAt;
using label_pool::PairId;

using Rep = Labels::Rep;
using Ids = std::span<const PairId>;
using IdRoom = Labels::PairIdRoom;

void* Allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// The hash of a set is the hash of its pairs' hashes, in order.
std::uint64_t HashOfAll(std::span<const std::uint64_t> hashes) {
  static_assert(std::endian::native == std::endian::little);
  return Hash64(
      {reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes()});
}

// With room for a base's number where it may become one.
Rep* NewPlain(Ids ids, std::uint64_t hash) {
  const bool compared = label_bases::Compared(ids.size());
  void* memory = Allocate(sizeof(Rep) + ids.size_bytes() +
                          (compared ? sizeof(std::uint32_t) : 0));
  Rep* rep = new (memory) Rep(Rep::Kind::kPlain, ids.size(), hash);
  std::memcpy(rep->ids(), ids.data(), ids.size_bytes());
  if (compared) label_bases::Add(rep);
  return rep;
}

// What `ids` has otherwise than its base, whose reference it takes over.
Rep* NewDifference(Ids ids, std::uint64_t hash,
                   const label_bases::Nearest& nearest) {
  void* memory =
      Allocate(sizeof(Rep) + Rep::Difference::Bytes(nearest.differing));
  Rep* rep = new (memory) Rep(Rep::Kind::kDifference, ids.size(), hash);
  Rep::Difference& difference = rep->difference();
  difference.base = nearest.base;
  difference.count = static_cast<std::uint8_t>(nearest.differing);
  for (std::size_t i = 0; i < nearest.differing; ++i) {
    difference.positions()[i] = nearest.positions[i];
    difference.ids()[i] = ids[nearest.positions[i]];
  }
  return rep;
}

// The Rep of these pairs, whose references it takes over. `hash` is HashOfAll.
Rep* NewRep(Ids ids, std::uint64_t hash) {
  if (!label_bases::Compared(ids.size())) return NewPlain(ids, hash);
  const label_bases::Nearest nearest = label_bases::FindNearest(ids);
  if (nearest.base == nullptr) return NewPlain(ids, hash);
  Rep* const rep =
      nearest.differing == 0 ? nearest.base : NewDifference(ids, hash, nearest);
  // The base holds the pairs that are equal.
  const std::uint8_t* differs = nearest.positions.data();
  const std::uint8_t* const end = differs + nearest.differing;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (differs != end && *differs == i) {
      ++differs;
    } else {
      label_pool::DropPair(ids[i]);
    }
  }
  return rep;
}

void DropReference(Rep* rep) {
  if (rep->kind == Rep::Kind::kBase
          ? !label_bases::DropReference(rep)
          : rep->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  Rep* base = nullptr;
  Ids own(rep->ids(), rep->count);
  if (rep->kind == Rep::Kind::kDifference) {
    base = rep->difference().base;
    own = {rep->difference().ids(), rep->difference().count};
  }
  for (const PairId id : own) label_pool::DropPair(id);
  rep->~Rep();
  std::free(rep);
  if (base != nullptr) DropReference(base);
}

PairId IdAt(const Rep& rep, std::size_t i) {
  if (rep.kind != Rep::Kind::kDifference) return rep.ids()[i];
  const Rep::Difference& difference = rep.difference();
  for (std::size_t d = 0; d < difference.count; ++d) {
    if (difference.positions()[d] >= i) {
      if (difference.positions()[d] == i) return difference.ids()[d];
      break;
    }
  }
  return difference.base->ids()[i];
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
      : under_(under.pair_ids(under_room_)), over_(over.pair_ids(over_room_)) {}
  Merging(const Merging&) = delete;
  Merging& operator=(const Merging&) = delete;

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
  static PairId First(Ids& ids) {
    const PairId id = ids.front();
    ids = ids.subspan(1);
    return id;
  }

  IdRoom under_room_;
  IdRoom over_room_;
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
  std::vector<PairId> ids(kept);
  std::vector<std::uint64_t> hashes(kept);
  for (std::size_t i = 0; i < kept; ++i) {
    const auto pair = label_pool::InternPair(pairs[i].name, pairs[i].value);
    ids[i] = pair.id;
    hashes[i] = pair.hash;
  }
  return Labels(NewRep(ids, HashOfAll(hashes)));
}

Labels Labels::Merge(const Labels& under, const Labels& over) {
  if (under.empty()) return over;
  if (over.empty()) return under;
  std::vector<PairId> ids;
  std::vector<std::uint64_t> hashes;
  ids.reserve(under.size() + over.size());
  hashes.reserve(under.size() + over.size());
  for (Merging merging(under, over); !merging.done();) {
    ids.push_back(merging.Next());
    hashes.push_back(label_pool::HashOf(ids.back()));
    label_pool::AddReference(ids.back());
  }
  return Labels(NewRep(ids, HashOfAll(hashes)));
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
  if (rep_ != nullptr) DropReference(rep_);
}

std::size_t Labels::size() const noexcept {
  return rep_ == nullptr ? 0 : rep_->count;
}

std::span<const std::uint32_t> Labels::pair_ids(
    PairIdRoom& room) const noexcept {
  static_assert(std::tuple_size<PairIdRoom>() == Rep::kMaxCompared);
  if (rep_ == nullptr) return {};
  if (rep_->kind != Rep::Kind::kDifference) {
    return {std::as_const(*rep_).ids(), rep_->count};
  }
  const Rep::Difference& difference = rep_->difference();
  std::memcpy(room.data(), difference.base->ids(),
              rep_->count * sizeof(PairId));
  for (std::size_t d = 0; d < difference.count; ++d) {
    room[difference.positions()[d]] = difference.ids()[d];
  }
  return {room.data(), rep_->count};
}

LabelPair Labels::operator[](std::size_t i) const noexcept {
  return PairOf(IdAt(*rep_, i));
}

std::optional<std::string_view> Labels::Find(
    std::string_view name) const noexcept {
  if (rep_ == nullptr) return std::nullopt;
  // A base has the same names.
  const Rep& names =
      rep_->kind == Rep::Kind::kDifference ? *rep_->difference().base : *rep_;
  const Ids ids(names.ids(), names.count);
  const auto found = std::lower_bound(
      ids.begin(), ids.end(), name, [](PairId id, std::string_view wanted) {
        return NameText(PairAt(id)->name) < wanted;
      });
  if (found == ids.end() || NameText(PairAt(*found)->name) != name) {
    return std::nullopt;
  }
  const auto i = static_cast<std::size_t>(found - ids.begin());
  return PairAt(IdAt(*rep_, i))->value();
}

std::string_view Labels::Get(std::string_view name) const noexcept {
  return Find(name).value_or(std::string_view());
}

bool operator==(const Labels& a, const Labels& b) noexcept {
  if (a.rep_ == b.rep_) return true;
  if (a.rep_ == nullptr || b.rep_ == nullptr) return false;
  // A pair is in the pool once, so equal content is equal numbers.
  if (a.rep_->hash != b.rep_->hash) return false;
  Labels::PairIdRoom room_a;
  Labels::PairIdRoom room_b;
  return std::ranges::equal(a.pair_ids(room_a), b.pair_ids(room_b));
}

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  if (a.rep_ == b.rep_) return std::strong_ordering::equal;
  Labels::PairIdRoom room_a;
  Labels::PairIdRoom room_b;
  const auto left = a.pair_ids(room_a);
  const auto right = b.pair_ids(room_b);
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

LabelPair Labels::Iterator::operator*() const noexcept {
  if (differing_) {
    return PairOf(rep_->difference().ids()[passed_]);
  }
  const Rep& base =
      rep_->kind == Rep::Kind::kDifference ? *rep_->difference().base : *rep_;
  return PairOf(base.ids()[index_]);
}

Labels::Iterator& Labels::Iterator::operator++() noexcept {
  ++index_;
  if (differing_) ++passed_;
  Settle();
  AskFor(index_ + kAhead - 1);
  return *this;
}

// Pairs lie all over the pool: one that comes a little later is fetched in
// time.
void Labels::Iterator::AskFor(std::size_t index) const noexcept {
  if (index >= rep_->count) return;
  const Rep& base =
      rep_->kind == Rep::Kind::kDifference ? *rep_->difference().base : *rep_;
  __builtin_prefetch(PairAt(base.ids()[index]));
}

void Labels::Iterator::Settle() noexcept {
  differing_ = rep_->kind == Rep::Kind::kDifference &&
               passed_ < rep_->difference().count &&
               rep_->difference().positions()[passed_] == index_;
}

Labels::Iterator Labels::begin() const noexcept {
  if (rep_ == nullptr) return {};
  Iterator begin(rep_, 0);
  begin.Settle();
  PrefetchPairs();
  return begin;
}

Labels::Iterator Labels::end() const noexcept { return {rep_, size()}; }

void Labels::PrefetchList() const noexcept { __builtin_prefetch(rep_); }

void Labels::PrefetchPairs() const noexcept {
  if (rep_ == nullptr) return;
  const Iterator begin(rep_, 0);
  for (std::size_t i = 0; i < Iterator::kAhead; ++i) begin.AskFor(i);
}

std::uint64_t Labels::Hash() const noexcept {
  return rep_ == nullptr ? 0 : rep_->hash;
}

}  // namespace ta
