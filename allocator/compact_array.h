// An array for things of which there nearly always is one: that one stands in
// the object itself, 16 bytes in all for pointers and smaller. There is one for
// each group of targets, and a group of one target is the common case. So a
// member that is [[no_unique_address]] leaves the last 4 of the 16 to the next.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace ta {

// Always exactly as large as it is long, so each Resize that changes the size
// moves all elements. Moves, does not copy.
template <typename T>
class CompactArray {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  CompactArray() noexcept {}
  CompactArray(CompactArray&& other) noexcept { TakeFrom(other); }
  CompactArray& operator=(CompactArray&& other) noexcept {
    if (this == &other) return *this;
    Clear();
    TakeFrom(other);
    return *this;
  }
  ~CompactArray() { Clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return size_ == 1 ? &one_ : many_; }
  T* end() { return begin() + size_; }
  const T* begin() const { return size_ == 1 ? &one_ : many_; }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t i) { return begin()[i]; }
  const T& operator[](std::size_t i) const { return begin()[i]; }
  T& back() { return begin()[size_ - 1]; }

  // New elements are T().
  void Resize(std::size_t size) {
    if (size == size_) return;
    if (size == 0) {
      Clear();
    } else if (size == 1) {
      T kept = empty() ? T() : std::move(*begin());
      Clear();
      std::construct_at(&one_, std::move(kept));
    } else {
      T* const many = std::allocator<T>().allocate(size);
      const std::size_t kept = std::min<std::size_t>(size, size_);
      std::uninitialized_move_n(begin(), kept, many);
      std::uninitialized_value_construct_n(many + kept, size - kept);
      Clear();
      many_ = many;
    }
    size_ = static_cast<std::uint32_t>(size);
  }
  // Takes `gone` out; the order of the others stays.
  void Erase(T* gone) {
    std::move(gone + 1, end(), gone);
    Resize(size_ - 1);
  }
  void Clear() {
    std::destroy_n(begin(), size_);
    if (size_ > 1) std::allocator<T>().deallocate(many_, size_);
    size_ = 0;
    many_ = nullptr;
  }

 private:
  void TakeFrom(CompactArray& other) {
    if (other.size_ == 1) {
      std::construct_at(&one_, std::move(other.one_));
      std::destroy_at(&other.one_);
    } else {
      many_ = other.many_;
    }
    size_ = std::exchange(other.size_, 0);
    other.many_ = nullptr;
  }

  union {
    T one_;              // if size_ is 1
    T* many_ = nullptr;  // else
  };
  std::uint32_t size_ = 0;  // last: what follows may stand in the padding
};

}  // namespace ta
