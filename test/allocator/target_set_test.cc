#include "allocator/target_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "test/allocator/target_set_fixture.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using test::At;
using test::DropRule;
using test::GroupOf;
using test::LabelsOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class FreshTargetSet : public TargetSetTest {
  void TestBody() override {}
};

TEST_F(TargetSetTest, AGroupReplacesTheOneWithItsSource) {
  EXPECT_TRUE(Apply({GroupOf("a", {"h:1", "h:2"}), GroupOf("b", {"h:3"})}));
  EXPECT_THAT(Take().added, SizeIs(3));
  EXPECT_TRUE(Apply({GroupOf("a", {"h:2", "h:4"})}));
  const auto changes = Take();
  EXPECT_THAT(changes.added, SizeIs(1));
  EXPECT_THAT(changes.removed, SizeIs(1));
  EXPECT_THAT(changes.updated, IsEmpty());
  EXPECT_THAT(Live(), ElementsAre("h:2", "h:3", "h:4"));
  EXPECT_TRUE(Apply({GroupOf("a", {})}));
  EXPECT_THAT(Take().removed, SizeIs(2));
  EXPECT_EQ(targets_.Stats("d")->groups, 1u);
  EXPECT_EQ(targets_.Stats("d")->targets, 1u);
  EXPECT_EQ(targets_.Counts(kJob).discovered, 1u);
}

TEST_F(TargetSetTest, TheSameAgainIsNoChange) {
  Apply({GroupOf("a", {"h:1", "h:2"})});
  Take();
  EXPECT_FALSE(Apply({GroupOf("a", {"h:1", "h:2"})}));
  EXPECT_FALSE(Apply({GroupOf("never seen", {})}));
  const auto changes = Take();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(changes.updated, IsEmpty());
}

TEST_F(TargetSetTest, OnlyNewTargetsOfAChangedGroupAreRelabeled) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 100; ++i) addresses.push_back("h:" + std::to_string(i));
  Apply({GroupOf("a", addresses)});
  Take();
  EXPECT_EQ(targets_.relabeled(), 100u);
  addresses[50] = "new:1";
  Apply({GroupOf("a", addresses)});
  EXPECT_EQ(targets_.relabeled(), 101u);
  addresses.insert(addresses.begin(), "first:1");
  addresses.erase(addresses.begin() + 20);
  Apply({GroupOf("a", addresses)});
  EXPECT_EQ(targets_.relabeled(), 102u) << "those that shifted are the same";
  Take();
  EXPECT_THAT(live_, SizeIs(100));
  Apply({GroupOf("a", addresses, {{"env", "x"}})});
  EXPECT_EQ(targets_.relabeled(), 202u) << "other common labels: all are new";
}

TEST_F(TargetSetTest, OtherMetaLabelsAreAnUpdate) {
  Apply({GroupOf("a", {"h:1"}, {{"__meta_x", "1"}})});
  const Slot slot = Take().added.at(0);
  Apply({GroupOf("a", {"h:1"}, {{"__meta_x", "2"}})});
  const auto changes = Take();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(changes.updated, ElementsAre(slot));
  EXPECT_EQ(targets_.TargetOf(slot)->Get("__meta_x"), "2");
}

TEST_F(TargetSetTest, GoneAndBackInOneStepIsNoChange) {
  Apply({GroupOf("a", {"h:1"})});
  Take();
  Apply({GroupOf("a", {})});
  Apply({GroupOf("a", {"h:1"})});
  auto changes = Take();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  Apply({GroupOf("a", {}), GroupOf("b", {"h:1"})});  // to another group
  changes = Take();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  Apply({GroupOf("c", {"h:2"})});  // there and away again
  Apply({GroupOf("c", {})});
  changes = Take();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
}

TEST_F(TargetSetTest, ARemovedSlotIsGivenOutOnlyAfterTheNextTake) {
  Apply({GroupOf("a", {"h:1"})});
  const Slot slot = Take().added.at(0);
  Apply({GroupOf("a", {})});
  ASSERT_EQ(Take().removed.at(0).slot, slot);
  Apply({GroupOf("a", {"h:2"})});
  EXPECT_NE(Take().added.at(0), slot);
  Apply({GroupOf("b", {"h:3"})});
  EXPECT_EQ(Take().added.at(0), slot);
}

// -- duplicates --

