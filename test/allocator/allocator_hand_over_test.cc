// Make before break, end to end: DESIGN.md, "Hand-over".

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/allocator.h"
#include "test/support/allocator_driver.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

using test::AllocatorDriver;
using test::At;
using test::ConfigBuilder;
using test::CopyRule;
using test::GroupOf;
using test::Seconds;
using test::SetRule;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr Seconds kSettle(30 + 10);  // the interval, and the margin

// One job with one target, "h:1", owned by c0, who was sent it.
class AllocatorHandOverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    driver_.Configure(config_.Job("a", {"file:a"}));
    driver_.SetMembers({"c0"});
    driver_.Discover("file:a", {GroupOf("0", {"h:1"})});
    driver_.Sent("c0", "a");
    driver_.Pass(Seconds(100));
  }
  std::vector<std::string> ServedTo() { return driver_.ServedTo("a", "h:1"); }
  std::string Owner() { return driver_.OwnerOf("a", "h:1"); }
  // The list of collectors is another; c0 leaves.
  void MoveTo(const char* name) { driver_.SetMembers({name}); }

  ConfigBuilder config_;
  AllocatorDriver driver_;
};

TEST_F(AllocatorHandOverTest, EarlierOwnerKeepsItUntilTheNewOneHasSettled) {
  MoveTo("c1");
  EXPECT_EQ(Owner(), "c1");
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 1u);
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->state,
            MemberView::State::kDraining);
  driver_.Pass(Seconds(20));
  driver_.Sent("c1", "a");
  driver_.Sent("c0", "a");
  driver_.Pass(kSettle - Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
  EXPECT_EQ(driver_.snapshot().totals.hand_overs_timed_out, 0u);
  EXPECT_EQ(driver_.snapshot().totals.overlap_seconds.sum, 60);
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->state,
            MemberView::State::kDrained);
}

TEST_F(AllocatorHandOverTest, AnErrorOrAnOlderGenerationIsNotSent) {
  const std::uint64_t old_generation = driver_.generation();
  MoveTo("c1");
  driver_.Asked("c1", "a");
  driver_.Polled({"c1", "a", old_generation, Seconds(30), driver_.now()});
  driver_.Sent("c1", "another job");
  driver_.Sent("stranger", "a");
  driver_.Pass(Seconds(60));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
}

TEST_F(AllocatorHandOverTest, TimesOutWhenTheNewOwnerNeverAsks) {
  MoveTo("c1");
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(85));
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(34));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));  // 2 minutes
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
  EXPECT_EQ(driver_.snapshot().totals.hand_overs_timed_out, 1u);
}

TEST_F(AllocatorHandOverTest, LongRefreshIntervalsPutOffTheTimeout) {
  driver_.set_refresh(Seconds(200));
  driver_.Sent("c0", "a");
  MoveTo("c1");
  driver_.Pass(Seconds(200));
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(200) + kSettle - Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
}

TEST_F(AllocatorHandOverTest, AJoinIsAPlannedMove) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 40; ++i) {
    addresses.push_back("t" + std::to_string(i) + ":1");
  }
  driver_.Discover("file:a", {GroupOf("0", addresses)});
  driver_.Sent("c0", "a");
  driver_.SetMembers({"c0", "c1"});
  const auto moved = driver_.Owned("c1", "a");
  EXPECT_THAT(moved, ::testing::SizeIs(::testing::Ge(19u)));
  EXPECT_THAT(driver_.Served("c0", "a"), ::testing::SizeIs(40));
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->handing_over, moved.size());
  EXPECT_EQ(driver_.snapshot().totals.moves_members, moved.size());
  driver_.Sent("c1", "a");
  driver_.Pass(kSettle);
  EXPECT_THAT(driver_.Served("c0", "a"), ::testing::SizeIs(40 - moved.size()));
}

TEST_F(AllocatorHandOverTest, WhoWasNeverSentItIsNoEarlierOwner) {
  MoveTo("c1");  // c0 has it, c1 does not
  driver_.SetMembers({"c2"});
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c2"));
  driver_.Sent("c2", "a");
  driver_.Pass(Seconds(5));
  driver_.SetMembers({"c3"});
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c2", "c3"));
}

