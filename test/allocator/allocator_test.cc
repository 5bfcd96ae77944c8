#include "allocator/allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "test/support/allocator_driver.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

using test::AllocatorDriver;
using test::At;
using test::ConfigBuilder;
using test::CopyRule;
using test::DropRule;
using test::GroupOf;
using test::Seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Addresses(int count, const std::string& prefix = "h") {
  std::vector<std::string> addresses;
  for (int i = 0; i < count; ++i) {
    addresses.push_back(prefix + std::to_string(i) + ":80");
  }
  return addresses;
}

// -- readiness, section 8 --

TEST(AllocatorTest, SaysNothingBeforeTheConfiguration) {
  AllocatorDriver driver;
  driver.Apply({});
  EXPECT_FALSE(driver.snapshot().configured);
  EXPECT_FALSE(driver.snapshot().ready);
  EXPECT_EQ(driver.snapshot().waiting_for, "the configuration");
  EXPECT_EQ(driver.snapshot().targets_wait, "the configuration");
}

TEST(AllocatorTest, WaitsForEveryDiscovererThenForTheListOfCollectors) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}).Job("b", {"file:b"}));
  EXPECT_TRUE(driver.snapshot().configured);
  EXPECT_FALSE(driver.snapshot().targets_served);
  EXPECT_EQ(driver.snapshot().targets_wait, "job a: the first answer of file");
  driver.Discover("file:a", {GroupOf("0", {"h:1"})});
  EXPECT_EQ(driver.snapshot().waiting_for, "job b: the first answer of file");
  EXPECT_TRUE(driver.job("a").served);
  EXPECT_FALSE(driver.job("b").served);
  driver.Discover("file:b", {});
  EXPECT_EQ(driver.snapshot().waiting_for, "the list of collectors");
  EXPECT_FALSE(driver.snapshot().ready);
  EXPECT_FALSE(driver.snapshot().targets_served);
  driver.SetMembers({"c0"});
  EXPECT_TRUE(driver.snapshot().ready);
  EXPECT_TRUE(driver.snapshot().targets_served);
  EXPECT_THAT(driver.Owned("c0", "a"), UnorderedElementsAre("h:1"));
}

TEST(AllocatorTest, TheListOfCollectorsHasNoTimeout) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}));
  driver.Discover("file:a", {});
  driver.Pass(std::chrono::hours(5));
  EXPECT_FALSE(driver.snapshot().ready);
  MembersUpdate problem = driver.ListOf({});
  problem.complete = false;
  problem.problem = "permission denied";
  AllocatorInput input;
  input.members.push_back(problem);
  driver.Apply(std::move(input));
  EXPECT_EQ(driver.snapshot().waiting_for,
            "the list of collectors: permission denied");
  EXPECT_EQ(driver.snapshot().members_problem, "permission denied");
}

TEST(AllocatorTest, AfterSyncTimeoutServesTheJobsThatAreSynced) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder()
                       .Job("good", {"file:good"})
                       .Job("late", {"file:late"})
                       .Job("part", {"file:part"}));
  driver.SetMembers({"c0"});
  driver.Discover("file:good", {GroupOf("0", {"h:1"})});
  DiscoveryUpdate partial;
  partial.discoverer = "file:part";
  partial.groups = {GroupOf("0", {"p:1"})};
  partial.partial = true;
  partial.problem = "b.json: permission denied";
  driver.Discover(partial);
  driver.Pass(Seconds(59));
  EXPECT_FALSE(driver.snapshot().ready);
  EXPECT_FALSE(driver.snapshot().targets_served);
  driver.Pass(Seconds(1));
  EXPECT_TRUE(driver.snapshot().ready);
  EXPECT_TRUE(driver.snapshot().targets_served);
  EXPECT_TRUE(driver.job("good").served);
  EXPECT_TRUE(driver.job("part").served) << "the unreadable file is left out";
  EXPECT_FALSE(driver.job("late").served);
  EXPECT_EQ(driver.job("late").waiting_for, "the first answer of file");
  EXPECT_THAT(driver.snapshot().jobs_not_synced, ElementsAre("late"));

  driver.Discover("file:late", {GroupOf("0", {"l:1"})});
  EXPECT_TRUE(driver.job("late").served);
  EXPECT_THAT(driver.snapshot().jobs_not_synced, IsEmpty());
  EXPECT_FALSE(driver.deadline()) << "there is nothing left to wait for";
}

