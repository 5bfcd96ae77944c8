#include "allocator/kept_labels.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace ta {

void KeptLabels::Take(const LabelBuilder& builder) {
  const auto entries = builder.entries();
  names_.resize(entries.size());
  values_.resize(entries.size());
  std::size_t count = 0;
  std::uint64_t hash = 0;
  for (const auto& [name, value] : entries) {
    if (label_pool::IsMeta(name) || value.empty()) continue;
    names_[count] = name;
    values_[count++] = value;
    hash = (hash ^ name) * 0x9e3779b97f4a7c15;
  }
  names_.resize(count);
  const Order& order = OrderOf(hash);
  pairs_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    pairs_[i] = {order.texts[i], values_[order.from[i]]};
  }
}

const KeptLabels::Order& KeptLabels::OrderOf(std::uint64_t hash) {
  Order& order = orders_[hash >> 60];
  if (order.names == names_) [[likely]]
    return order;
  order.names = names_;
  order.from.resize(names_.size());
  std::iota(order.from.begin(), order.from.end(), 0);
  std::ranges::sort(order.from, {}, [this](std::uint32_t i) {
    return label_pool::NameText(names_[i]);
  });
  std::vector<LabelName> sorted;  // the old names are let go after these
  order.texts.clear();
  for (const std::uint32_t i : order.from) {
    sorted.push_back(LabelName::Holding(names_[i]));
    order.texts.push_back(sorted.back().text());
  }
  order.sorted = std::move(sorted);
  return order;
}

}  // namespace ta
