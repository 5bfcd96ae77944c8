#include "allocator/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

using testing::ElementsAre;

TEST(InventoryTest, EveryTargetIsThereOnceWithItsState) {
  test::SnapshotBuilder builder;
  builder.Member("a").Member("b").Member("c").Job("web");
  builder.Target("web", "b", {{"__address__", "1:1"}}, {}, {"a", "c"});
  builder.Target("web", "a", {{"__address__", "2:1"}});
  builder.Unassigned("web", UnassignedReason::kNoNode,
                     {{"__address__", "3:1"}});
  UnservedTarget dropped{UnservedTarget::State::kDroppedByCheck};
  dropped.reason = "no address";
  builder.Unserved("web", "z", dropped);
  UnservedTarget duplicate{UnservedTarget::State::kDuplicate};
  builder.Unserved("web", "y", duplicate);
  const auto snapshot = builder.Build();
  const auto entries = InventoryOf(*snapshot->jobs[0]);
  ASSERT_EQ(entries.size(), 5u);
  const auto find = [&](std::string_view address) {
    return *std::find_if(
        entries.begin(), entries.end(),
        [&](const auto& entry) { return entry.Get("__address__") == address; });
  };
  EXPECT_EQ(find("1:1").state, TargetState::kAssigned);
  EXPECT_EQ(MemberName(*snapshot, find("1:1").owner), "b");
  EXPECT_THAT(find("1:1").earlier, ElementsAre(1, 3));
  EXPECT_EQ(find("2:1").state, TargetState::kAssigned);
  EXPECT_THAT(find("2:1").earlier, ElementsAre());
  EXPECT_EQ(find("3:1").state, TargetState::kUnassigned);
  EXPECT_EQ(find("3:1").owner, kNoMember);
  // The live ones by id, then the others by source.
  EXPECT_LT(entries[0].target->id, entries[1].target->id);
  EXPECT_EQ(entries[3].state, TargetState::kDuplicate);
  EXPECT_EQ(entries[4].state, TargetState::kDropped);
}

// A target without a new owner is served to the one that is leaving.
TEST(InventoryTest, AnUnassignedTargetMayStillBeServed) {
  test::SnapshotBuilder builder;
  builder.Member("gone", MemberView::State::kDraining).Job("web");
  builder.Unassigned("web", UnassignedReason::kNoCollectors,
                     {{"__address__", "1:1"}});
  const auto before = builder.Build();
  const auto& target = before->jobs[0]->unassigned->at(0).target;
  auto job = std::make_shared<JobView>(*before->jobs[0]);
  auto list = std::make_shared<TargetList>();
  list->targets.push_back({target, false});
  job->shares.push_back({1, list});
  const auto entries = InventoryOf(*job);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].state, TargetState::kUnassigned);
  EXPECT_EQ(entries[0].unassigned_reason, UnassignedReason::kNoCollectors);
  EXPECT_THAT(entries[0].earlier, ElementsAre(1));
}

TEST(InventoryTest, WhatIsWantedHasItsWholeState) {
  test::SnapshotBuilder builder;
  builder.Member("a").Member("b").Job("web");
  builder.Target("web", "b", {{"__address__", "1:1"}}, {}, {"a"});
  builder.Target("web", "a", {{"__address__", "2:1"}});
  builder.Unserved("web", "z", {UnservedTarget::State::kDroppedByCheck});
  const auto snapshot = builder.Build();
  const JobView& job = *snapshot->jobs[0];
  const auto live = InventoryOf(job, [](const InventoryEntry& entry) {
    return entry.Get("__address__") == "1:1";
  });
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].state, TargetState::kAssigned);
  EXPECT_EQ(MemberName(*snapshot, live[0].owner), "b");
  EXPECT_EQ(live[0].earlier.size(), 1u);
  const auto dropped = InventoryOf(
      job, [](const InventoryEntry& entry) { return entry.target == nullptr; });
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].state, TargetState::kDropped);
}

TEST(InventoryTest, StatesHaveNames) {
  for (const auto state :
       {TargetState::kAssigned, TargetState::kUnassigned, TargetState::kDropped,
        TargetState::kDuplicate, TargetState::kInvalid}) {
    EXPECT_EQ(ParseTargetState(ToString(state)), state);
  }
  EXPECT_EQ(ParseTargetState("none"), std::nullopt);
}

}  // namespace
}  // namespace ta