TEST(AllocatorTest, ReadyStaysReady) {
  AllocatorDriver driver;
  ConfigBuilder config;
  driver.Configure(config.Job("a", {"file:a"}));
  driver.SetMembers({"c0"});
  driver.Discover("file:a", {});
  ASSERT_TRUE(driver.snapshot().ready);
  driver.Configure(config.Job("b", {"file:b"}).Members(test::PollingIn(90)));
  EXPECT_TRUE(driver.snapshot().ready);
  EXPECT_TRUE(driver.snapshot().targets_served);
  EXPECT_FALSE(driver.job("b").served);
  EXPECT_THAT(driver.snapshot().jobs_not_synced, ElementsAre("b"));
}

TEST(AllocatorTest, UnimplementedMechanismsHoldUpNothing) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder()
                       .Job("mixed", {"none:k8s", "file:m"})
                       .Job("other", {"none:k8s"}));
  driver.SetMembers({"c0"});
  driver.Discover("file:m", {GroupOf("0", {"h:1"})});
  EXPECT_TRUE(driver.snapshot().ready);
  EXPECT_TRUE(driver.job("mixed").served);
  EXPECT_FALSE(driver.job("other").served);
  EXPECT_EQ(driver.job("other").waiting_for,
            "none of its discovery mechanisms is implemented");
  EXPECT_THAT(driver.in_use(), ElementsAre("file:m"));
}

TEST(AllocatorTest, OnlyCustomResourcesIsNeverReady) {
  AllocatorDriver driver;
  ConfigBuilder config;
  config.raw().custom_resources_enabled = true;
  driver.Configure(config);
  driver.SetMembers({"c0"});
  driver.Pass(Seconds(300));
  EXPECT_FALSE(driver.snapshot().ready);
  EXPECT_THAT(driver.snapshot().waiting_for, HasSubstr("prometheus_cr"));
  driver.Configure(config.Job("a", {"file:a"}));
  driver.Discover("file:a", {});
  EXPECT_TRUE(driver.snapshot().ready) << "the file's own jobs are served";
}

// -- generations and sharing --

TEST(AllocatorTest, SaysNothingWhenNothingChanged) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}));
  driver.SetMembers({"c0", "c1"});
  driver.Discover("file:a", {GroupOf("0", Addresses(10))});
  EXPECT_EQ(driver.Apply({}).snapshot, nullptr);
  EXPECT_EQ(driver.SetMembers({"c1", "c0"}).snapshot, nullptr);
  EXPECT_EQ(driver.Discover("file:a", {GroupOf("0", Addresses(10))}).snapshot,
            nullptr);
  EXPECT_EQ(driver.Discover("file:x", {GroupOf("0", {"x:1"})}).snapshot,
            nullptr)
      << "nobody uses that discoverer";
  EXPECT_EQ(driver.Sent("c0", "a").snapshot, nullptr);
  EXPECT_NE(driver.Discover("file:a", {GroupOf("0", Addresses(11))}).snapshot,
            nullptr);
}

