// Labels: an immutable, sorted set of name-value pairs, the coin the whole
// program deals in.
//
// A Kubernetes target has 44 to 74 labels, but only four or five pairs of them
// are its own; the rest stand in other targets too. So pairs are interned in
// one pool of the process: a Labels costs 4 bytes a pair, or less where others
// are nearly like it (label_rep.h), two are compared by comparing integers,
// and copying one copies a pointer. The pool counts references and forgets a
// pair with its last user (label_bases.h says what may be kept a little
// longer), so it follows churn.

#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ta {

// Views of one pair; they live as long as the Labels they came from.
struct LabelPair {
  std::string_view name;
  std::string_view value;
  bool operator==(const LabelPair&) const = default;
  auto operator<=>(const LabelPair&) const = default;
};

// Immutable and thread-safe: copies may be made, read and dropped on any
// thread. Building takes a short lock in the pool; reading takes none.
class Labels {
 public:
  class Iterator;

  Labels() = default;  // no pairs, no memory
  // Interns `pairs`, in any order; of equal names the last wins. Names and
  // values are any bytes, empty values are kept. O(n log n).
  static Labels Of(std::vector<LabelPair> pairs);
  // The union; where both have a name, `over` wins. O(n).
  static Labels Merge(const Labels& under, const Labels& over);

  Labels(const Labels& other) noexcept;
  Labels(Labels&& other) noexcept;
  Labels& operator=(Labels other) noexcept;
  ~Labels();

  std::size_t size() const noexcept;
  bool empty() const noexcept { return word_ == 0; }
  // The i-th pair in byte order of names; to see all, iterate.
  // REQUIRES: i < size()
  LabelPair operator[](std::size_t i) const noexcept;
  // The value of `name`, if it is there (it may be empty). O(log n).
  std::optional<std::string_view> Find(std::string_view name) const noexcept;
  // The value of `name`; "" if it is not there.
  std::string_view Get(std::string_view name) const noexcept;

  Iterator begin() const noexcept;
  Iterator end() const noexcept;

  // Equal content. O(n) integer comparisons, O(1) for copies.
  friend bool operator==(const Labels& a, const Labels& b) noexcept;
  // By bytes: pair by pair, name then value; the shorter of two prefixes first.
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b);

  // Merge(under_a, over_a) <=> Merge(under_b, over_b), without making them: no
  // allocation, and nothing is read past the first difference.
  static std::strong_ordering CompareMerged(const Labels& under_a,
                                            const Labels& over_a,
                                            const Labels& under_b,
                                            const Labels& over_b);

  // Hash of the content as bytes: equal in every process and version. O(1), for
  // a single pair O(its bytes).
  std::uint64_t Hash() const noexcept;

  // Hints that it is read soon, for whoever reads many: its pairs are three
  // looks into memory away. First the one, and when that has come, the other.
  void PrefetchList() const noexcept;
  void PrefetchPairs() const noexcept;  // the first few: iterating asks on

  // The pairs' numbers in the pool, in byte order of names: label_pool.h. They
  // stand in `room` or in memory of this object. For the core's own hot paths.
  using PairIdRoom = std::array<std::uint32_t, 255>;
  std::span<const std::uint32_t> pair_ids(PairIdRoom& room) const noexcept;

  // What the pool holds now, for metrics and benchmarks. Takes every lock.
  struct PoolStats {
    std::size_t pairs = 0;  // distinct pairs alive
    std::size_t bytes = 0;  // memory of the pool, estimated
    std::size_t bases = 0;  // label sets that others may be written down by
  };
  static PoolStats Stats();

  struct Rep;  // label_rep.h

 private:
  // 0: no pairs. Odd: one pair, whose number stands above the lowest bit; that
  // is all that file SD's targets have of their own. Even: a Rep*.
  using Word = std::uintptr_t;
  explicit Labels(Word word) noexcept : word_(word) {}
  Word word_ = 0;
};

class Labels::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = LabelPair;
  using difference_type = std::ptrdiff_t;
  using pointer = const LabelPair*;
  using reference = LabelPair;

  Iterator() = default;
  LabelPair operator*() const noexcept;
  Iterator& operator++() noexcept;
  Iterator operator++(int) noexcept {
    Iterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Iterator& other) const {
    return index_ == other.index_;
  }

 private:
  friend Labels;
  Iterator(Word word, std::size_t index) : word_(word), index_(index) {}
  static constexpr std::size_t kAhead = 8;
  void Settle() noexcept;
  void AskFor(std::size_t index) const noexcept;

  Word word_ = 0;
  std::size_t index_ = 0;
  std::size_t passed_ = 0;  // of what differs from a base
  bool differing_ = false;  // ... and so does the pair here
};

}  // namespace ta
