// Promises 2, 3 and 5 over random fleets: whatever happened before, the
// matching is the one that Gale and Shapley find for what is there now. A
// failure prints the seed of its fleet.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "hashing/bounded_matching.h"
#include "test/hashing/matching_oracle.h"

namespace ta {
namespace {

// How the keys of a fleet lie.
enum class KeyShape {
  kEven,
  kFewValues,
  kAllEqual,
  kClustered,
  kAroundZero,
  kAtPoints
};

struct FleetShape {
  const char* name;
  KeyShape keys;
  int items;    // about how many
  int members;  // at most how many
  int points;   // a member
  int ratio;    // thousandths
};

// A fleet whose items and members come and go, once in a BoundedMatching and
// once in plain containers for the oracle.
class Fleet {
 public:
  Fleet(const FleetShape& shape, std::uint64_t seed)
      : shape_(shape),
        random_(seed),
        calm_(seed % 2 == 0),
        ratio_(shape.ratio),
        matching_(shape.ratio, shape.points) {}

  // One random step. Keeps the fleet around its size.
  void Step() {
    const auto owners = OwnersNow();
    const auto moves = RandomStep();
    CheckMoves(owners, moves);
  }

  void Check() {
    std::vector<std::string> names;
    for (const auto& [name, handle] : members_) names.push_back(name);
    std::vector<test::OracleItem> items;
    for (const auto& [item, known] : items_) items.push_back(known);
    const test::MatchingOracle oracle(items, names, ratio_, shape_.points);
    const auto expected = oracle.Match();

    ASSERT_EQ(matching_.size(), items_.size());
    std::map<std::string, std::size_t> load;
    std::map<std::uint32_t, std::string> actual;
    for (const auto& [item, known] : items_) {
      const auto owner = matching_.Owner(item);
      if (members_.empty()) {
        ASSERT_EQ(owner, BoundedMatching::kNone);
        continue;
      }
      ASSERT_NE(owner, BoundedMatching::kNone) << "item " << item;
      const std::string& name = names_.at(owner);
      actual[item] = name;
      ++load[name];
    }
    ASSERT_EQ(actual, expected);
    for (const auto& [name, capacity] : oracle.capacities()) {
      const auto handle = members_.at(name);
      ASSERT_EQ(matching_.Capacity(handle), capacity) << name;
      ASSERT_EQ(matching_.Load(handle), load[name]) << name;
      ASSERT_LE(load[name], capacity) << name;
    }
    if (!members_.empty()) {
      ASSERT_EQ(oracle.BlockingPair(actual), std::nullopt);
    }
  }

 private:
  using Owners = std::map<std::uint32_t, BoundedMatching::MemberHandle>;

  std::uint64_t Below(std::uint64_t n) { return random_() % n; }

