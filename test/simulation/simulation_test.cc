// Random fleets through thousands of events under a virtual clock. A failure
// names its seed; `--gtest_filter` with the seed's number runs it alone.

#include <gtest/gtest.h>

#include "test/simulation/world.h"

namespace ta {
namespace {

using test::MembersKind;
using test::World;
using test::WorldOptions;

constexpr MembersKind kMembers[] = {MembersKind::kList, MembersKind::kPolling,
                                    MembersKind::kPods};
constexpr StrategyKind kStrategies[] = {StrategyKind::kConsistentHashing,
                                        StrategyKind::kPerNode,
                                        StrategyKind::kLeastWeighted};

// Strategy, kind of members and whether the unplanned happens follow the seed.
void Simulate(std::uint32_t seed, int seconds) {
  WorldOptions options;
  options.seed = seed;
  options.strategy = kStrategies[seed % 3];
  options.members = kMembers[seed / 3 % 3];
  options.unplanned = seed / 9 % 2 == 1;
  options.seconds = seconds;
  SCOPED_TRACE("seed " + std::to_string(seed));
  World world(options);
  world.Run();
  const World::Tally& tally = world.tally();
  ::testing::Test::RecordProperty("applies", tally.applies);
  ::testing::Test::RecordProperty("snapshots", tally.snapshots);
  ::testing::Test::RecordProperty("events", tally.events);
  ::testing::Test::RecordProperty("scrapes", tally.scrapes);
  EXPECT_GT(tally.events, seconds / 20) << "else little was shown";
  EXPECT_GT(tally.snapshots, seconds / 30);
}

class SimulationQuickTest : public ::testing::TestWithParam<std::uint32_t> {};
TEST_P(SimulationQuickTest, PromisesHold) { Simulate(GetParam(), 1'200); }
INSTANTIATE_TEST_SUITE_P(Seeds, SimulationQuickTest, ::testing::Range(0u, 18u));

class SimulationLongTest : public ::testing::TestWithParam<std::uint32_t> {};
TEST_P(SimulationLongTest, PromisesHold) { Simulate(GetParam(), 6'000); }
INSTANTIATE_TEST_SUITE_P(Seeds, SimulationLongTest,
                         ::testing::Range(100u, 154u));

}  // namespace
}  // namespace ta
