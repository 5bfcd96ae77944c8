#include "allocator/name_memo.h"

namespace ta {
namespace {

void Put(std::atomic<std::uint64_t>* slots, std::size_t mask,
         std::uint64_t slot) {
  std::size_t i = ((slot >> 32) - 1) & mask;
  while (slots[i].load(std::memory_order_relaxed) != 0) i = (i + 1) & mask;
  slots[i].store(slot, std::memory_order_release);
}

}  // namespace

NameMemo::Table::Table(std::size_t size)
    : mask(size - 1),
      slots(std::make_unique<std::atomic<std::uint64_t>[]>(size)) {}

NameMemo::NameMemo() {
  tables_.push_back(std::make_unique<Table>(64));
  table_.store(tables_.back().get(), std::memory_order_release);
}

bool NameMemo::Insert(label_pool::NameId name, std::uint32_t value,
                      const LabelName* held) {
  const std::lock_guard lock(mutex_);
  if (Find(name)) return true;  // another thread was first
  if (size_ == kMaxNames) return false;
  Table* table = tables_.back().get();
  if (2 * (size_ + 1) > table->mask + 1) {
    auto larger = std::make_unique<Table>(2 * (table->mask + 1));
    for (std::size_t i = 0; i <= table->mask; ++i) {
      const auto slot = table->slots[i].load(std::memory_order_relaxed);
      if (slot != 0) Put(larger->slots.get(), larger->mask, slot);
    }
    table = larger.get();
    tables_.push_back(std::move(larger));
    table_.store(table, std::memory_order_release);
  }
  held_.push_back(LabelName::Holding(name));
  if (held != nullptr) held_.push_back(*held);
  Put(table->slots.get(), table->mask, (std::uint64_t{name} + 1) << 32 | value);
  ++size_;
  return true;
}

}  // namespace ta
