#include "allocator/labels.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/label_pool.h"
#include "allocator/label_rep.h"

namespace ta {
namespace {

using label_pool::NameText;
using label_pool::PairAt;
using label_pool::PairId;
using label_rep::BaseOf;
using label_rep::HashOfAll;
using label_rep::IdAt;

using Rep = Labels::Rep;
using Ids = std::span<const PairId>;
using IdRoom = Labels::PairIdRoom;

// Labels::Word.
using Word = std::uintptr_t;
bool IsSingle(Word word) { return (word & 1) != 0; }
PairId SingleOf(Word word) { return static_cast<PairId>(word >> 1); }
Word WordOf(PairId single) { return Word{single} << 1 | 1; }
Rep* RepOf(Word word) { return reinterpret_cast<Rep*>(word); }
Word WordOf(Rep* rep) { return reinterpret_cast<Word>(rep); }

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
  if (kept == 1) {
    return Labels(
        WordOf(label_pool::InternPair(pairs[0].name, pairs[0].value).id));
  }
  std::vector<PairId> ids(kept);
  std::vector<std::uint64_t> hashes(kept);
  for (std::size_t i = 0; i < kept; ++i) {
    const auto pair = label_pool::InternPair(pairs[i].name, pairs[i].value);
    ids[i] = pair.id;
    hashes[i] = pair.hash;
  }
  return Labels(WordOf(label_rep::Make(ids, hashes)));
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
  // Of two that have the same one name.
  if (ids.size() == 1) return Labels(WordOf(ids[0]));
  return Labels(WordOf(label_rep::Make(ids, hashes)));
}

Labels::Labels(const Labels& other) noexcept : word_(other.word_) {
  if (IsSingle(word_)) {
    label_pool::AddReference(SingleOf(word_));
  } else if (word_ != 0) {
    RepOf(word_)->refs.fetch_add(1, std::memory_order_relaxed);
  }
}

Labels::Labels(Labels&& other) noexcept
    : word_(std::exchange(other.word_, 0)) {}

Labels& Labels::operator=(Labels other) noexcept {
  std::swap(word_, other.word_);
  return *this;
}

Labels::~Labels() {
  if (IsSingle(word_)) {
    label_pool::DropPair(SingleOf(word_));
  } else if (word_ != 0) {
    label_rep::DropReference(RepOf(word_));
  }
}

std::size_t Labels::size() const noexcept {
  if (IsSingle(word_)) return 1;
  return word_ == 0 ? 0 : RepOf(word_)->count;
}

std::span<const std::uint32_t> Labels::pair_ids(
    PairIdRoom& room) const noexcept {
  static_assert(std::tuple_size<PairIdRoom>() == Rep::kMaxCompared);
  if (word_ == 0) return {};
  if (IsSingle(word_)) {
    room[0] = SingleOf(word_);
    return {room.data(), 1};
  }
  const Rep& rep = *RepOf(word_);
  if (rep.kind != Rep::Kind::kDifference) return {rep.ids(), rep.count};
  const Rep::Difference& difference = rep.difference();
  std::memcpy(room.data(), difference.base->ids(), rep.count * sizeof(PairId));
  for (std::size_t d = 0; d < difference.count; ++d) {
    room[difference.positions()[d]] = difference.ids()[d];
  }
  return {room.data(), rep.count};
}

LabelPair Labels::operator[](std::size_t i) const noexcept {
  return PairOf(IsSingle(word_) ? SingleOf(word_) : IdAt(*RepOf(word_), i));
}

std::optional<std::string_view> Labels::Find(
    std::string_view name) const noexcept {
  if (word_ == 0) return std::nullopt;
  if (IsSingle(word_)) {
    const LabelPair pair = PairOf(SingleOf(word_));
    if (pair.name != name) return std::nullopt;
    return pair.value;
  }
  const Rep& rep = *RepOf(word_);
  const Ids ids(BaseOf(rep).ids(), rep.count);
  const auto found = std::lower_bound(
      ids.begin(), ids.end(), name, [](PairId id, std::string_view wanted) {
        return NameText(PairAt(id)->name) < wanted;
      });
  if (found == ids.end() || NameText(PairAt(*found)->name) != name) {
    return std::nullopt;
  }
  const auto i = static_cast<std::size_t>(found - ids.begin());
  return PairAt(IdAt(rep, i))->value();
}

std::string_view Labels::Get(std::string_view name) const noexcept {
  return Find(name).value_or(std::string_view());
}

bool operator==(const Labels& a, const Labels& b) noexcept {
  if (a.word_ == b.word_) return true;
  if (a.word_ == 0 || b.word_ == 0) return false;
  // A pair is in the pool once, so equal content is equal numbers.
  if (IsSingle(a.word_) || IsSingle(b.word_)) return false;
  if (RepOf(a.word_)->hash != RepOf(b.word_)->hash) return false;
  Labels::PairIdRoom room_a;
  Labels::PairIdRoom room_b;
  return std::ranges::equal(a.pair_ids(room_a), b.pair_ids(room_b));
}

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  if (a.word_ == b.word_) return std::strong_ordering::equal;
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
  if (IsSingle(word_)) return PairOf(SingleOf(word_));
  const Rep& rep = *RepOf(word_);
  return PairOf(differing_ ? rep.difference().ids()[passed_]
                           : BaseOf(rep).ids()[index_]);
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
  if (IsSingle(word_)) return;
  const Rep& rep = *RepOf(word_);
  if (index < rep.count) __builtin_prefetch(PairAt(BaseOf(rep).ids()[index]));
}

void Labels::Iterator::Settle() noexcept {
  if (IsSingle(word_)) return;
  const Rep& rep = *RepOf(word_);
  differing_ = rep.kind == Rep::Kind::kDifference &&
               passed_ < rep.difference().count &&
               rep.difference().positions()[passed_] == index_;
}

Labels::Iterator Labels::begin() const noexcept {
  if (word_ == 0) return {};
  Iterator begin(word_, 0);
  begin.Settle();
  PrefetchPairs();
  return begin;
}

Labels::Iterator Labels::end() const noexcept { return {word_, size()}; }

void Labels::PrefetchList() const noexcept {
  if (!IsSingle(word_)) __builtin_prefetch(RepOf(word_));
}

void Labels::PrefetchPairs() const noexcept {
  if (word_ == 0) return;
  if (IsSingle(word_)) {
    __builtin_prefetch(PairAt(SingleOf(word_)));
    return;
  }
  const Iterator begin(word_, 0);
  for (std::size_t i = 0; i < Iterator::kAhead; ++i) begin.AskFor(i);
}

std::uint64_t Labels::Hash() const noexcept {
  if (word_ == 0) return 0;
  if (!IsSingle(word_)) return RepOf(word_)->hash;
  const std::uint64_t hash = label_pool::HashOf(SingleOf(word_));
  return HashOfAll({&hash, 1});
}

}  // namespace ta
