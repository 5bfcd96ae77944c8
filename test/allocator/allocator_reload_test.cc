// A configuration replaces another: DESIGN.md, "Snapshot, readiness, serving".

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
using test::DropRule;
using test::GroupOf;
using test::Seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class AllocatorReloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    driver_.Configure(config_.Job("a", {"file:a"}).Job("b", {"file:b"}));
    driver_.SetMembers({"c0"});
    driver_.Discover("file:a", {GroupOf("0", {"a:1", "a:2"})});
    driver_.Discover("file:b", {GroupOf("0", {"b:1"})});
    driver_.Sent("c0", "a");
    driver_.Sent("c0", "b");
  }
  ConfigBuilder config_;
  AllocatorDriver driver_;
};

TEST_F(AllocatorReloadTest, TheSameAgainCopiesNoList) {
  const auto before = driver_.shared_snapshot();
  driver_.Configure(config_);
  EXPECT_EQ(before->FindJob("a")->shares[0].list,
            driver_.job("a").shares[0].list);
  EXPECT_EQ(before->digest, driver_.snapshot().digest);
  EXPECT_EQ(before->totals.targets_relabeled,
            driver_.snapshot().totals.targets_relabeled);
  EXPECT_TRUE(driver_.job("a").served);
}

TEST_F(AllocatorReloadTest, AJobChangesOverWhenAllItsNewDiscoverersAnswered) {
  driver_.Configure(config_.Job("a", {"file:x", "file:y"}));
  EXPECT_THAT(driver_.in_use(),
              ElementsAre("file:a", "file:b", "file:x", "file:y"));
  driver_.Discover("file:x", {GroupOf("0", {"x:1", "a:2"})});
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
  EXPECT_TRUE(driver_.job("a").served);
  driver_.Discover("file:a", {GroupOf("0", {"a:1", "a:2", "a:3"})});
  EXPECT_THAT(driver_.Owned("c0", "a"),
              UnorderedElementsAre("a:1", "a:2", "a:3"))
      << "until then the old one feeds it";
  driver_.Discover("file:y", {GroupOf("0", {"y:1"})});
  EXPECT_THAT(driver_.Owned("c0", "a"),
              UnorderedElementsAre("x:1", "a:2", "y:1"));
  EXPECT_THAT(driver_.in_use(), ElementsAre("file:b", "file:x", "file:y"));
  EXPECT_EQ(driver_.Discover("file:a", {GroupOf("0", {"a:9"})}).snapshot,
            nullptr)
      << "late, from one that was stopped";
}

// After sync_timeout a job changed over to a discoverer that had answered only
// in part, and lost what the part did not have.
TEST_F(AllocatorReloadTest, APartialAnswerIsNoReasonToChangeOver) {
  driver_.Pass(Seconds(600));
  driver_.Configure(config_.Job("a", {"file:x"}));
  DiscoveryUpdate update;
  update.discoverer = "file:x";
  update.groups = {GroupOf("0", {"x:1"})};
  update.partial = true;
  driver_.Discover(update);
  driver_.Pass(Seconds(600));
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
  driver_.Discover("file:x", {});
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("x:1"));
}

TEST_F(AllocatorReloadTest, ARunningDiscovererFeedsANewJobInTheSameApply) {
  driver_.Configure(config_.Job("c", {"file:a"}));
  EXPECT_TRUE(driver_.job("c").served);
  EXPECT_THAT(driver_.Owned("c0", "c"), UnorderedElementsAre("a:1", "a:2"));
}

TEST_F(AllocatorReloadTest, AReloadThatGoesBackKeepsTheOldDiscoverers) {
  driver_.Configure(config_.Job("a", {"file:x"}));
  driver_.Configure(config_.Job("a", {"file:a"}));
  EXPECT_THAT(driver_.in_use(), ElementsAre("file:a", "file:b"));
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
}

TEST_F(AllocatorReloadTest, ARemovedJobIsRememberedAndMayComeBack) {
  driver_.Configure(config_.WithoutJob("b"));
  EXPECT_EQ(driver_.snapshot().FindJob("b"), nullptr);
  EXPECT_TRUE(driver_.snapshot().WasRemoved("b"));
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->owned, 2u);
  EXPECT_THAT(driver_.in_use(), ElementsAre("file:a"));
  driver_.Configure(config_.Job("b", {"file:b"}));
  EXPECT_FALSE(driver_.snapshot().WasRemoved("b"));
  EXPECT_FALSE(driver_.job("b").served) << "503 for itself until it is synced";
  driver_.Discover("file:b", {GroupOf("0", {"b:1"})});
  EXPECT_TRUE(driver_.job("b").served);
  EXPECT_THAT(driver_.Owned("c0", "b"), UnorderedElementsAre("b:1"));
}

