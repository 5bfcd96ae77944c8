#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "allocator/strategy.h"
#include "allocator/strategy_kinds.h"
#include "hashing/capacity.h"
#include "test/support/inputs.h"
#include "test/support/strategy_driver.h"

namespace ta {
namespace {

using test::StrategyDriver;

std::unique_ptr<Strategy> Make(
    FallbackScope scope = FallbackScope::kNode,
    StrategyKind fallback = StrategyKind::kConsistentHashing) {
  StrategySettings settings;
  settings.kind = StrategyKind::kPerNode;
  settings.fallback = fallback;
  settings.scope = scope;
  return MakeStrategy(settings);
}

TEST(PerNodeTest, TheCollectorOnTheNodeOwns) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}, {"b", "n2"}});
  driver.Add(1, "n1");
  driver.Add(2, "n2");
  driver.Add(3, "n2");
  EXPECT_EQ(driver.OwnerOf(1), "a");
  EXPECT_EQ(driver.OwnerOf(2), "b");
  EXPECT_EQ(driver.OwnerOf(3), "b");
}

TEST(PerNodeTest, SeveralOnANodeShareByTheRingWithinTheBound) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}, {"b", "n1"}, {"c", "n1"}, {"d", "n2"}});
  for (Slot slot = 0; slot < 100; ++slot) driver.Add(slot, "n1");
  const auto loads = driver.Loads();
  EXPECT_EQ(loads.at("a").size() + loads.at("b").size() + loads.at("c").size(),
            100u);
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_LE(loads.at(name).size(), 35u);  // ceil(105 / 3)
  }
  EXPECT_TRUE(loads.at("d").empty());
}

TEST(PerNodeTest, ANodeWithoutCollectorLeavesItsTargetsUnassigned) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}});
  driver.Add(1, "n2");
  EXPECT_EQ(driver.OwnerOf(1), "");
  EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectorOnNode);
  driver.SetMembers({{"a", "n1"}, {"b", "n2"}});
  EXPECT_EQ(driver.OwnerOf(1), "b");
  driver.SetMembers({{"a", "n1"}});
  EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectorOnNode);
  driver.SetMembers(std::vector<StrategyDriver::Named>{});
  EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectors);
}

TEST(PerNodeTest, ScopeAllLendsThemToTheFallback) {
  StrategyDriver driver(Make(FallbackScope::kAll));
  driver.SetMembers({{"a", "n1"}, {"b", "n1"}});
  driver.Add(1, "n2");
  EXPECT_NE(driver.OwnerOf(1), "");
  driver.SetMembers({{"a", "n1"}, {"b", "n1"}, {"c", "n2"}});
  EXPECT_EQ(driver.OwnerOf(1), "c");
  driver.SetMembers({{"a", "n1"}, {"b", "n1"}});
  EXPECT_NE(driver.OwnerOf(1), "");
}

TEST(PerNodeTest, ATargetWithoutANodeGoesToTheFallback) {
  for (const FallbackScope scope :
       {FallbackScope::kNode, FallbackScope::kAll}) {
    StrategyDriver driver(Make(scope));
    driver.SetMembers({{"a", "n1"}, {"b", ""}});
    for (Slot slot = 0; slot < 40; ++slot) driver.Add(slot, "");
    EXPECT_EQ(driver.Loads().at("a").size() + driver.Loads().at("b").size(),
              40u);
    EXPECT_GT(driver.Loads().at("b").size(), 0u)
        << "over all live collectors, wherever they are";
  }
}

TEST(PerNodeTest, TheFallbackCountsOnlyWhatFallsBack) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}, {"b", "n2"}});
  for (Slot slot = 0; slot < 100; ++slot) driver.Add(slot, "n1");
  for (Slot slot = 100; slot < 120; ++slot) driver.Add(slot, "");
  std::size_t a = 0;
  for (Slot slot = 100; slot < 120; ++slot) a += driver.OwnerOf(slot) == "a";
  EXPECT_LE(a, 11u);  // ceil(21 / 2)
  EXPECT_GE(a, 9u) << "its own node's load is no reason to give it less";
}

TEST(PerNodeTest, FallbackNoneLeavesThemUnassigned) {
  for (const FallbackScope scope :
       {FallbackScope::kNode, FallbackScope::kAll}) {
    StrategyDriver driver(Make(scope, StrategyKind::kNone));
    driver.SetMembers({{"a", "n1"}});
    driver.Add(1, "");
    driver.Add(2, "n2");
    EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoNode);
    EXPECT_EQ(driver.ReasonOf(2), UnassignedReason::kNoCollectorOnNode);
    driver.SetMembers(std::vector<StrategyDriver::Named>{});
    EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectors);
  }
}

TEST(PerNodeTest, FallbackLeastWeightedLevels) {
  StrategyDriver driver(
      Make(FallbackScope::kNode, StrategyKind::kLeastWeighted));
  driver.SetMembers({{"a", "n1"}, {"b", "n2"}});
  for (Slot slot = 0; slot < 30; ++slot) driver.Add(slot, "");
  driver.SetMembers({{"a", "n1"}, {"b", "n2"}, {"c", ""}});
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(driver.Loads().at(name).size(), 10u) << name;
  }
}