TEST_F(TargetSetTest, OfDuplicatesTheSmallestSourceWinsAndSurvivesTheOthers) {
  const auto group = [](const char* source) {
    return GroupOf(source, {"h:1"}, {{"__meta_from", source}});
  };
  Apply({group("b")});
  Take();
  Apply({group("c")});
  Take();
  EXPECT_THAT(Live("__meta_from"), ElementsAre("b"));
  ASSERT_THAT(Unserved(), SizeIs(1));
  EXPECT_EQ(Unserved()[0].group.Get("__meta_from"), "c");
  EXPECT_EQ(Unserved()[0].id, targets_.TargetOf(*live_.begin())->id);
  Apply({group("a")});
  EXPECT_THAT(Take().updated, SizeIs(1));
  EXPECT_THAT(Live("__meta_from"), ElementsAre("a"));
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 2u);
  Apply({GroupOf("a", {})});
  Take();
  EXPECT_THAT(Live("__meta_from"), ElementsAre("b"));
  Apply({GroupOf("c", {})});
  Take();
  EXPECT_THAT(Live("__meta_from"), ElementsAre("b"));
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 0u);
  Apply({GroupOf("b", {})});
  EXPECT_THAT(Take().removed, SizeIs(1));
}

TEST_F(TargetSetTest, WithinASourceTheSmallestDiscoveredLabelsWin) {
  TargetGroup group;
  group.source = "a";
  group.labels = LabelsOf({{"__meta_a", "5"}});
  group.targets = {At("h:1", {{"__meta_b", "2"}}),
                   At("h:1", {{"__meta_b", "1"}}),
                   // Merged, this is the smallest: its __meta_a is 4.
                   At("h:1", {{"__meta_a", "4"}, {"__meta_b", "9"}})};
  Apply({group});
  Take();
  EXPECT_THAT(Live("__meta_b"), ElementsAre("9"));
  group.targets.pop_back();
  Apply({group});
  Take();
  EXPECT_THAT(Live("__meta_b"), ElementsAre("1"));
  std::swap(group.targets[0], group.targets[1]);
  Apply({group});
  Take();
  EXPECT_THAT(Live("__meta_b"), ElementsAre("1"));
  ASSERT_THAT(Unserved(), SizeIs(1));
  EXPECT_EQ(Unserved()[0].own.Get("__meta_b"), "2");
}

// Two patterns of files may find the same file.
TEST_F(TargetSetTest, OfEqualOnesTheDiscoverersKeyDecidesNotTheOrder) {
  targets_.Feed(kJob, {"d", "e"});
  const auto duplicate = [this] {
    std::string discoverer;
    for (const auto& bucket : targets_.Unserved(kJob).buckets()) {
      for (const auto& group : bucket->groups) discoverer += group->discoverer;
    }
    return discoverer;
  };
  for (const auto& [first, second] : {std::pair("d", "e"), {"e", "d"}}) {
    Apply({GroupOf("a", {"h:1"})}, first);
    Take();
    Apply({GroupOf("a", {"h:1"})}, second);
    Take();
    EXPECT_EQ(duplicate(), "e");
    Apply({GroupOf("a", {})}, first);
    Apply({GroupOf("a", {})}, second);
    Take();
  }
}

TEST_F(TargetSetTest, TheSameTargetTwiceInAGroupIsADuplicate) {
  Apply({GroupOf("a", {"h:1", "h:1", "h:1"})});
  EXPECT_THAT(Take().added, SizeIs(1));
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 2u);
  Apply({GroupOf("a", {"h:1"})});
  const auto changes = Take();
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(changes.unserved, ElementsAre(kJob));
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 0u);
}

// -- what is not served --