// It was taken as the first answer of the one that the second reload starts.
TEST_F(AllocatorReloadTest, ALateUpdateOfAStoppedDiscovererIsNotItsSuccessors) {
  const auto update = [](std::uint64_t instance, const char* address) {
    DiscoveryUpdate update;
    update.discoverer = "file:b";
    update.instance = instance;
    update.groups = {GroupOf("0", {address})};
    update.synced = true;
    return update;
  };
  driver_.Discover(update(7, "b:2"));
  EXPECT_THAT(driver_.Owned("c0", "b"), UnorderedElementsAre("b:2"));
  driver_.Configure(config_.WithoutJob("b"));
  AllocatorInput input;  // sent before it was stopped, in the queue until now
  input.config = config_.Job("b", {"file:b"}).Build();
  input.discovery = {update(8, "b:3")};
  driver_.Apply(std::move(input));
  EXPECT_FALSE(driver_.job("b").served);
  driver_.Discover(update(7, "b:4"));
  EXPECT_FALSE(driver_.job("b").served);
  driver_.Discover(update(9, "b:5"));
  EXPECT_TRUE(driver_.job("b").served);
  EXPECT_THAT(driver_.Owned("c0", "b"), UnorderedElementsAre("b:5"));
}

TEST_F(AllocatorReloadTest, ANewJobWithAPartialAnswerWaitsItsOwnSyncTimeout) {
  driver_.Pass(Seconds(600));
  driver_.Configure(config_.Job("c", {"file:c"}));
  DiscoveryUpdate update;
  update.discoverer = "file:c";
  update.groups = {GroupOf("0", {"x:1"})};
  update.partial = true;
  driver_.Discover(update);
  EXPECT_FALSE(driver_.job("c").served);
  driver_.Pass(Seconds(59));
  EXPECT_FALSE(driver_.job("c").served);
  driver_.Pass(Seconds(1));
  EXPECT_TRUE(driver_.job("c").served);
}

// It was answered with [] instead of 503, and its collectors dropped what they
// had from elsewhere.
TEST_F(AllocatorReloadTest, AJobWhoseMechanismsAreNoneOfOursIsServedNoMore) {
  driver_.Configure(config_.Job("a", {"none:k8s"}));
  EXPECT_FALSE(driver_.job("a").served);
  EXPECT_EQ(driver_.job("a").waiting_for,
            "none of its discovery mechanisms is implemented");
  driver_.Configure(config_.Job("a", {"file:a"}));
  EXPECT_FALSE(driver_.job("a").served);
  driver_.Discover("file:a", {GroupOf("0", {"a:1"})});
  EXPECT_TRUE(driver_.job("a").served);
}

