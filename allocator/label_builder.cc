#include "allocator/label_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ta {
namespace {

constexpr std::size_t kBlockBytes = 16 * 1024;

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
