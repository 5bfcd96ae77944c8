#include "allocator/strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "allocator/strategy_kinds.h"
#include "hashing/bounded_matching.h"
#include "hashing/capacity.h"
#include "test/support/inputs.h"
#include "test/support/strategy_driver.h"

namespace ta {
namespace {

using test::StrategyDriver;
using ::testing::ElementsAre;

TEST(StrategyTest, ReasonsHaveTheirNames) {
  EXPECT_EQ(ToString(UnassignedReason::kNoCollectors), "no_collectors");
  EXPECT_EQ(ToString(UnassignedReason::kNoCollectorOnNode),
            "no_collector_on_node");
  EXPECT_EQ(ToString(UnassignedReason::kNoNode), "no_node");
}

TEST(StrategyTest, TheConfigurationPicksIt) {
  const std::pair<StrategyKind, std::string> kinds[] = {
      {StrategyKind::kConsistentHashing, "consistent-hashing"},
      {StrategyKind::kLeastWeighted, "least-weighted"},
      {StrategyKind::kPerNode, "per-node, fallback consistent-hashing"}};
  for (const auto& [kind, name] : kinds) {
    StrategySettings settings;
    settings.kind = kind;
    StrategyDriver driver(MakeStrategy(settings));
    driver.SetMembers({"a", "b"});
    driver.Add(1);
    const auto explained =
        driver.strategy().View()->Explain(driver.IdOf(1), 1, "", "a", 10);
    EXPECT_EQ(explained.strategy, name);
    EXPECT_FALSE(explained.summary.empty());
    EXPECT_EQ(explained.candidates.size(), 2u);
  }
}

// -- consistent-hashing: the adapter; the matching has tests of its own --

TEST(ConsistentHashingTest, IsTheBoundedMatching) {
  StrategyDriver driver(MakeConsistentHashing(1050));
  driver.SetMembers(test::Collectors(5));
  for (Slot slot = 0; slot < 300; ++slot) driver.Add(slot);
  BoundedMatching matching(1050);
  std::vector<BoundedMatching::Member> members;
  for (const std::string& name : test::Collectors(5)) {
    members.push_back({driver.MemberOf(name), name});
  }
  matching.SetMembers(members);
  std::vector<BoundedMatching::Addition> additions;
  for (Slot slot = 0; slot < 300; ++slot) {
    additions.push_back({slot, driver.KeyOf(slot), driver.IdOf(slot)});
  }
  matching.Apply({}, additions);
  for (Slot slot = 0; slot < 300; ++slot) {
    EXPECT_EQ(driver.OwnerIdOf(slot), matching.Owner(slot));
  }
}

TEST(ConsistentHashingTest, ReportsEveryChangeOfOwner) {
  // The driver follows reports only; the strategy's own view is the witness.
  std::mt19937 random(5);
  StrategyDriver driver(MakeConsistentHashing(1050));
  std::set<Slot> present;
  for (int step = 0; step < 300; ++step) {
    StrategyDriver::Batch batch;
    std::set<Slot> seen;
    for (int i = 0; i < 3; ++i) {
      const Slot slot = random() % 60;
      if (!seen.insert(slot).second) continue;
      if (present.erase(slot) > 0) batch.removed.insert(slot);
      if (random() % 2) {
        batch.added.insert(slot);
        present.insert(slot);
      }
    }
    if (random() % 5 == 0) {
      batch.SetMembers(test::Collectors(static_cast<int>(random() % 5)));
    }
    driver.Apply(batch);
    StrategyDriver fresh(MakeConsistentHashing(1050), driver);
    for (const Slot slot : present) {
      ASSERT_EQ(driver.OwnerOf(slot), fresh.OwnerOf(slot))
          << "step " << step << " slot " << slot;
    }
  }
}

TEST(ConsistentHashingTest, WithoutMembersNobodyOwns) {
  StrategyDriver driver(MakeConsistentHashing(1050));
  driver.Add(1);
  EXPECT_EQ(driver.OwnerOf(1), "");
  EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectors);
  driver.SetMembers({"a"});
  EXPECT_EQ(driver.OwnerOf(1), "a");
  driver.SetMembers({});
  EXPECT_EQ(driver.OwnerOf(1), "");
}

TEST(ConsistentHashingTest, ExplainsTheOwnerAndTheLoads) {
  StrategyDriver driver(MakeConsistentHashing(1050));
  driver.SetMembers(test::Collectors(4));
  for (Slot slot = 0; slot < 100; ++slot) driver.Add(slot);
  const auto view = driver.strategy().View();
  bool displaced = false;
  for (Slot slot = 0; slot < 100; ++slot) {
    const auto told =
        view->Explain(driver.IdOf(slot), driver.KeyOf(slot), "",
                      driver.OwnerOf(slot), std::numeric_limits<int>::max());
    ASSERT_EQ(told.candidates.size(), 4u);
    std::size_t load = 0, owners = 0;
    bool owner_seen = false;
    for (const Candidate& candidate : told.candidates) {
      load += candidate.load;
      EXPECT_LE(candidate.load, candidate.capacity);
      if (candidate.verdict == "owner") {
        ++owners;
        owner_seen = true;
        EXPECT_EQ(candidate.collector, driver.OwnerOf(slot));
      } else if (!owner_seen) {
        displaced = true;
        EXPECT_EQ(candidate.load, candidate.capacity) << "full, it says";
      }
    }
    EXPECT_EQ(load, 100u);
    EXPECT_EQ(owners, 1u);
  }
  EXPECT_TRUE(displaced) << "else the check of full ones proved nothing";
}

// -- least-weighted --

std::pair<std::size_t, std::size_t> Extremes(const StrategyDriver& driver) {
  const auto loads = driver.Loads();
  std::size_t least = std::numeric_limits<std::size_t>::max(), most = 0;
  for (const auto& [name, slots] : loads) {
    least = std::min(least, slots.size());
    most = std::max(most, slots.size());
  }
  return {least, most};
}

TEST(LeastWeightedTest, NewTargetsGoToTheFewestTiesByName) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"b", "a", "c"});
  driver.Add(1);
  driver.Add(2);
  driver.Add(3);
  driver.Add(4);
  EXPECT_EQ(driver.OwnerOf(1), "a");
  EXPECT_EQ(driver.OwnerOf(2), "b");
  EXPECT_EQ(driver.OwnerOf(3), "c");
  EXPECT_EQ(driver.OwnerOf(4), "a");
  driver.Remove(2);
  driver.Add(5);
  EXPECT_EQ(driver.OwnerOf(5), "b");
}