TEST_F(AllocatorHandOverTest, AnotherMoveRestartsIt) {
  MoveTo("c1");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(30));
  MoveTo("c2");
  driver_.Pass(Seconds(30));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1", "c2"));
  driver_.Sent("c2", "a");
  driver_.Pass(kSettle);
  EXPECT_THAT(ServedTo(), ElementsAre("c2")) << "all drop it together";
}

TEST_F(AllocatorHandOverTest, OneThatComesBackIsOwnerAgain) {
  MoveTo("c1");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(10));
  MoveTo("c0");
  EXPECT_EQ(Owner(), "c0");
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Sent("c0", "a");
  driver_.Pass(kSettle);
  EXPECT_THAT(ServedTo(), ElementsAre("c0"));
}

// It had come back, but had not asked again: it was forgotten that it has the
// target all the while, and the target lost its only scraper.
TEST_F(AllocatorHandOverTest, OneThatCameBackAndLosesItAgainStillHasIt) {
  MoveTo("c1");
  driver_.Pass(Seconds(10));
  MoveTo("c0");
  driver_.Pass(Seconds(10));
  MoveTo("c1");
  EXPECT_EQ(Owner(), "c1");
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
}

TEST_F(AllocatorHandOverTest, ATargetThatLeavesEndsIt) {
  MoveTo("c1");
  driver_.Discover("file:a", {GroupOf("0", {})});
  EXPECT_THAT(ServedTo(), IsEmpty());
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->handing_over, 0u);
}