TEST_F(TargetSetTest, DroppedAndInvalidAreListedWithTheirReasons) {
  Rules(kJob, {DropRule("x", "a"), DropRule("x", "b")});
  TargetGroup group = GroupOf("g", {"h:1"});
  group.targets.push_back(At("h:2", {{"x", "b"}}));
  group.targets.push_back(LabelsOf({{"y", "no address"}}));
  group.invalid = {{"h:9", "bad label"}, {"", "no address and worse"}};
  Apply({group});
  Take();
  auto unserved = Unserved();
  ASSERT_THAT(unserved, SizeIs(4));
  EXPECT_EQ(unserved[0].state, UnservedTarget::State::kDroppedByRule);
  EXPECT_EQ(unserved[0].rule, 1);
  EXPECT_EQ(unserved[0].own.Get("__address__"), "h:2");
  EXPECT_EQ(unserved[1].state, UnservedTarget::State::kDroppedByCheck);
  EXPECT_EQ(unserved[1].reason, "no address");
  EXPECT_EQ(unserved[2].state, UnservedTarget::State::kInvalid);
  EXPECT_EQ(unserved[2].reason, "h:9: bad label");
  EXPECT_EQ(unserved[3].reason, "no address and worse");
  EXPECT_EQ(targets_.Counts(kJob).discovered, 5u);

  group.invalid.clear();
  Apply({group});
  EXPECT_THAT(Take().unserved, ElementsAre(kJob));
  EXPECT_THAT(Unserved(), SizeIs(2));
  // Reasons follow their targets when these shift.
  for (int i = 0; i < 20; ++i) {
    group.targets.insert(group.targets.begin(),
                         At("n:" + std::to_string(i), {{"x", "a"}}));
    group.targets.push_back(LabelsOf({{"__address__", "a b"}}));
    Apply({group});
    Take();
    group.targets.pop_back();
    Apply({group});
    Take();
  }
  unserved = Unserved();
  ASSERT_THAT(unserved, SizeIs(22));
  EXPECT_EQ(unserved[21].reason, "no address");
  EXPECT_EQ(unserved[19].rule, 0);
}

TEST_F(TargetSetTest, AGroupOfInvalidTargetsOnlyIsAGroup) {
  TargetGroup group;
  group.source = "a";
  group.invalid = {{"h:1", "bad"}};
  EXPECT_TRUE(Apply({group}));
  Take();
  EXPECT_EQ(targets_.Counts(kJob).invalid, 1u);
  EXPECT_FALSE(Apply({group}));
  group.targets = {At("h:2")};
  Apply({group});
  Take();
  EXPECT_THAT(Live(), ElementsAre("h:2"));
  EXPECT_EQ(targets_.Counts(kJob).discovered, 2u);
  group.targets.clear();
  group.invalid.clear();
  Apply({group});
  Take();
  EXPECT_EQ(targets_.Counts(kJob).discovered, 0u);
  EXPECT_EQ(targets_.Stats("d")->groups, 0u);
}

// -- jobs and feeds --

TEST_F(TargetSetTest, ChangedRulesRelabelWhatIsAtHand) {
  Apply({GroupOf("a", {"h:1", "h:2"})});
  Take();
  Rules(kJob, {DropRule("__address__", "h:1")});
  const auto changes = Take();
  EXPECT_THAT(changes.removed, SizeIs(1));
  EXPECT_THAT(Live(), ElementsAre("h:2"));
  EXPECT_EQ(targets_.Counts(kJob).dropped, 1u);
  Rules(kJob, {});
  EXPECT_THAT(Take().added, SizeIs(1));
  EXPECT_EQ(targets_.Counts(kJob).dropped, 0u);
}

TEST_F(TargetSetTest, JobsShareADiscovererAndAreTargetsOfTheirOwn) {
  Apply({GroupOf("a", {"h:1", "h:2"})});
  Rules(1, {DropRule("__address__", "h:1")});
  targets_.Feed(1, {"d"});
  EXPECT_THAT(Take().added, SizeIs(3));
  EXPECT_EQ(targets_.Counts(1).dropped, 1u);
  EXPECT_EQ(targets_.Counts(kJob).dropped, 0u);
  targets_.RemoveJob(1);
  EXPECT_THAT(Take().removed, SizeIs(1));
  EXPECT_THAT(Live(), ElementsAre("h:1", "h:2"));
}

TEST_F(TargetSetTest, FeedsMayChangeAndOverlap) {
  Apply({GroupOf("a", {"h:1", "h:2"})});
  Apply({GroupOf("a", {"h:2", "h:3"})}, "e");
  Take();
  EXPECT_THAT(Live(), ElementsAre("h:1", "h:2"));
  targets_.Feed(kJob, {"d", "e"});
  EXPECT_THAT(Take().added, SizeIs(1));
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 1u);
  targets_.Feed(kJob, {"e"});
  const auto changes = Take();
  EXPECT_THAT(changes.removed, SizeIs(1));
  EXPECT_THAT(changes.added, IsEmpty()) << "h:2 stays the one it was";
  EXPECT_EQ(targets_.Counts(kJob).duplicates, 0u);
  targets_.Forget("d");
  EXPECT_EQ(targets_.Stats("d"), nullptr);
  EXPECT_THAT(targets_.Discoverers(), ElementsAre("e"));
}