TEST(LeastWeightedTest, SeveralAtOnceGoInOrderOfTargetId) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"a", "b"});
  StrategyDriver::Batch batch;
  batch.added = {1, 2, 3, 4};
  driver.Apply(batch);
  std::vector<Slot> order(batch.added.begin(), batch.added.end());
  std::ranges::sort(order, {}, [&](Slot slot) { return driver.IdOf(slot); });
  EXPECT_EQ(driver.OwnerOf(order[0]), "a");
  EXPECT_EQ(driver.OwnerOf(order[1]), "b");
  EXPECT_EQ(driver.OwnerOf(order[2]), "a");
  EXPECT_EQ(driver.OwnerOf(order[3]), "b");
}

TEST(LeastWeightedTest, LeavingTargetsMoveNoOthers) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"a", "b"});
  for (Slot slot = 0; slot < 20; ++slot) driver.Add(slot);
  const auto before = driver.Owners();
  const auto loads = driver.Loads();
  for (const Slot slot : loads.at("a")) driver.Remove(slot);
  for (const auto& [slot, owner] : driver.Owners()) {
    EXPECT_EQ(owner, before.at(slot));
  }
}

TEST(LeastWeightedTest, AJoinMovesOnlyTheExcessLargestTargetIdFirst) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"a", "b"});
  for (Slot slot = 0; slot < 12; ++slot) driver.Add(slot);
  const auto before = driver.Owners();
  const auto loads = driver.Loads();
  driver.SetMembers({"a", "b", "c"});
  EXPECT_EQ(driver.Loads().at("c").size(), 4u);
  for (const std::string name : {"a", "b"}) {
    std::vector<Slot> held(loads.at(name).begin(), loads.at(name).end());
    std::ranges::sort(held, std::ranges::greater(),
                      [&](Slot slot) { return driver.IdOf(slot); });
    for (std::size_t i = 0; i < held.size(); ++i) {
      EXPECT_EQ(driver.OwnerOf(held[i]), i < 2 ? "c" : name);
    }
  }
}

