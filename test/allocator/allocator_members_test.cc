// Who the collectors are, end to end: DESIGN.md, "Membership".

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/allocator.h"
#include "test/support/allocator_driver.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

using test::AllocatorDriver;
using test::ConfigBuilder;
using test::GroupOf;
using test::PollingIn;
using test::Seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(AllocatorMembersTest, PollingIsNotServedForTheFirstPollTimeout) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}).Members(PollingIn(90)));
  driver.Discover("file:a", {GroupOf("0", {"h:1", "h:2"})});
  EXPECT_TRUE(driver.snapshot().ready) << "/readyz does not wait for members";
  EXPECT_FALSE(driver.snapshot().targets_served);
  EXPECT_THAT(driver.snapshot().targets_wait,
              ::testing::HasSubstr("collectors to poll"));
  driver.Pass(Seconds(30));
  driver.Asked("c0", "a");  // a poll that was answered 503 counts
  driver.Pass(Seconds(59));
  EXPECT_FALSE(driver.snapshot().targets_served);
  EXPECT_THAT(driver.snapshot().members, IsEmpty());
  EXPECT_THAT(driver.snapshot().strangers, IsEmpty()) << "about to be a member";
  driver.Pass(Seconds(1));
  EXPECT_TRUE(driver.snapshot().targets_served);
  EXPECT_TRUE(driver.snapshot().polling_members);
  EXPECT_THAT(driver.Owned("c0", "a"), UnorderedElementsAre("h:1", "h:2"));
  EXPECT_THAT(driver.snapshot().strangers, IsEmpty());
}

TEST(AllocatorMembersTest, RememberedNamesAreMembersFromTheStart) {
  for (const bool before_config : {false, true}) {
    AllocatorDriver driver;
    AllocatorInput input;
    input.remembered_members = {"c0", "c1"};
    if (before_config) {
      driver.Apply(std::move(input));
      input = AllocatorInput();
    }
    input.config =
        ConfigBuilder().Job("a", {"file:a"}).Members(PollingIn(90)).Build();
    driver.Apply(std::move(input));
    driver.Discover("file:a", {GroupOf("0", {"h:1", "h:2"})});
    EXPECT_TRUE(driver.snapshot().targets_served) << before_config;
    EXPECT_EQ(driver.snapshot().LiveMembers(), 2u);
    EXPECT_EQ(driver.job("a").counts.assigned, 2u);
    driver.Pass(Seconds(89));
    EXPECT_EQ(driver.snapshot().LiveMembers(), 2u);
    driver.Pass(Seconds(1));
    EXPECT_EQ(driver.snapshot().LiveMembers(), 0u) << "they never asked";
  }
}

class PollingMembersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AllocatorInput input;
    input.remembered_members = {"c0"};
    input.config = config_.Job("a", {"file:a"}).Members(PollingIn(90)).Build();
    driver_.Apply(std::move(input));
    driver_.Discover("file:a", {GroupOf("0", {"h:1", "h:2", "h:3", "h:4"})});
  }
  ConfigBuilder config_;
  AllocatorDriver driver_;
};

TEST_F(PollingMembersTest, ANewNameIsAMemberAtOnce) {
  const auto output = driver_.Asked("c1", "a");
  ASSERT_NE(output.snapshot, nullptr);
  EXPECT_EQ(driver_.snapshot().FindMember("c1")->state,
            MemberView::State::kLive);
  EXPECT_THAT(driver_.Owned("c1", "a"), SizeIs(::testing::Ge(1)));
}

TEST_F(PollingMembersTest, SilenceEndsAMemberWithoutDraining) {
  driver_.Asked("c1", "a");
  driver_.Sent("c0", "a");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(60));
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(29));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
  driver_.Pass(Seconds(1));
  EXPECT_EQ(driver_.snapshot().FindMember("c1"), nullptr);
  EXPECT_THAT(driver_.Owned("c0", "a"), SizeIs(4));
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(PollingMembersTest, ALongRefreshIntervalAllowsALongerSilence) {
  driver_.set_refresh(Seconds(120));
  driver_.Sent("c0", "a");
  driver_.set_refresh(Seconds(10));
  driver_.Sent("c0", "a");  // its largest counts
  driver_.Pass(Seconds(249));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
  driver_.Pass(Seconds(1));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 0u);
}

TEST_F(PollingMembersTest, OneThatComesBackIsANewProcess) {
  driver_.Sent("c0", "a");
  const MemberId id = driver_.snapshot().FindMember("c0")->id;
  driver_.Pass(Seconds(90));
  driver_.Asked("c0", "a");
  EXPECT_NE(driver_.snapshot().FindMember("c0")->id, id);
  EXPECT_THAT(driver_.Owned("c0", "a"), SizeIs(4));
}

