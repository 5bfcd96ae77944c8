// How much moves when something changes: promise 4, measured over many fleets.

#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "hashing/bounded_matching.h"

namespace ta::test {

// One figure for each fleet of one cell of the table.
class Spread {
 public:
  void Add(double value) { values_.push_back(value); }

  double Mean() const {
    double sum = 0;
    for (const double value : values_) sum += value;
    return sum / static_cast<double>(values_.size());
  }
  // The k-th smallest of n where k = ceil(0.95 n): no interpolation.
  double Percentile95() const {
    auto sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[(sorted.size() * 95 + 99) / 100 - 1];
  }
  int Above(double limit) const {
    return static_cast<int>(
        std::count_if(values_.begin(), values_.end(),
                      [&](double value) { return value > limit; }));
  }

 private:
  std::vector<double> values_;
};

struct Churn {
  double fullest_over_mean = 0;  // of the fleet where it is the largest
  Spread leave;   // moved when one leaves, times what the leaver owned
  Spread join;    // moved when one joins, times T / (N + 1)
  Spread others;  // moved beside the one target that came or went
};

struct ChurnCell {
  int items;
  int members;
  int fleets = 100;
  int events = 400;  // single additions and removals a fleet
  int ratio = BoundedMatching::kLoadRatioThousandths;
  int points = Ring::kPointsPerMember;
};

// Fleets differ in the names of their members and in all keys. Each is asked
// once: one random member leaves and comes back, one new member joins and
// leaves again, then targets come and go in random turn.
inline Churn MeasureChurn(const ChurnCell& cell) {
  Churn churn;
  for (int fleet = 0; fleet < cell.fleets; ++fleet) {
    std::mt19937_64 random(1'000 + fleet);
    std::vector<BoundedMatching::Member> members;
    for (int i = 0; i <= cell.members; ++i) {
      members.push_back(
          {static_cast<BoundedMatching::MemberHandle>(i),
           "fleet-" + std::to_string(fleet) + "-" + std::to_string(i)});
    }
    const auto joined = members;
    members.pop_back();

    BoundedMatching matching(cell.ratio, cell.points);
    matching.SetMembers(members);
    std::vector<BoundedMatching::Addition> items;
    for (int i = 0; i < cell.items; ++i) {
      items.push_back({static_cast<BoundedMatching::Item>(i),
                       random(),
                       {random(), random()}});
    }
    matching.Apply({}, items);
    for (const auto& member : members) {
      churn.fullest_over_mean =
          std::max(churn.fullest_over_mean, 1.0 * matching.Load(member.handle) *
                                                cell.members / cell.items);
    }

    const auto leaver = random() % cell.members;
    const auto owned =
        static_cast<double>(matching.Load(members[leaver].handle));
    auto left = members;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(leaver));
    churn.leave.Add(static_cast<double>(matching.SetMembers(left).size()) /
                    owned);
    matching.SetMembers(members);
    churn.join.Add(static_cast<double>(matching.SetMembers(joined).size()) *
                   (cell.members + 1) / cell.items);
    matching.SetMembers(members);

    // Which slots are free, so that what goes and what comes is random.
    std::vector<BoundedMatching::Item> present, free;
    for (const auto& item : items) present.push_back(item.item);
    auto next = static_cast<BoundedMatching::Item>(cell.items);
    std::size_t moved = 0;
    for (int event = 0; event < cell.events; ++event) {
      if (random() % 2 == 0) {
        if (free.empty()) free.push_back(next++);
        present.push_back(free.back());
        const BoundedMatching::Addition added{
            free.back(), random(), {random(), random()}};
        free.pop_back();
        moved += matching.Apply({}, {{added}}).size() - 1;
      } else {
        std::swap(present[random() % present.size()], present.back());
        moved += matching.Apply({{present.back()}}, {}).size();
        free.push_back(present.back());
        present.pop_back();
      }
    }
    churn.others.Add(static_cast<double>(moved) / cell.events);
  }
  return churn;
}

}  // namespace ta::test