TEST(AllocatorTest, AChangedTargetCopiesOneListAndOneJob) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}).Job("b", {"file:b"}));
  driver.SetMembers(test::Collectors(5));
  std::vector<TargetGroup> groups;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "h" + std::to_string(i);
    groups.push_back(GroupOf(name, {name + ":80"}));
  }
  driver.Discover("file:a", groups);
  driver.Discover("file:b", groups);
  const auto before = driver.shared_snapshot();
  TargetGroup changed = GroupOf("h7", {"h7:80"}, {{"__meta_note", "new"}});
  driver.Discover("file:a", {changed});

  EXPECT_EQ(before->FindJob("b"), driver.snapshot().FindJob("b"));
  const JobView& old = *before->FindJob("a");
  const JobView& now = driver.job("a");
  ASSERT_NE(&old, &now);
  ASSERT_EQ(old.shares.size(), now.shares.size());
  int copied = 0;
  for (std::size_t i = 0; i < old.shares.size(); ++i) {
    if (old.shares[i].list == now.shares[i].list) continue;
    ++copied;
    EXPECT_NE(old.shares[i].list->digest, now.shares[i].list->digest);
    int other = 0;
    for (std::size_t t = 0; t < old.shares[i].list->targets.size(); ++t) {
      other += old.shares[i].list->targets[t] != now.shares[i].list->targets[t];
    }
    EXPECT_EQ(other, 1);
  }
  EXPECT_EQ(copied, 1);
  EXPECT_EQ(driver.snapshot().digest, before->digest) << "nobody moved";
}

TEST(AllocatorTest, OldSnapshotsStayAsTheyWere) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}));
  driver.SetMembers({"c0"});
  driver.Discover("file:a", {GroupOf("0", {"h:1", "h:2"})});
  const auto before = driver.shared_snapshot();
  driver.Discover("file:a", {GroupOf("0", {})});
  EXPECT_THAT(driver.Served("c0", "a"), IsEmpty());
  const JobView* job = before->FindJob("a");
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(job->ListOf(before->FindMember("c0")->id)->targets.size(), 2u);
}

TEST(AllocatorTest, OrderOfEventsDoesNotShow) {
  std::vector<TargetGroup> groups;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "h" + std::to_string(i);
    groups.push_back(GroupOf(name, {name + ":80", "shared:80"}));
  }
  const auto config = ConfigBuilder().Job("a", {"file:a"}).Build();
  AllocatorDriver one;
  one.Configure(config);
  one.SetMembers(test::Collectors(7));
  one.Discover("file:a", groups);

  AllocatorDriver two;
  two.Configure(config);
  std::mt19937 random(3);
  std::shuffle(groups.begin(), groups.end(), random);
  two.SetMembers({"collector-3", "extra"});
  for (const TargetGroup& group : groups) {
    two.Discover("file:a", {group});
    two.Pass(Seconds(1));
  }
  two.SetMembers(test::Collectors(7));
  two.Discover("file:a", {GroupOf("gone", {"gone:1"})});
  two.Discover("file:a", {GroupOf("gone", {})});

  EXPECT_EQ(one.snapshot().digest, two.snapshot().digest);
  for (const std::string& name : test::Collectors(7)) {
    EXPECT_EQ(one.Owned(name, "a"), two.Owned(name, "a"));
    const TargetList* left =
        one.job("a").ListOf(one.snapshot().FindMember(name)->id);
    const TargetList* right =
        two.job("a").ListOf(two.snapshot().FindMember(name)->id);
    ASSERT_NE(left, nullptr);
    ASSERT_NE(right, nullptr);
    EXPECT_EQ(left->digest, right->digest) << name;
  }
}

TEST(AllocatorTest, DigestTellsWhoOwnsWhat) {
  AllocatorDriver one, two;
  for (AllocatorDriver* driver : {&one, &two}) {
    driver->Configure(ConfigBuilder().Job("a", {"file:a"}));
    driver->Discover("file:a", {GroupOf("0", Addresses(20))});
  }
  one.SetMembers({"c0"});
  two.SetMembers({"c1"});
  EXPECT_NE(one.snapshot().digest, two.snapshot().digest);
}

// -- counts, states --