TEST_F(PollingMembersTest, PollsThatKeepComingMakeNoSnapshots) {
  driver_.Sent("c0", "a");
  for (int i = 0; i < 100; ++i) {
    driver_.Pass(Seconds(30));
    EXPECT_EQ(driver_.Sent("c0", "a").snapshot, nullptr);
  }
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
}

TEST_F(PollingMembersTest, AChangedPollTimeoutKeepsTheMembers) {
  driver_.Sent("c0", "a");
  driver_.Configure(config_.Members(PollingIn(40)));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
  driver_.set_refresh(Seconds(0));
  driver_.Pass(Seconds(69));  // 2 × 30 s + 10 s, as it said once
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
  driver_.Pass(Seconds(1));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 0u);
}

TEST(AllocatorMembersTest, AReloadDuringTheFirstPollTimeoutDoesNotProlongIt) {
  AllocatorDriver driver;
  ConfigBuilder config;
  driver.Configure(config.Job("a", {"file:a"}).Members(PollingIn(90)));
  driver.Discover("file:a", {});
  driver.Pass(Seconds(50));
  driver.Configure(config.Members(PollingIn(60)));
  driver.Pass(Seconds(9));
  EXPECT_FALSE(driver.snapshot().targets_served);
  driver.Pass(Seconds(1));
  EXPECT_TRUE(driver.snapshot().targets_served);
}

class ListedMembersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    driver_.Configure(config_.Job("a", {"file:a"}));
    driver_.Discover("file:a", {GroupOf("0", {"h:1", "h:2", "h:3", "h:4"})});
    driver_.SetMembers({"c0", "c1"});
    driver_.Sent("c0", "a");
    driver_.Sent("c1", "a");
  }
  const MemberView* Member(const char* name) {
    return driver_.snapshot().FindMember(name);
  }
  ConfigBuilder config_;
  AllocatorDriver driver_;
};

TEST_F(ListedMembersTest, OneThatIsListedNeedNotAsk) {
  driver_.Pass(std::chrono::hours(100));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
}

TEST_F(ListedMembersTest, DrainingDrainedGone) {
  const auto owned = driver_.Owned("c1", "a");
  ASSERT_THAT(owned, ::testing::Not(IsEmpty()));
  driver_.SetMembers({"c0"});
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDraining);
  EXPECT_EQ(Member("c1")->reason, "not in the list of collectors any more");
  EXPECT_EQ(Member("c1")->owned, 0u);
  EXPECT_EQ(driver_.Served("c1", "a"), owned);
  EXPECT_THAT(driver_.Owned("c0", "a"), SizeIs(4)) << "at once";
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(40));
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDrained);
  EXPECT_THAT(driver_.Served("c1", "a"), IsEmpty());
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(89));
  ASSERT_NE(Member("c1"), nullptr) << "as long as it asks";
  driver_.Pass(Seconds(1));
  EXPECT_EQ(Member("c1"), nullptr);
}

TEST_F(ListedMembersTest, OneThatIsBackBeforeItIsGoneKeepsItsTargets) {
  const auto owned = driver_.Owned("c1", "a");
  const MemberId id = Member("c1")->id;
  driver_.SetMembers({"c0"});
  driver_.Pass(Seconds(10));
  driver_.SetMembers({"c0", "c1"});
  EXPECT_EQ(Member("c1")->id, id);
  EXPECT_EQ(Member("c1")->state, MemberView::State::kLive);
  EXPECT_EQ(Member("c1")->reason, "");
  EXPECT_EQ(driver_.Owned("c1", "a"), owned);
}

TEST_F(ListedMembersTest, AStrangerThatAsksIsShownAndForgotten) {
  driver_.Asked("who", "a");
  EXPECT_THAT(driver_.snapshot().strangers, ElementsAre("who"));
  EXPECT_EQ(Member("who"), nullptr);
  driver_.Pass(Seconds(90));
  EXPECT_THAT(driver_.snapshot().strangers, IsEmpty());
}

TEST_F(ListedMembersTest, AStrangerThatIsListedIsNoStrangerAnyMore) {
  driver_.Asked("c2", "a");
  driver_.SetMembers({"c0", "c1", "c2"});
  EXPECT_THAT(driver_.snapshot().strangers, IsEmpty());
}

