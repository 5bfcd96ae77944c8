// Collectors that are pods, from what is heard of them to what they are served.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/allocator.h"
#include "test/support/allocator_driver.h"
#include "test/support/pods.h"

namespace ta {
namespace {

using test::AllocatorDriver;
using test::At;
using test::ConfigBuilder;
using test::GroupOf;
using test::PodOf;
using test::Seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Two pods share four targets, and both have them.
class AllocatorPodsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.Job("a", {"file:a"}).Members(PodMembers{true, "x"});
    driver_.Configure(config_);
    driver_.Discover("file:a", {GroupOf("0", {"h:1", "h:2", "h:3", "h:4"})});
    driver_.SetListed({PodOf("c0"), PodOf("c1")});
    driver_.Sent("c0", "a");
    driver_.Sent("c1", "a");
    ASSERT_FALSE(driver_.Owned("c0", "a").empty());
    ASSERT_FALSE(driver_.Owned("c1", "a").empty());
  }
  void Hear(const std::vector<MemberObservation>& list,
            std::vector<std::string> ended = {}) {
    AllocatorInput input;
    MembersUpdate update = driver_.ListOf(list);
    update.ended_pods = std::move(ended);
    input.members.push_back(std::move(update));
    driver_.Apply(std::move(input));
  }
  const MemberView* Member(const char* name) {
    return driver_.snapshot().FindMember(name);
  }

  ConfigBuilder config_;
  AllocatorDriver driver_;
};

TEST_F(AllocatorPodsTest, GraceKeepsItsTargetsUntilItsSecond) {
  const auto owned = driver_.Owned("c1", "a");
  const auto digest = driver_.snapshot().digest;
  Hear({PodOf("c0"), PodOf("c1").NotReady()});
  EXPECT_EQ(Member("c1")->state, MemberView::State::kGrace);
  EXPECT_EQ(Member("c1")->reason, "pod is not ready");
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 2u);
  EXPECT_EQ(driver_.snapshot().digest, digest);
  driver_.Pass(Seconds(30) - std::chrono::nanoseconds(1));
  EXPECT_EQ(driver_.Owned("c1", "a"), owned);
  driver_.Pass(std::chrono::nanoseconds(1));
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDraining);
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 1u);
  EXPECT_THAT(driver_.Owned("c1", "a"), IsEmpty());
  EXPECT_EQ(driver_.Served("c1", "a"), owned) << "make before break";
}

TEST_F(AllocatorPodsTest, AReloadOfTheGracePeriodTakesEffectAtOnce) {
  Hear({PodOf("c0"), PodOf("c1").NotReady()});
  driver_.Pass(Seconds(10));
  config_.raw().collector_not_ready_grace_period = Seconds(5);
  driver_.Configure(config_);
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDraining);
  config_.raw().collector_not_ready_grace_period = Seconds(0);
  driver_.Configure(config_);
  EXPECT_EQ(Member("c1")->state, MemberView::State::kLive);
}

TEST_F(AllocatorPodsTest, OneThatIsToldToEndIsServedUntilItsTargetsAreTaken) {
  const auto owned = driver_.Owned("c1", "a");
  Hear({PodOf("c0"), PodOf("c1").Deleted()});
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDraining);
  EXPECT_EQ(driver_.Served("c1", "a"), owned);
  EXPECT_EQ(driver_.Owned("c0", "a").size(), 4u) << "at once";
  driver_.Sent("c0", "a");
  driver_.Pass(Seconds(41));
  EXPECT_EQ(Member("c1")->state, MemberView::State::kDrained);
  Hear({PodOf("c0")}, {"uid-c1"});
  EXPECT_EQ(Member("c1"), nullptr);
}

