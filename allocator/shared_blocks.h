// An array that each snapshot has a copy of and that changes a little between
// two: in blocks, which the copies share. A copy costs a pointer for each block
// and a changed element costs a copy of its block, so for thousands of elements
// both cost microseconds, whatever the number of snapshots alive.

#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace ta {

// A value. Different copies may be used on different threads; one that changes
// is confined to one. REQUIRES, where elements are read or set: index < size()
template <typename T>
class SharedBlocks {
 public:
  static constexpr std::size_t kBlock = 64;
  using Block = std::vector<T>;
  class Iterator;
  using value_type = T;
  using const_iterator = Iterator;

  SharedBlocks() = default;
  explicit SharedBlocks(std::vector<T> elements) : size_(elements.size()) {
    for (std::size_t i = 0; i < size_; i += kBlock) {
      const auto from = elements.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count =
          static_cast<std::ptrdiff_t>(std::min(kBlock, size_ - i));
      blocks_.push_back(
          std::make_shared<const Block>(std::make_move_iterator(from),
                                        std::make_move_iterator(from + count)));
    }
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t i) const {
    return (*blocks_[i / kBlock])[i % kBlock];
  }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size_}; }

  // As many elements, each `equal` to the other's. Blocks that are shared are
  // not looked at.
  template <typename Equal>
  bool EqualTo(const SharedBlocks& other, Equal equal) const {
    return std::ranges::equal(
        blocks_, other.blocks_, [&](const auto& mine, const auto& theirs) {
          return mine == theirs || std::ranges::equal(*mine, *theirs, equal);
        });
  }

  // Other copies keep the element that they have.
  void Set(std::size_t i, T element) {
    auto block = std::make_shared<Block>(*blocks_[i / kBlock]);
    (*block)[i % kBlock] = std::move(element);
    blocks_[i / kBlock] = std::move(block);
  }

 private:
  std::vector<std::shared_ptr<const Block>> blocks_;  // all full but the last
  std::size_t size_ = 0;
};

// Random access, so that sorted elements can be searched.
template <typename T>
class SharedBlocks<T>::Iterator {
 public:
  using iterator_concept = std::random_access_iterator_tag;
  using iterator_category = std::random_access_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = const T*;
  using reference = const T&;

  Iterator() = default;
  Iterator(const SharedBlocks* array, std::size_t index)
      : array_(array), index_(index) {}

  reference operator*() const { return (*array_)[index_]; }
  pointer operator->() const { return &**this; }
  reference operator[](difference_type n) const { return *(*this + n); }
  Iterator& operator+=(difference_type n) {
    index_ += static_cast<std::size_t>(n);
    return *this;
  }
  Iterator& operator-=(difference_type n) { return *this += -n; }
  Iterator& operator++() { return *this += 1; }
  Iterator& operator--() { return *this -= 1; }
  Iterator operator++(int) { return std::exchange(*this, *this + 1); }
  Iterator operator--(int) { return std::exchange(*this, *this - 1); }
  friend Iterator operator+(Iterator it, difference_type n) { return it += n; }
  friend Iterator operator+(difference_type n, Iterator it) { return it += n; }
  friend Iterator operator-(Iterator it, difference_type n) { return it -= n; }
  friend difference_type operator-(const Iterator& a, const Iterator& b) {
    return static_cast<difference_type>(a.index_) -
           static_cast<difference_type>(b.index_);
  }
  bool operator==(const Iterator& other) const {
    return index_ == other.index_;
  }
  auto operator<=>(const Iterator& other) const {
    return index_ <=> other.index_;
  }

 private:
  const SharedBlocks* array_ = nullptr;
  std::size_t index_ = 0;
};

}  // namespace ta