  std::vector<BoundedMatching::Move> RandomStep() {
    const auto dice = Below(calm_ ? 1'000 : 100);
    if (dice < 4) {
      ratio_ =
          Below(3) == 0 ? 1000 + static_cast<int>(Below(3000)) : shape_.ratio;
      return matching_.SetRatio(ratio_);
    }
    if (dice < 16 || step_++ == 0) return ChangeMembers();
    return ChangeItems();
  }

  std::vector<BoundedMatching::Move> ChangeMembers() {
    const auto wanted = Below(shape_.members + 1);
    for (int i = 0; i < 3; ++i) {
      const auto name = "collector-" + std::to_string(Below(shape_.members));
      if (members_.size() > wanted) members_.erase(name);
      if (members_.size() < wanted && !members_.contains(name)) {
        members_[name] = next_handle_;
        names_[next_handle_++] = name;
      }
    }
    std::vector<BoundedMatching::Member> members;
    for (const auto& [name, handle] : members_)
      members.push_back({handle, name});
    std::shuffle(members.begin(), members.end(), random_);
    return matching_.SetMembers(members);
  }

  std::vector<BoundedMatching::Move> ChangeItems() {
    // Mostly up to two of each, sometimes a batch that is done from scratch.
    const auto most = Below(calm_ ? 200 : 20) == 0 ? shape_.items : 3;
    std::vector<std::uint32_t> removed;
    std::vector<BoundedMatching::Addition> added;
    std::vector<std::uint32_t> present;
    for (const auto& [item, known] : items_) present.push_back(item);
    std::shuffle(present.begin(), present.end(), random_);
    const bool crowded = static_cast<int>(items_.size()) > shape_.items;
    for (auto n = Below(most) * (crowded ? 2 : 1); n > 0 && !present.empty();
         --n) {
      removed.push_back(present.back());
      present.pop_back();
      items_.erase(removed.back());
      free_.push_back(removed.back());
    }
    for (auto n = Below(most); n > 0; --n) {
      std::uint32_t item = next_item_;
      if (free_.empty()) {
        ++next_item_;
      } else {
        item = free_.back();
        free_.pop_back();
      }
      // Ids that often share their high half.
      const ItemId id{Below(4), random_()};
      items_[item] = {item, Key(), id};
      added.push_back({item, items_[item].key, id});
    }
    return matching_.Apply(removed, added);
  }

  std::uint64_t Key() {
    switch (shape_.keys) {
      case KeyShape::kEven:
        return random_();
      case KeyShape::kFewValues:
        return Below(5) * 0x3333333333333333;
      case KeyShape::kAllEqual:
        return 0x1234;
      case KeyShape::kClustered:
        return Below(2) == 0 ? 0xffffffffffff0000 + Below(0x20000) : Below(100);
      case KeyShape::kAroundZero:  // one lane, across the end of the circle
        return Below(100) - 50;
      case KeyShape::kAtPoints: {
        const auto name = "collector-" + std::to_string(Below(shape_.members));
        return Hasher(kRingSeed).Append(name).Append(Below(2)).Hash64() +
               Below(3) - 1;
      }
    }
    return 0;
  }

  Owners OwnersNow() const {
    Owners owners;
    for (const auto& [item, known] : items_)
      owners[item] = matching_.Owner(item);
    return owners;
  }

  // The moves are exactly the difference, once each, sorted. An item whose
  // number was used again in the step came from nowhere.
  void CheckMoves(const Owners& before,
                  const std::vector<BoundedMatching::Move>& moves) {
    std::map<std::uint32_t, BoundedMatching::Move> listed;
    std::uint32_t last = 0;
    for (const auto& move : moves) {
      ASSERT_TRUE(listed.empty() || move.item > last) << "not sorted";
      last = move.item;
      listed[move.item] = move;
      ASSERT_TRUE(items_.contains(move.item));
      ASSERT_NE(move.from, move.to);
      ASSERT_EQ(move.to, matching_.Owner(move.item));
    }
    for (const auto& [item, known] : items_) {
      const auto old = before.find(item);
      const bool same_item = old != before.end() && known_.contains(item) &&
                             known_[item].id == known.id;
      const auto from = same_item ? old->second : BoundedMatching::kNone;
      const auto to = matching_.Owner(item);
      ASSERT_EQ(listed.contains(item), from != to) << "item " << item;
      if (from != to) {
        ASSERT_EQ(listed[item].from, from) << "item " << item;
      }
    }
    known_ = items_;
  }

  FleetShape shape_;
  std::mt19937_64 random_;
  bool calm_;  // long runs without anything from scratch
  int ratio_;
  int step_ = 0;
  BoundedMatching matching_;
  std::map<std::string, BoundedMatching::MemberHandle> members_;
  std::map<BoundedMatching::MemberHandle, std::string> names_;  // ever
  std::map<std::uint32_t, test::OracleItem> items_;
  std::map<std::uint32_t, test::OracleItem> known_;  // after the last step
  std::vector<std::uint32_t> free_;
  BoundedMatching::MemberHandle next_handle_ = 100;
  std::uint32_t next_item_ = 0;
};

class BoundedMatchingPropertyTest : public testing::TestWithParam<FleetShape> {
};

TEST_P(BoundedMatchingPropertyTest,
       AnyHistoryGivesTheMatchingOfGaleAndShapley) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Fleet fleet(GetParam(), seed);
    for (int step = 0; step < 120; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      fleet.Step();
      if (HasFatalFailure()) return;
      fleet.Check();
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fleets, BoundedMatchingPropertyTest,
    testing::Values(
        FleetShape{"Even", KeyShape::kEven, 60, 8, 20, 1050},
        FleetShape{"NoSlack", KeyShape::kEven, 40, 7, 5, 1000},
        FleetShape{"OnePoint", KeyShape::kEven, 40, 9, 1, 1050},
        FleetShape{"MoreMembersThanItems", KeyShape::kEven, 12, 30, 4, 1050},
        FleetShape{"WideRatio", KeyShape::kEven, 40, 5, 10, 9999},
        FleetShape{"FewKeys", KeyShape::kFewValues, 50, 8, 12, 1050},
        FleetShape{"OneKey", KeyShape::kAllEqual, 50, 9, 6, 1050},
        FleetShape{"OneKeyNoSlack", KeyShape::kAllEqual, 30, 9, 1, 1000},
        FleetShape{"Clustered", KeyShape::kClustered, 50, 9, 8, 1050},
        FleetShape{"AroundZero", KeyShape::kAroundZero, 40, 6, 3, 1050},
        FleetShape{"KeysAtPoints", KeyShape::kAtPoints, 50, 6, 2, 1100}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ta