TEST_F(ListedMembersTest, AnIncompleteListChangesNoMember) {
  MembersUpdate update = driver_.ListOf({});
  update.complete = false;
  update.problem = "no such file";
  AllocatorInput input;
  input.members.push_back(update);
  driver_.Apply(std::move(input));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
  EXPECT_EQ(driver_.snapshot().members_problem, "no such file");
  driver_.SetMembers({"c0", "c1"});
  EXPECT_EQ(driver_.snapshot().members_problem, "");
}

TEST_F(ListedMembersTest, ANewSourceReplacesTheOldAtItsFirstCompleteAnswer) {
  const MembersUpdate late = driver_.ListOf({{"late", ""}});
  driver_.Configure(config_.Members(FileMembers{"other.yaml"}));
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
  AllocatorInput input;
  input.members.push_back(late);
  driver_.Apply(std::move(input));
  ASSERT_NE(Member("late"), nullptr)
      << "until then the old source is the source";
  driver_.SetMembers({"c2"});
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
  EXPECT_EQ(Member("c0")->state, MemberView::State::kDraining);
  AllocatorInput again;
  again.members.push_back(late);
  EXPECT_EQ(driver_.Apply(std::move(again)).snapshot, nullptr);
}

TEST_F(ListedMembersTest, PollingTakesOverAfterItsPollTimeout) {
  driver_.Pass(Seconds(20));
  driver_.Configure(config_.Members(PollingIn(60)));
  driver_.Pass(Seconds(20));
  driver_.Sent("c0", "a");
  driver_.Asked("c5", "a");
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
  driver_.Pass(Seconds(40));
  EXPECT_EQ(Member("c0")->state, MemberView::State::kLive);
  EXPECT_EQ(Member("c5")->state, MemberView::State::kLive);
  EXPECT_NE(Member("c1")->state, MemberView::State::kLive) << "did not ask";
}

TEST_F(ListedMembersTest, AListTakesOverFromPolling) {
  driver_.Configure(config_.Members(PollingIn(60)));
  driver_.Sent("c0", "a");
  driver_.Sent("c1", "a");
  driver_.Pass(Seconds(60));
  ASSERT_TRUE(driver_.snapshot().polling_members);
  driver_.Configure(config_.Members(FileMembers{"list"}));
  driver_.SetMembers({"c0"});
  EXPECT_FALSE(driver_.snapshot().polling_members);
  EXPECT_EQ(Member("c0")->state, MemberView::State::kLive);
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDraining);
}

TEST_F(ListedMembersTest, ANodeMayChange) {
  driver_.Configure(config_.Strategy(StrategyKind::kPerNode));
  driver_.SetListed({{"c0", "n0"}, {"c1", "n1"}});
  TargetGroup group = GroupOf("0", {"h:1"});
  group.labels = test::LabelsOf({{"__meta_kubernetes_pod_node_name", "n0"}});
  driver_.Discover("file:a", {group});
  EXPECT_EQ(driver_.OwnerOf("a", "h:1"), "c0");
  driver_.SetListed({{"c0", "n1"}, {"c1", "n0"}});
  EXPECT_EQ(driver_.OwnerOf("a", "h:1"), "c1");
  EXPECT_EQ(Member("c1")->node, "n0");
}

// With thousands of collectors, making all their views anew was most of what an
// event cost. The driver checks at each step what they show.
TEST(AllocatorMembersTest, ViewsOfOtherMembersAreSharedBetweenSnapshots) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}));
  std::vector<std::string> names = test::Collectors(1'000);
  driver.SetMembers(names);
  const auto target = [](int i) {
    const std::string number = std::to_string(i);
    return GroupOf(number, {"h:" + number});
  };
  std::vector<TargetGroup> groups;
  for (int i = 0; i < 2'000; ++i) groups.push_back(target(i));
  driver.Discover("file:a", groups);
  for (const std::string& name : names) driver.Sent(name, "a");

  int shared = 0;
  for (int i = 2'000; i < 2'040; ++i) {
    const auto before = driver.shared_snapshot();
    driver.Discover("file:a", {target(i)});
    ASSERT_NE(driver.shared_snapshot(), before);
    for (std::size_t m = 0; m < names.size(); ++m) {
      shared += &driver.snapshot().members[m] == &before->members[m];
    }
  }
  EXPECT_GT(shared, 40 * 1'000 / 2);
  EXPECT_GT(driver.snapshot().hand_overs_open, 0u) << "else little was shown";
  driver.Pass(Seconds(300));  // each ends for itself, or with a few
  EXPECT_EQ(driver.snapshot().hand_overs_open, 0u);
  names.erase(names.begin() + 100);
  driver.SetMembers(names);
  driver.Pass(Seconds(300));
}

}  // namespace
}  // namespace ta