TEST(PerNodeTest, ACollectorThatChangesItsNodeLosesTheOldOnes) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}});
  driver.Add(1, "n1");
  driver.Add(2, "n2");
  driver.SetMembers({{"a", "n2"}});
  EXPECT_EQ(driver.ReasonOf(1), UnassignedReason::kNoCollectorOnNode);
  EXPECT_EQ(driver.OwnerOf(2), "a");
}

TEST(PerNodeTest, ExplainsByNodeByFallbackAndWhyNot) {
  StrategyDriver driver(Make());
  driver.SetMembers({{"a", "n1"}, {"b", "n1"}});
  driver.Add(1, "n1");
  driver.Add(2, "");
  driver.Add(3, "n2");
  const auto view = driver.strategy().View();
  const auto of = [&](Slot slot, const char* node) {
    return view->Explain(driver.IdOf(slot), driver.KeyOf(slot), node,
                         driver.OwnerOf(slot), 10);
  };
  EXPECT_EQ(of(1, "n1").strategy, "per-node on node n1");
  EXPECT_EQ(of(1, "n1").candidates.size(), 2u);
  EXPECT_EQ(of(2, "").strategy, "per-node, fallback consistent-hashing");
  EXPECT_EQ(of(3, "n2").summary, "node n2 has no live collector");
}

// What an explanation shows of each node: "member load/capacity".
std::set<std::string> LoadsShown(StrategyDriver& driver,
                                 const std::vector<std::string>& nodes) {
  std::set<std::string> shown;
  const auto view = driver.strategy().View();
  for (const std::string& node : nodes) {
    const auto told = view->Explain({}, 0, node, "", 100);
    shown.insert(told.strategy + ": " + told.summary);
    for (const Candidate& each : told.candidates) {
      shown.insert(told.strategy + ": " + each.collector + " " +
                   std::to_string(each.load) + "/" +
                   std::to_string(each.capacity));
    }
  }
  return shown;
}

// A view is taken at each change and only what changed is made anew for it.
TEST(PerNodeTest, ViewsOfManyNodesShowTheirOwnMoment) {
  constexpr int kNodes = 300;
  StrategyDriver driver(Make());
  std::vector<StrategyDriver::Named> members;
  std::vector<std::string> nodes;
  for (const std::string& name : test::Collectors(kNodes)) {
    nodes.push_back("on-" + name);
    members.push_back({name, nodes.back()});
  }
  driver.SetMembers(members);
  const auto load = [&](const StrategyView& view, int node) {
    return view.Explain({}, 0, nodes[node], "", 1).candidates.at(0).load;
  };
  std::vector<std::shared_ptr<const StrategyView>> views;
  for (Slot slot = 0; slot < kNodes; ++slot) {
    driver.Add(slot, nodes[slot]);
    views.push_back(driver.strategy().View());
  }
  for (int at = 0; at < kNodes; at += 17) {
    for (int node = 0; node < kNodes; ++node) {
      ASSERT_EQ(load(*views[at], node), node <= at ? 1u : 0u);
    }
  }
}

// With consistent-hashing as fallback nothing depends on history.
TEST(PerNodeTest, IncrementalIsFromScratch) {
  for (const FallbackScope scope :
       {FallbackScope::kNode, FallbackScope::kAll}) {
    std::mt19937 random(17);
    StrategyDriver driver(Make(scope));
    const std::vector<std::string> nodes = {"", "n1", "n2", "n3"};
    std::set<Slot> present;
    for (int step = 0; step < 400; ++step) {
      StrategyDriver::Batch batch;
      std::set<Slot> seen;
      for (int i = 0; i < 4; ++i) {
        const Slot slot = random() % 50;
        if (!seen.insert(slot).second) continue;
        if (present.erase(slot) > 0) batch.removed.insert(slot);
        if (random() % 3 != 0) {
          driver.SetNode(slot, nodes[random() % nodes.size()]);
          batch.added.insert(slot);
          present.insert(slot);
        }
      }
      if (random() % 4 == 0) {
        std::vector<StrategyDriver::Named> members;
        for (const std::string& name : test::Collectors(6)) {
          if (random() % 2 == 0) continue;
          members.push_back({name, nodes[random() % nodes.size()]});
        }
        batch.members = members;
      }
      driver.Apply(batch);
      StrategyDriver fresh(Make(scope), driver);
      for (const Slot slot : present) {
        ASSERT_EQ(driver.OwnerOf(slot), fresh.OwnerOf(slot)) << step;
        ASSERT_EQ(driver.ReasonOf(slot), fresh.ReasonOf(slot)) << step;
      }
      ASSERT_EQ(LoadsShown(driver, nodes), LoadsShown(fresh, nodes)) << step;
    }
  }
}

}  // namespace
}  // namespace ta