TEST_F(AllocatorPodsTest, OneThatHasEndedIsWaitedForNoMore) {
  Hear({PodOf("c0"), PodOf("c1").Deleted()});
  EXPECT_GT(driver_.snapshot().hand_overs_open, 0u);
  Hear({PodOf("c0")}, {"uid-c1"});
  EXPECT_EQ(Member("c1"), nullptr);
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

TEST_F(AllocatorPodsTest, AnotherProcessHasBeenSentNothing) {
  const auto owned = driver_.Owned("c1", "a");
  Hear({PodOf("c0"), PodOf("c1", "2")});
  EXPECT_EQ(driver_.Owned("c1", "a"), owned) << "of the name alone";
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
  // Its share moves before it asked: nobody else need be served it.
  Hear({PodOf("c0")});
  EXPECT_THAT(driver_.Served("c1", "a"), IsEmpty());
  EXPECT_EQ(driver_.Owned("c0", "a").size(), 4u);
  EXPECT_EQ(driver_.snapshot().hand_overs_open, 0u);
}

// Two collectors of one name, one after the other, and nothing in between.
TEST_F(AllocatorPodsTest, EveryStrategyFollowsAnotherProcess) {
  for (const StrategyKind kind :
       {StrategyKind::kLeastWeighted, StrategyKind::kPerNode}) {
    config_.Strategy(kind);
    driver_.Configure(config_);
    Hear({PodOf("c0").On("n"), PodOf("c1", "2").On("n")});
    Hear({PodOf("c0").On("n"), PodOf("c1", "3").On("n")});
    EXPECT_EQ(driver_.Owned("c0", "a").size() + driver_.Owned("c1", "a").size(),
              4u);
    EXPECT_EQ(Member("c1")->pod_uid, "3");
  }
}

TEST_F(AllocatorPodsTest, WithoutAnyMemberThereIsNobodyToServe) {
  Hear({PodOf("c0", "2").Phase("Pending"), PodOf("c1", "2").Deleted()});
  EXPECT_TRUE(driver_.snapshot().members.empty()) << "503, not []";
  EXPECT_THAT(driver_.snapshot().left_out,
              ElementsAre(Pair("c0", "pod is Pending"),
                          Pair("c1", "pod is being deleted")));
  EXPECT_TRUE(driver_.snapshot().ready);
  EXPECT_THAT(driver_.Unassigned("a"), ::testing::SizeIs(4));
  driver_.Asked("c0", "a");
  EXPECT_EQ(Member("c0")->state, MemberView::State::kGrace) << "who asks runs";
  EXPECT_EQ(driver_.Owned("c0", "a").size(), 4u);
}

TEST_F(AllocatorPodsTest, PerNodeFollowsThePodsNode) {
  const auto on = [](const std::string& address, const std::string& node) {
    return At(address, {{"__meta_kubernetes_pod_node_name", node}});
  };
  config_.Strategy(StrategyKind::kPerNode);
  driver_.Configure(config_);
  TargetGroup group;
  group.source = "0";
  group.targets = {on("h:1", "n1"), on("h:2", "n2"), on("h:3", "n3"),
                   on("h:4", "n3")};
  driver_.Discover("file:a", {group});
  Hear({PodOf("c1").On("n1"), PodOf("c2").On("n2"), PodOf("c3").On("n3")});
  EXPECT_THAT(driver_.Owned("c1", "a"), ElementsAre("h:1"));
  EXPECT_THAT(driver_.Owned("c2", "a"), ElementsAre("h:2"));
  EXPECT_THAT(driver_.Owned("c3", "a"), UnorderedElementsAre("h:3", "h:4"));

  // Live, as it asks, and nobody has said yet where it runs.
  Hear({PodOf("c1").On("n1"), PodOf("c2").On("n2"),
        PodOf("c3", "2").Phase("Pending")});
  driver_.Asked("c3", "a");
  EXPECT_EQ(driver_.snapshot().LiveMembers(), 3u);
  EXPECT_EQ(Member("c3")->node, "");
  EXPECT_THAT(driver_.Unassigned("a"),
              UnorderedElementsAre(Pair("h:3", "no_collector_on_node"),
                                   Pair("h:4", "no_collector_on_node")));
  Hear({PodOf("c1").On("n1"), PodOf("c2").On("n2"), PodOf("c3", "2").On("n3")});
  EXPECT_THAT(driver_.Owned("c3", "a"), UnorderedElementsAre("h:3", "h:4"));
}

}  // namespace
}  // namespace ta