TEST_F(AllocatorReloadTest, RulesTakeEffectAtOnce) {
  driver_.Configure(
      config_.Job("a", {"file:a"}, {DropRule("__address__", "a:1")}));
  EXPECT_THAT(driver_.Served("c0", "a"), UnorderedElementsAre("a:2"));
  EXPECT_EQ(driver_.job("a").counts.dropped, 1u);
  driver_.Configure(config_.Job("a", {"file:a"}));
  EXPECT_THAT(driver_.Served("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
  EXPECT_EQ(driver_.job("a").counts.dropped, 0u);
}

TEST_F(AllocatorReloadTest, RulesChangeTheDigestOfRules) {
  const auto digest = driver_.job("a").rules_digest;
  driver_.Configure(config_.Job("a", {"file:a"}, {DropRule("x", "y")}));
  EXPECT_NE(driver_.job("a").rules_digest, digest);
  driver_.Configure(config_.Job("a", {"file:a"}));
  EXPECT_EQ(driver_.job("a").rules_digest, digest);
}

TEST_F(AllocatorReloadTest, FilterStrategyNoneRelabelsNothing) {
  config_.raw().filter_strategy = FilterStrategy::kNone;
  config_.Job("a", {"file:a"}, {DropRule("__address__", ".*")});
  driver_.Configure(config_);
  EXPECT_EQ(driver_.job("a").relabeler, nullptr);
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
  TargetGroup group = GroupOf("0", {});
  group.targets = {At("a:1", {{"__meta_x", "1"}}),
                   At("a:1", {{"__meta_x", "2"}}),
                   test::LabelsOf({{"no", "address"}})};
  driver_.Discover("file:a", {group});
  EXPECT_EQ(driver_.job("a").counts.assigned, 3u)
      << "meta labels are part of the id";
  config_.raw().filter_strategy = FilterStrategy::kRelabelConfig;
  driver_.Configure(config_);
  EXPECT_NE(driver_.job("a").relabeler, nullptr);
  EXPECT_EQ(driver_.job("a").counts.dropped, 3u);
}

TEST_F(AllocatorReloadTest, AnotherRatioOrStrategyIsAPlannedMove) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 60; ++i) {
    addresses.push_back("t" + std::to_string(i) + ":1");
  }
  driver_.SetMembers(test::Collectors(6));
  driver_.Discover("file:a", {GroupOf("0", addresses)});
  for (const std::string& name : test::Collectors(6)) driver_.Sent(name, "a");
  driver_.Pass(Seconds(300));
  const auto owners = [&] {
    std::map<std::string, std::string> result;
    for (const std::string& address : addresses) {
      result[address] = driver_.OwnerOf("a", address);
    }
    return result;
  };
  const auto change = [&](const auto& edit) {
    for (const std::string& name : test::Collectors(6)) driver_.Sent(name, "a");
    driver_.Pass(Seconds(300));
    const auto before = owners();
    const auto moves = driver_.snapshot().totals.moves_config;
    edit();
    driver_.Configure(config_);
    std::uint64_t moved = 0;
    for (const auto& [address, owner] : owners()) {
      moved += owner != before.at(address);
      EXPECT_THAT(driver_.ServedTo("a", address), Contains(before.at(address)));
    }
    EXPECT_EQ(driver_.snapshot().totals.moves_config, moves + moved);
    return moved;
  };
  EXPECT_GT(change([&] { config_.raw().max_load_ratio_thousandths = 10'000; }),
            0u);
  EXPECT_GT(change([&] { config_.raw().max_load_ratio_thousandths = 1'000; }),
            0u);
  EXPECT_EQ(change([&] { config_.Strategy(StrategyKind::kLeastWeighted); }), 0u)
      << "they were level already";
  EXPECT_EQ(change([&] { config_.Strategy(StrategyKind::kConsistentHashing); }),
            0u);
  EXPECT_EQ(change([&] { config_.Strategy(StrategyKind::kPerNode); }), 0u)
      << "no target names a node: all is the fallback's";
}

TEST_F(AllocatorReloadTest, AFailedReloadOnlyShows) {
  AllocatorInput input;
  input.reload = ReloadStatus{false, 17, {"config.yaml:3:1: unknown key"}};
  const auto before = driver_.shared_snapshot();
  driver_.Apply(std::move(input));
  EXPECT_FALSE(driver_.snapshot().reload.successful);
  EXPECT_EQ(driver_.snapshot().jobs, before->jobs);
  EXPECT_EQ(driver_.snapshot().digest, before->digest);
}

TEST_F(AllocatorReloadTest, SharedDiscoverersNameTheirJobs) {
  driver_.Configure(config_.Job("b", {"file:a"}));
  ASSERT_THAT(driver_.snapshot().discoverers, ::testing::SizeIs(1));
  const DiscovererView& view = *driver_.snapshot().discoverers[0];
  EXPECT_EQ(view.key, "file:a");
  EXPECT_EQ(view.mechanism, "file");
  EXPECT_THAT(view.jobs, ElementsAre("a", "b"));
  EXPECT_TRUE(view.synced);
  EXPECT_EQ(view.groups, 1u);
  EXPECT_EQ(view.targets, 2u);
  EXPECT_THAT(driver_.Owned("c0", "b"), UnorderedElementsAre("a:1", "a:2"));
}

TEST_F(AllocatorReloadTest, ADiscoverersProblemShowsAndServesOn) {
  DiscoveryUpdate update;
  update.discoverer = "file:a";
  update.problem = "a.json:1: unexpected end";
  driver_.Discover(update);
  EXPECT_EQ(driver_.snapshot().discoverers[0]->problem,
            "a.json:1: unexpected end");
  EXPECT_TRUE(driver_.snapshot().discoverers[0]->synced);
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "a:2"));
}

TEST_F(AllocatorReloadTest, WithoutAnyJobItIsStillReady) {
  driver_.Configure(ConfigBuilder());
  EXPECT_TRUE(driver_.snapshot().ready);
  EXPECT_THAT(driver_.snapshot().jobs, IsEmpty());
  EXPECT_THAT(driver_.snapshot().removed_jobs, ElementsAre("a", "b"));
  EXPECT_EQ(driver_.snapshot().FindMember("c0")->owned, 0u);
}

}  // namespace
}  // namespace ta