TEST(AllocatorTest, EveryDiscoveredTargetHasAStateAndAReason) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job(
      "a", {"file:a"}, {DropRule("drop", "yes"), DropRule("never", "yes")}));
  driver.SetMembers({"c0"});
  TargetGroup group = GroupOf("0", {"h:1", "h:1", "h:2"});
  group.targets.push_back(At("h:3", {{"drop", "yes"}}));
  group.targets.push_back(test::LabelsOf({{"no", "address"}}));
  group.invalid = {{"h:5", "invalid label name \"a b\""}};
  driver.Discover("file:a", {group});

  const JobCounts& counts = driver.job("a").counts;
  EXPECT_EQ(counts.discovered, 6u);
  EXPECT_EQ(counts.assigned, 2u);
  EXPECT_EQ(counts.duplicates, 1u);
  EXPECT_EQ(counts.dropped, 2u);
  EXPECT_EQ(counts.invalid, 1u);
  const auto unserved = driver.Unserved("a");
  ASSERT_EQ(unserved.size(), 4u);
  EXPECT_EQ(unserved[0].state, UnservedTarget::State::kDuplicate);
  EXPECT_EQ(unserved[1].state, UnservedTarget::State::kDroppedByRule);
  EXPECT_EQ(unserved[1].rule, 0);
  EXPECT_EQ(unserved[2].state, UnservedTarget::State::kDroppedByCheck);
  EXPECT_EQ(unserved[2].reason, "no address");
  EXPECT_EQ(unserved[3].state, UnservedTarget::State::kInvalid);
  EXPECT_EQ(unserved[3].reason, "h:5: invalid label name \"a b\"");
}

TEST(AllocatorTest, WithoutMembersTargetsAreUnassignedWithAReason) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}));
  driver.Discover("file:a", {GroupOf("0", {"h:1"})});
  driver.SetMembers(std::initializer_list<const char*>{});
  EXPECT_TRUE(driver.snapshot().ready);
  EXPECT_THAT(driver.Unassigned("a"),
              ElementsAre(std::pair("h:1", "no_collectors")));
  EXPECT_EQ(driver.job("a").counts.unassigned, 1u);
  driver.SetMembers({"c0"});
  EXPECT_THAT(driver.Unassigned("a"), IsEmpty());
  EXPECT_THAT(driver.Owned("c0", "a"), UnorderedElementsAre("h:1"));
}

TEST(AllocatorTest, NoCollectorOwnsMoreThanItsPart) {
  AllocatorDriver driver;
  driver.Configure(ConfigBuilder().Job("a", {"file:a"}).Job("b", {"file:b"}));
  driver.SetMembers(test::Collectors(7));
  driver.Discover("file:a", {GroupOf("0", Addresses(500))});
  driver.Discover("file:b", {GroupOf("0", Addresses(437))});
  std::size_t total = 0;
  for (const MemberView& member : driver.snapshot().members) {
    EXPECT_LE(member.owned, (937 * 1050 + 7 * 1000 - 1) / 7000);
    total += member.owned;
  }
  EXPECT_EQ(total, 937u);
}

TEST(AllocatorTest, PerNodeFollowsAChangedNodeLabel) {
  AllocatorDriver driver;
  driver.Configure(
      ConfigBuilder().Job("a", {"file:a"}).Strategy(StrategyKind::kPerNode));
  driver.SetListed({{"c0", "n0"}, {"c1", "n1"}});
  const auto on = [](const char* node) {
    TargetGroup group = GroupOf("0", {"h:1"});
    group.labels = test::LabelsOf({{"__meta_kubernetes_pod_node_name", node}});
    return group;
  };
  driver.Discover("file:a", {on("n0")});
  EXPECT_EQ(driver.OwnerOf("a", "h:1"), "c0");
  driver.Discover("file:a", {on("n1")});
  EXPECT_EQ(driver.OwnerOf("a", "h:1"), "c1");
  driver.Discover("file:a", {on("n2")});
  EXPECT_EQ(driver.OwnerOf("a", "h:1"), "");
  EXPECT_THAT(driver.Unassigned("a"),
              ElementsAre(std::pair("h:1", "no_collector_on_node")));
}

}  // namespace
}  // namespace ta
