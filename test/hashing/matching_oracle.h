// The bounded matching once more, slow and plainly right: what incremental and
// from-scratch are compared with. It shares no code with them but Hash64.

#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "hashing/hash.h"

namespace ta::test {

struct OracleItem {
  std::uint32_t item;
  std::uint64_t key;
  ItemId id;
};

class MatchingOracle {
 public:
  MatchingOracle(std::vector<OracleItem> items, std::vector<std::string> names,
                 int thousandths, int points)
      : items_(std::move(items)), names_(std::move(names)) {
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
    for (const auto& name : names_) {
      auto& of_member = points_[name];
      // A single member has a single point.
      const int count = names_.size() == 1 ? 1 : points;
      for (int i = 0; i < count; ++i) {
        of_member.push_back(
            Hasher(kRingSeed).Append(name).Append(std::uint64_t(i)).Hash64());
      }
    }
    SetCapacities(thousandths);
  }

  // Member name -> what it may own.
  const std::map<std::string, std::size_t>& capacities() const {
    return capacities_;
  }

  // Clockwise from the key to the member's nearest point.
  std::uint64_t Distance(std::uint64_t key, const std::string& name) const {
    std::uint64_t least = ~std::uint64_t{0};
    for (const auto point : points_.at(name)) {
      least = std::min(least, point - key);
    }
    return least;
  }

  // Gale and Shapley's deferred acceptance, items proposing. Item -> owner.
  std::map<std::uint32_t, std::string> Match() const {
    std::map<std::uint32_t, std::string> owners;
    if (names_.empty()) return owners;
    using Bid = std::tuple<std::uint64_t, ItemId, std::uint32_t>;
    std::vector<std::vector<std::pair<std::uint64_t, std::string>>> wishes;
    for (const auto& item : items_) {
      auto& list = wishes.emplace_back();
      for (const auto& name : names_) {
        list.emplace_back(Distance(item.key, name), name);
      }
      std::sort(list.begin(), list.end());
    }
    std::map<std::string, std::vector<Bid>> accepted;
    std::vector<std::size_t> asked(items_.size(), 0);
    std::vector<std::uint32_t> free;
    for (std::uint32_t i = 0; i < items_.size(); ++i) free.push_back(i);
    while (!free.empty()) {
      const auto i = free.back();
      free.pop_back();
      const auto& [distance, name] = wishes[i].at(asked[i]++);
      auto& bids = accepted[name];
      bids.emplace_back(distance, items_[i].id, i);
      if (bids.size() <= capacities_.at(name)) continue;
      const auto worst = std::max_element(bids.begin(), bids.end());
      free.push_back(std::get<2>(*worst));
      bids.erase(worst);
    }
    for (const auto& [name, bids] : accepted) {
      for (const auto& bid : bids) {
        owners[items_[std::get<2>(bid)].item] = name;
      }
    }
    return owners;
  }

  // An item and a member that both prefer each other to what they have, if any.
  std::optional<std::string> BlockingPair(
      const std::map<std::uint32_t, std::string>& owners) const {
    using Rank = std::pair<std::uint64_t, ItemId>;
    std::map<std::string, std::size_t> load;
    std::map<std::string, Rank> worst;
    for (const auto& item : items_) {
      const auto& name = owners.at(item.item);
      const Rank rank{Distance(item.key, name), item.id};
      if (load[name]++ == 0 || rank > worst[name]) worst[name] = rank;
    }
    for (const auto& item : items_) {
      const auto& own = owners.at(item.item);
      for (const auto& name : names_) {
        if (std::pair(Distance(item.key, name), name) >=
            std::pair(Distance(item.key, own), own)) {
          continue;  // the item doesn't want to
        }
        const Rank rank{Distance(item.key, name), item.id};
        const auto capacity = capacities_.at(name);
        if (load[name] < capacity || (capacity > 0 && rank < worst[name])) {
          return "item " + std::to_string(item.item) + " and " + name;
        }
      }
    }
    return std::nullopt;
  }

 private:
  void SetCapacities(int thousandths) {
    if (names_.empty()) return;
    const std::uint64_t scaled = items_.size() * std::uint64_t(thousandths);
    std::uint64_t total = scaled / 1000;
    if (total * 1000 < scaled) ++total;
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (const auto& name : names_) {
      order.emplace_back(Hasher(kSeatSeed).Append(name).Hash64(), name);
      capacities_[name] = 0;
    }
    std::sort(order.begin(), order.end());
    for (const auto& [hash, name] : order) {
      capacities_[name] = total / names_.size();
    }
    for (std::size_t i = 0; i < total % names_.size(); ++i) {
      ++capacities_[order[i].second];
    }
  }

  std::vector<OracleItem> items_;
  std::vector<std::string> names_;
  std::map<std::string, std::vector<std::uint64_t>> points_;
  std::map<std::string, std::size_t> capacities_;
};

}  // namespace ta::test
