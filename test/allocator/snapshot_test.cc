#include "allocator/snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ta {
namespace {

std::shared_ptr<const JobView> Named(const std::string& name) {
  auto config = std::make_shared<ScrapeConfig>();
  config->job_name = name;
  auto view = std::make_shared<JobView>();
  view->config = config;
  view->shares = {{2, std::make_shared<TargetList>()},
                  {5, std::make_shared<TargetList>()}};
  return view;
}

TEST(SnapshotTest, FindsJobsMembersAndLists) {
  Snapshot snapshot;
  snapshot.jobs = {Named("a"), Named("b/c"), Named("z")};
  MemberView live, drained;
  live.name = "c0";
  drained.name = "c1";
  drained.state = MemberView::State::kDrained;
  snapshot.members = SharedBlocks(std::vector{live, drained});
  snapshot.removed_jobs = {"old", "older"};

  EXPECT_EQ(snapshot.FindJob("b/c"), snapshot.jobs[1].get());
  EXPECT_EQ(snapshot.FindJob("b"), nullptr);
  EXPECT_EQ(snapshot.FindJob("zz"), nullptr);
  EXPECT_EQ(snapshot.FindMember("c1"), &snapshot.members[1]);
  EXPECT_EQ(snapshot.FindMember("c2"), nullptr);
  EXPECT_TRUE(snapshot.WasRemoved("old"));
  EXPECT_FALSE(snapshot.WasRemoved("new"));
  EXPECT_EQ(snapshot.LiveMembers(), 1u);
  EXPECT_EQ(snapshot.jobs[0]->ListOf(5),
            snapshot.jobs[0]->shares[1].list.get());
  EXPECT_EQ(snapshot.jobs[0]->ListOf(3), nullptr);
  EXPECT_EQ(snapshot.jobs[0]->ListOf(9), nullptr);
}

TEST(SnapshotTest, ATargetsOwnLabelWins) {
  Target target;
  target.group = Labels::Of({{"a", "1"}, {"b", "2"}});
  target.own = Labels::Of({{"b", ""}, {"c", "3"}});
  EXPECT_EQ(target.Get("a"), "1");
  EXPECT_EQ(target.Get("b"), "") << "also an empty one";
  EXPECT_EQ(target.Get("c"), "3");
  EXPECT_EQ(target.Get("d"), "");
}

TEST(SnapshotTest, StatesHaveTheirNames) {
  EXPECT_EQ(ToString(MemberView::State::kLive), "live");
  EXPECT_EQ(ToString(MemberView::State::kGrace), "grace");
  EXPECT_EQ(ToString(MemberView::State::kDraining), "draining");
  EXPECT_EQ(ToString(MemberView::State::kDrained), "drained");
}

TEST(DurationHistogramTest, ABoundBelongsToItsBucket) {
  DurationHistogram histogram;
  histogram.Add(0.5);
  histogram.Add(1);
  histogram.Add(1.5);
  histogram.Add(600);
  histogram.Add(601);
  EXPECT_EQ(histogram.counts[0], 2u);
  EXPECT_EQ(histogram.counts[1], 1u);
  EXPECT_EQ(histogram.counts[9], 1u);
  EXPECT_EQ(histogram.counts[10], 1u);
  EXPECT_EQ(histogram.sum, 1204);
}

TEST(SnapshotHolderTest, BeforeTheFirstItIsNotConfigured) {
  const SnapshotHolder holder;
  ASSERT_NE(holder.Get(), nullptr);
  EXPECT_FALSE(holder.Get()->configured);
  EXPECT_EQ(holder.Get()->generation, 0u);
}

TEST(SnapshotHolderTest, TellsItsListenerAfterEachSet) {
  SnapshotHolder holder;
  std::uint64_t seen = 0;
  holder.OnChange([&] { seen = holder.Get()->generation; });
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = 7;
  holder.Set(snapshot);
  EXPECT_EQ(seen, 7u);
  holder.OnChange(nullptr);
  holder.Set(std::make_shared<Snapshot>());
  EXPECT_EQ(seen, 7u);
}

TEST(SnapshotHolderTest, ReadersSeeGenerationsGrow) {
  SnapshotHolder holder;
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!done) {
        const auto snapshot = holder.Get();
        EXPECT_GE(snapshot->generation, last);
        last = snapshot->generation;
      }
    });
  }
  for (std::uint64_t generation = 1; generation <= 2'000; ++generation) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->generation = generation;
    holder.Set(std::move(snapshot));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace ta
