// What the service counts of its queue and its stages.

#include "allocator/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <optional>
#include <string>

#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using test::ConfigBuilder;
using test::GroupOf;

template <typename Bounds>
std::uint64_t CountOf(const BasicAtomicHistogram<Bounds>& histogram) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= Bounds::kSeconds.size(); ++i) {
    count += histogram.count(i);
  }
  return count;
}

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    const auto config = ConfigBuilder().Job("web", {"file:x"}).Build();
    service_.Configure(config, {});
    MembersUpdate members;
    members.source = MembersKey(config->members);
    members.members = {{"c-0", ""}};
    service_.Members(std::move(members));
  }
  void Discover(const std::string& source,
                const std::vector<std::string>& addresses) {
    DiscoveryUpdate update;
    update.discoverer = "file:x";
    update.groups = {GroupOf(source, addresses)};
    update.synced = true;
    service_.Discovered(std::move(update));
  }
  const StageStats& Of(Stage stage) const {
    return service_.metrics().stages[static_cast<std::size_t>(stage)];
  }
  std::uint64_t Runs(Stage stage) const { return CountOf(Of(stage).duration); }
  std::uint64_t Items(Stage stage) const { return Of(stage).items.load(); }

  // Lets the test look at what waits while a snapshot is being published.
  std::optional<std::latch> reached_, go_on_;
  SnapshotHolder snapshots_;
  SteadyClock clock_;
  Service service_{
      snapshots_, clock_, {.on_snapshot = [&](const Snapshot&, TimePoint) {
        if (reached_) {
          reached_->count_down();
          go_on_->wait();
        }
        return TimePoint::max();
      }}};
};

TEST_F(ServiceTest, StagesAreCountedWhenTheyRan) {
  service_.Start();
  service_.Flush();
  EXPECT_EQ(Items(Stage::kRelabel), 0u);
  const std::uint64_t relabels = Runs(Stage::kRelabel);
  const std::uint64_t snapshots = Runs(Stage::kSnapshot);
  Discover("g", {"a:1", "a:2"});
  service_.Flush();
  EXPECT_EQ(Runs(Stage::kRelabel), relabels + 1);
  EXPECT_EQ(Items(Stage::kRelabel), 2u);
  EXPECT_EQ(Items(Stage::kAssign), 2u);
  EXPECT_EQ(Runs(Stage::kSnapshot), snapshots + 1);
  EXPECT_EQ(Items(Stage::kSnapshot), 1u);
  const std::uint64_t assigns = Runs(Stage::kAssign);
  service_.Polled({"c-0", "web", 1, std::chrono::seconds(30), clock_.Now()});
  service_.Flush();
  EXPECT_EQ(Runs(Stage::kRelabel), relabels + 1);
  EXPECT_EQ(Runs(Stage::kAssign), assigns);
  EXPECT_EQ(Runs(Stage::kSnapshot), snapshots + 1);
}

TEST_F(ServiceTest, WhatIsAppliedTogetherIsCoalesced) {
  service_.Start();
  service_.Flush();
  EXPECT_EQ(service_.metrics().coalesced_events.load(), 1u)
      << "configuration and members, both queued before the start";
  EXPECT_EQ(CountOf(service_.metrics().event_wait), 2u);
}

TEST_F(ServiceTest, TheQueueShowsWhatWaits) {
  const ServiceStats& stats = service_.metrics();
  EXPECT_EQ(stats.waiting_events.load(), 2u);
  const TimePoint begin = clock_.Now();
  EXPECT_GT(stats.QueueAgeSeconds(begin + std::chrono::seconds(5)), 4.9);
  reached_.emplace(1);
  go_on_.emplace(1);
  service_.Start();
  reached_->wait();
  // Those two are served, and what comes now waits.
  EXPECT_EQ(stats.waiting_events.load(), 0u);
  EXPECT_EQ(stats.QueueAgeSeconds(clock_.Now()), 0);
  EXPECT_EQ(CountOf(stats.event_wait), 2u);
  for (const char* source : {"g", "h", "i"}) Discover(source, {"a:1"});
  EXPECT_EQ(stats.waiting_events.load(), 3u);
  EXPECT_GT(stats.QueueAgeSeconds(clock_.Now() + std::chrono::seconds(5)), 4.9);
  reached_.reset();
  go_on_->count_down();
  service_.Flush();
  EXPECT_EQ(stats.waiting_events.load(), 0u);
  EXPECT_EQ(stats.QueueAgeSeconds(clock_.Now()), 0);
  EXPECT_EQ(CountOf(stats.event_wait), 5u);
  EXPECT_EQ(stats.coalesced_events.load(), 3u);
}

}  // namespace
}  // namespace ta