TEST(LeastWeightedTest, ALeaveMovesOnlyTheLeaversTargets) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"a", "b", "c"});
  for (Slot slot = 0; slot < 30; ++slot) driver.Add(slot);
  const auto before = driver.Owners();
  driver.SetMembers({"a", "c"});
  for (const auto& [slot, owner] : driver.Owners()) {
    if (before.at(slot) == "b") continue;
    EXPECT_EQ(owner, before.at(slot));
  }
  EXPECT_EQ(Extremes(driver), std::pair(std::size_t{15}, std::size_t{15}));
}

TEST(LeastWeightedTest, LevelAfterEachJoinOrLeaveWithTheFewestMoves) {
  std::mt19937 random(11);
  StrategyDriver driver(MakeLeastWeighted());
  std::set<Slot> present;
  for (int step = 0; step < 400; ++step) {
    StrategyDriver::Batch targets;
    std::set<Slot> seen;
    for (int i = 0; i < 5; ++i) {
      const Slot slot = random() % 100;
      if (!seen.insert(slot).second) continue;
      if (present.erase(slot) > 0) {
        targets.removed.insert(slot);
      } else {
        targets.added.insert(slot);
        present.insert(slot);
      }
    }
    driver.Apply(targets);
    const auto before = driver.Owners();
    const auto loads = driver.Loads();
    StrategyDriver::Batch members;
    std::vector<std::string> names;
    for (const std::string& name : test::Collectors(8)) {
      if (random() % 2) names.push_back(name);
    }
    members.SetMembers(names);
    driver.Apply(members);
    if (names.empty()) continue;
    const auto [least, most] = Extremes(driver);
    ASSERT_LE(most - least, 1u) << "step " << step;
    // What must move: what leavers had, and of those who stay what is above
    // the level; with r targets over, the r fullest may keep one more.
    std::vector<std::size_t> staying;
    std::size_t must = present.size();
    for (const std::string& name : names) {
      const auto had = loads.find(name);
      staying.push_back(had == loads.end() ? 0 : had->second.size());
    }
    std::ranges::sort(staying, std::ranges::greater());
    const std::size_t level = present.size() / names.size();
    std::size_t over = present.size() % names.size();
    for (const std::size_t had : staying) {
      std::size_t keeps = std::min(had, level);
      if (had > level && over > 0) {
        ++keeps;
        --over;
      }
      must -= keeps;
    }
    std::size_t moved = 0;
    for (const auto& [slot, owner] : driver.Owners()) {
      moved += owner != before.at(slot);
    }
    ASSERT_EQ(moved, must) << "step " << step;
  }
}

TEST(LeastWeightedTest, WhoContinuesAnotherStaysWhereThatWas) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.SetMembers({"a", "b"});
  driver.Add(1);  // at a
  driver.Add(2);  // at b
  StrategyDriver::Batch batch;
  batch.removed = {2};
  batch.added = {3};
  batch.previous = {{3, driver.MemberOf("a")}};
  driver.Apply(batch);
  EXPECT_EQ(driver.OwnerOf(3), "a") << "though b has none";
}

TEST(LeastWeightedTest, ANewStrategyStartsWithWhatIsThere) {
  StrategyDriver driver(MakeLeastWeighted());
  driver.Name("a");
  driver.Name("b");
  StrategyDriver::Batch batch;
  batch.SetMembers(std::vector<std::string>{"a", "b"});
  batch.added = {1, 2, 3, 4};
  for (const Slot slot : batch.added) {
    batch.previous[slot] = driver.MemberOf("b");
  }
  driver.Apply(batch);
  EXPECT_EQ(Extremes(driver), std::pair(std::size_t{2}, std::size_t{2}));
}

}  // namespace
}  // namespace ta
