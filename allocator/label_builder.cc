#include "allocator/label_builder.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace ta {
namespace {

constexpr std::size_t kBlockBytes = 16 * 1024;

// Pairs lie all over the pool, and each is two looks into memory away. Those
// that come a few later are asked for in time.
template <typename Function>
void ForEachPair(const Labels& labels, Function function) {
  constexpr std::size_t kAhead = 8;
  Labels::PairIdRoom room;
  const auto ids = labels.pair_ids(room);
  for (std::size_t i = 0; i < std::min(kAhead, ids.size()); ++i) {
    __builtin_prefetch(label_pool::PairAt(ids[i]));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i + kAhead < ids.size()) {
      __builtin_prefetch(label_pool::PairAt(ids[i + kAhead]));
    }
    function(*label_pool::PairAt(ids[i]));
  }
}

}  // namespace

LabelBuilder::LabelBuilder() {
  blocks_.push_back({std::make_unique<char[]>(kBlockBytes), kBlockBytes});
}

void LabelBuilder::Reset() {
  count_ = 0;
  names_.clear();
  block_ = 0;
  used_ = 0;
  if (++target_ >> 32 == 0) return;
  std::ranges::fill(places_, 0);  // every four thousand millionth target
  target_ = 1;
}

void LabelBuilder::AddTarget(const Labels& group, const Labels& own) {
  assert(count_ == 0);
  ForEachPair(own, [this](const label_pool::Pair& pair) {
    Add(pair.name, pair.value());
  });
  // The names of `own`, also those that are empty, hide those of the group.
  ForEachPair(group, [this](const label_pool::Pair& pair) {
    if (Where(pair.name) == kNowhere) Add(pair.name, pair.value());
  });
  for (const Entry& entry : entries()) {
    if (entry.value.empty()) [[unlikely]]
      Forget(entry.name);
  }
}

std::string_view LabelBuilder::Keep(std::string_view bytes) {
  if (bytes.empty()) return {};
  while (blocks_[block_].size - used_ < bytes.size()) {
    if (block_ + 1 == blocks_.size()) {
      const std::size_t size = std::max(kBlockBytes, bytes.size());
      blocks_.push_back({std::make_unique<char[]>(size), size});
    }
    ++block_;
    used_ = 0;
  }
  char* const at = blocks_[block_].bytes.get() + used_;
  std::memcpy(at, bytes.data(), bytes.size());
  used_ += bytes.size();
  return {at, bytes.size()};
}

LabelBuilder::NameId LabelBuilder::Name(std::string_view name) {
  names_.emplace_back(name);
  return names_.back().id();
}

}  // namespace ta