TEST_F(TargetSetTest, TheIntervalIsTheTargetsOwn) {
  Apply({GroupOf("a", {"h:1"}), GroupOf("b", {"h:2"},
                                        {{"__scrape_interval__", "1m30s"},
                                         {"__scrape_timeout__", "1s"}})});
  Take();
  std::map<std::string, std::chrono::milliseconds> intervals;
  for (const Slot slot : live_) {
    const Target& target = *targets_.TargetOf(slot);
    intervals[std::string(target.Get("__address__"))] = target.scrape_interval;
  }
  EXPECT_EQ(intervals["h:1"], std::chrono::seconds(30));
  EXPECT_EQ(intervals["h:2"], std::chrono::seconds(90));
}

// The groups at the end decide, however they came to be.
TEST_F(TargetSetTest, IncrementalIsFromScratch) {
  using Key = std::pair<std::string, std::string>;  // discoverer, source
  const auto picture = [](const TargetSetTest& test) {
    std::multiset<std::string> lines;
    const auto line = [](std::string text, const Labels& group,
                         const Labels& own) {
      for (const LabelPair& pair : Labels::Merge(group, own)) {
        text += " " + std::string(pair.name) + "=" + std::string(pair.value);
      }
      return text;
    };
    for (const Slot slot : test.live_) {
      const Target& target = *test.targets_.TargetOf(slot);
      lines.insert(line("live " + std::to_string(test.targets_.JobOf(slot)) +
                            " " + ToHex(target.id),
                        target.group, target.own));
    }
    for (const JobId job : {0u, 1u}) {
      for (const UnservedTarget& each : test.Unserved(job)) {
        lines.insert(line(std::to_string(static_cast<int>(each.state)) + " " +
                              std::to_string(job) + " " + ToHex(each.id) + " " +
                              std::to_string(each.rule) + each.reason,
                          each.group, each.own));
      }
      const JobCounts counts = test.targets_.Counts(job);
      lines.insert("discovered " + std::to_string(counts.discovered));
    }
    return lines;
  };
  const auto configure = [](TargetSetTest& test) {
    test.Rules(kJob, {});
    test.targets_.Feed(kJob, {"d", "e"});
    test.Rules(1, {DropRule("x", "2")});
    test.targets_.Feed(1, {"d"});
  };
  configure(*this);
  std::mt19937 random(29);
  std::map<Key, TargetGroup> groups;
  for (int step = 0; step < 2'000; ++step) {
    const std::string from = random() % 2 ? "d" : "e";
    const std::string source(1, static_cast<char>('a' + random() % 6));
    TargetGroup& group = groups[{from, source}];
    if (random() % 10 == 0) group = TargetGroup();
    group.source = source;
    if (random() % 5 == 0) {
      group.labels = LabelsOf({{"__meta_g", std::to_string(random() % 2)}});
    }
    for (int i = random() % 3; i > 0; --i) {
      Labels target = At("h:" + std::to_string(random() % 12),
                         {{"x", std::to_string(random() % 3)},
                          {"__meta_m", std::to_string(random() % 3)}});
      if (random() % 10 == 0) target = LabelsOf({{"lost", "its address"}});
      group.targets.insert(
          group.targets.begin() + random() % (group.targets.size() + 1),
          std::move(target));
    }
    for (int i = random() % 4; i > 0 && !group.targets.empty(); --i) {
      group.targets.erase(group.targets.begin() +
                          random() % group.targets.size());
    }
    group.invalid.clear();
    if (random() % 4 == 0) group.invalid = {{"i", "bad"}};
    Apply({group}, from);
    if (random() % 3 == 0) Take();
    if (step % 20 != 0) continue;
    Take();
    FreshTargetSet fresh;
    configure(fresh);
    for (auto each = groups.rbegin(); each != groups.rend(); ++each) {
      fresh.Apply({each->second}, each->first.first);
    }
    fresh.Take();
    ASSERT_EQ(picture(*this), picture(fresh)) << "step " << step;
  }
}

}  // namespace
}  // namespace ta