TEST_F(AllocatorHandOverTest, WhenTheEarlierOwnerFallsSilentItEnds) {
  MoveTo("c1");
  driver_.Pass(Seconds(89));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
  EXPECT_EQ(driver_.snapshot().FindMember("c0"), nullptr);
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(AllocatorHandOverTest, WithoutANewOwnerTheDrainingOneKeepsIt) {
  driver_.SetMembers(std::initializer_list<const char*>{});
  for (int i = 0; i < 20; ++i) {
    driver_.Sent("c0", "a");
    driver_.Pass(Seconds(60));
    ASSERT_THAT(ServedTo(), ElementsAre("c0"));
    ASSERT_EQ(Owner(), "");
  }
  EXPECT_THAT(driver_.Unassigned("a"),
              ElementsAre(std::pair("h:1", "no_collectors")));
  // The clock starts when there is a new owner.
  driver_.Sent("c0", "a");
  MoveTo("c1");
  driver_.Pass(Seconds(80));
  driver_.Sent("c0", "a");
  driver_.Sent("c1", "a");
  driver_.Pass(kSettle - Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
}

TEST_F(AllocatorHandOverTest, WithoutAnyOwnerASilentDrainingOneLosesIt) {
  driver_.SetMembers(std::initializer_list<const char*>{});
  driver_.Pass(Seconds(90));
  EXPECT_THAT(driver_.snapshot().members, IsEmpty());
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

// A live collector that loses a target to nobody was served it for ever.
TEST_F(AllocatorHandOverTest, ALiveOneDropsAnUnassignedTargetAfterATime) {
  driver_.Configure(config_.Strategy(StrategyKind::kPerNode));
  TargetGroup group = GroupOf("0", {"h:1"});
  group.labels = test::LabelsOf({{"__meta_kubernetes_pod_node_name", "n"}});
  driver_.Discover("file:a", {group});
  EXPECT_EQ(Owner(), "");
  EXPECT_THAT(ServedTo(), ElementsAre("c0"));
  driver_.Pass(Seconds(119));
  EXPECT_THAT(ServedTo(), ElementsAre("c0"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), IsEmpty());
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(AllocatorHandOverTest, PolicyNoneMovesAtOnce) {
  config_.raw().hand_over.enabled = false;
  driver_.Configure(config_);
  MoveTo("c1");
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
}

TEST_F(AllocatorHandOverTest, SwitchingItOffEndsWhatIsOpen) {
  MoveTo("c1");
  config_.raw().hand_over.enabled = false;
  driver_.Configure(config_);
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(AllocatorHandOverTest, ACollectorThatWasGoneStartsAnew) {
  MoveTo("c1");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(200));  // c0 is gone
  driver_.Sent("c1", "a");
  MoveTo("c0");
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  MoveTo("c2");
  EXPECT_THAT(ServedTo(), ElementsAre("c1", "c2"))
      << "the new c0 was sent nothing";
}

TEST_F(AllocatorHandOverTest, SettleIsTheTargetsOwnInterval) {
  TargetGroup group = GroupOf("0", {"h:1"});
  group.labels = test::LabelsOf(
      {{"__scrape_interval__", "5s"}, {"__scrape_timeout__", "5s"}});
  driver_.Discover("file:a", {group});
  driver_.Sent("c0", "a");
  MoveTo("c1");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(14));
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Pass(Seconds(1));
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
}

// -- continuity --

TEST_F(AllocatorHandOverTest, ChangedRulesContinueTheTargetsInTheirHandOver) {
  MoveTo("c1");
  driver_.Configure(config_.Job("a", {"file:a"}, {SetRule("zone", "z")}));
  EXPECT_EQ(Owner(), "c1");
  EXPECT_THAT(ServedTo(), ElementsAre("c0", "c1"));
  driver_.Sent("c1", "a");
  driver_.Pass(kSettle);
  EXPECT_THAT(ServedTo(), ElementsAre("c1"));
}

TEST_F(AllocatorHandOverTest, RulesThatChangeTheAddressAreAPlannedMove) {
  driver_.SetMembers(test::Collectors(5));
  std::vector<std::string> addresses;
  for (int i = 0; i < 50; ++i) {
    addresses.push_back("t" + std::to_string(i) + ":1");
  }
  driver_.Discover("file:a", {GroupOf("0", addresses)});
  std::map<std::string, std::string> before;
  for (const std::string& name : test::Collectors(5)) {
    driver_.Sent(name, "a");
    for (const std::string& address : driver_.Owned(name, "a")) {
      before[address] = name;
    }
  }
  driver_.Pass(Seconds(300));
  RelabelConfig rule = test::SetRule("__param_module", "http");
  driver_.Configure(config_.Job("a", {"file:a"}, {rule}));
  int moved = 0;
  for (const std::string& address : addresses) {
    moved += driver_.OwnerOf("a", address) != before[address];
    EXPECT_THAT(driver_.ServedTo("a", address),
                ::testing::Contains(before[address]));
  }
  EXPECT_GT(moved, 10);
}

TEST_F(AllocatorHandOverTest, AChangedPodLabelMovesNothing) {
  driver_.Configure(config_.Job("a", {"file:a"}, {CopyRule("pod", "pod")}));
  driver_.SetMembers(test::Collectors(5));
  driver_.Discover("file:a", {GroupOf("0", {"h:1"}, {{"pod", "x"}})});
  const std::string owner = Owner();
  driver_.Sent(owner, "a");
  driver_.Pass(Seconds(300));
  driver_.Discover("file:a", {GroupOf("0", {"h:1"}, {{"pod", "y"}})});
  EXPECT_EQ(Owner(), owner);
  EXPECT_THAT(ServedTo(), ElementsAre(owner));
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(AllocatorHandOverTest, LeastWeightedLeavesAContinuedTargetWhereItIs) {
  driver_.Configure(config_.Strategy(StrategyKind::kLeastWeighted));
  driver_.SetMembers({"c0", "c1"});
  driver_.Discover("file:a", {GroupOf("0", {"h:1", "h:2", "h:3", "h:4"})});
  std::map<std::string, std::string> owners;
  for (const char* address : {"h:1", "h:2", "h:3", "h:4"}) {
    owners[address] = driver_.OwnerOf("a", address);
  }
  driver_.Configure(config_.Job("a", {"file:a"}, {SetRule("zone", "z")}));
  for (const auto& [address, owner] : owners) {
    EXPECT_EQ(driver_.OwnerOf("a", address), owner) << address;
  }
}

}  // namespace
}  // namespace ta
