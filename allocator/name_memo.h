// What a rule that looks at label names said of each name it has seen. Names
// are few and come again with every target, so a labelmap over 42 labels
// becomes 42 looks into a small table.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "allocator/label_pool.h"

namespace ta {

// Thread-safe; Find takes no lock. Holds the names it knows, so their numbers
// stay theirs.
class NameMemo {
 public:
  // More names than this are not remembered: whoever makes up names endlessly
  // must not fill the memory.
  static constexpr std::size_t kMaxNames = 65'536;

  NameMemo();

  // What was remembered of `name`, if anything.
  std::optional<std::uint32_t> Find(label_pool::NameId name) const {
    const Table& table = *table_.load(std::memory_order_acquire);
    for (std::size_t i = name & table.mask;; i = (i + 1) & table.mask) {
      const std::uint64_t slot = table.slots[i].load(std::memory_order_acquire);
      if (slot >> 32 == std::uint64_t{name} + 1) {
        return static_cast<std::uint32_t>(slot);
      }
      if (slot == 0) return std::nullopt;
    }
  }

  // Remembers it, unless there are too many. If `value` is itself a name's
  // number, pass that name as `held` too. Returns whether it is remembered.
  // REQUIRES: the caller holds `name`.
  bool Insert(label_pool::NameId name, std::uint32_t value,
              const LabelName* held = nullptr);

 private:
  struct Table {
    explicit Table(std::size_t size);
    std::size_t mask;
    // name + 1 in the upper half, the value in the lower; 0 if free
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots;
  };

  std::atomic<Table*> table_;
  std::mutex mutex_;  // guards all below
  // The table in use is the last; readers may still be in those before.
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<LabelName> held_;
  std::size_t size_ = 0;
};

}  // namespace ta
