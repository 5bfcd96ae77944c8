// Which stages an Apply tells, and with how many items: what the metrics of
// stages stand on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "allocator/stage_timer.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using test::AllocatorDriver;
using test::ConfigBuilder;
using test::CopyRule;
using test::GroupOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// The items of each stage that ran.
class RecordingTimer final : public StageTimer {
 public:
  void Ran(Stage stage, std::uint64_t items) override {
    EXPECT_TRUE(began_) << "what came before the Apply would be counted";
    ran_[stage] += items;
  }
  void Passed() override { began_ = true; }
  // Since the last call.
  std::map<Stage, std::uint64_t> Take() {
    began_ = false;
    return std::exchange(ran_, {});
  }

 private:
  bool began_ = false;
  std::map<Stage, std::uint64_t> ran_;
};

class AllocatorStagesTest : public testing::Test {
 protected:
  // Two collectors and the targets a:1, a:2 and a:3, at rest.
  void Begin() {
    driver_.Configure(ConfigBuilder().Job("web", {"file:x"}));
    driver_.SetMembers({"c-0", "c-1"});
    driver_.Discover("file:x", {GroupOf("g", {"a:1", "a:2", "a:3"})});
    for (const char* collector : {"c-0", "c-1"}) {
      driver_.Sent(collector, "web");
    }
    driver_.Pass(std::chrono::hours(1));
    timer_.Take();
  }

  RecordingTimer timer_;
  AllocatorDriver driver_{&timer_};
};

TEST_F(AllocatorStagesTest, NewTargetsGoThroughAll) {
  Begin();
  driver_.Discover("file:x", {GroupOf("h", {"b:1", "b:2"})});
  const auto ran = timer_.Take();
  EXPECT_THAT(ran, ElementsAre(Pair(Stage::kRelabel, 2),
                               Pair(Stage::kAssign, testing::Ge(2)),
                               Pair(Stage::kSnapshot, testing::Ge(1))));
}

TEST_F(AllocatorStagesTest, OnlyTheTargetThatIsNewIsRelabeled) {
  Begin();
  driver_.Discover("file:x", {GroupOf("g", {"a:1", "a:2", "a:3", "a:4"})});
  EXPECT_EQ(timer_.Take()[Stage::kRelabel], 1u);
}

TEST_F(AllocatorStagesTest, APollThatChangesNothingRunsNone) {
  Begin();
  driver_.Sent("c-0", "web");
  EXPECT_THAT(timer_.Take(), IsEmpty());
}

TEST_F(AllocatorStagesTest, ADeadlineAtWhichNothingIsDueRunsNone) {
  Begin();
  driver_.Pass(std::chrono::hours(1));
  EXPECT_THAT(timer_.Take(), IsEmpty());
}

TEST_F(AllocatorStagesTest, EqualGroupsAreComparedAndNotRelabeled) {
  Begin();
  driver_.Discover("file:x", {GroupOf("g", {"a:1", "a:2", "a:3"})});
  EXPECT_THAT(timer_.Take(), ElementsAre(Pair(Stage::kRelabel, 0)));
}

TEST_F(AllocatorStagesTest, AProblemOnlyMakesASnapshot) {
  Begin();
  DiscoveryUpdate update;
  update.discoverer = "file:x";
  update.synced = true;
  update.problem = "unreadable";
  driver_.Discover(std::move(update));
  EXPECT_THAT(timer_.Take(), ElementsAre(Pair(Stage::kSnapshot, 0)));
}

TEST_F(AllocatorStagesTest, AMemberMovesTargetsAndRelabelsNone) {
  Begin();
  driver_.SetMembers({"c-0", "c-1", "c-2"});
  const auto ran = timer_.Take();
  EXPECT_FALSE(ran.contains(Stage::kRelabel));
  EXPECT_TRUE(ran.contains(Stage::kAssign));
  EXPECT_TRUE(ran.contains(Stage::kSnapshot));
}

TEST_F(AllocatorStagesTest, TheEndOfAHandOverIsAssigning) {
  Begin();
  driver_.SetMembers({"c-0"});
  driver_.Sent("c-0", "web");
  ASSERT_GT(driver_.snapshot().hand_overs_open, 0u);
  timer_.Take();
  driver_.Pass(std::chrono::hours(1));
  const auto ran = timer_.Take();
  EXPECT_FALSE(ran.contains(Stage::kRelabel));
  EXPECT_TRUE(ran.contains(Stage::kAssign));
  EXPECT_TRUE(ran.contains(Stage::kSnapshot));
}

TEST_F(AllocatorStagesTest, OtherRulesRelabelAll) {
  Begin();
  driver_.Configure(
      ConfigBuilder().Job("web", {"file:x"}, {CopyRule("job", "team")}));
  EXPECT_EQ(timer_.Take()[Stage::kRelabel], 3u);
}

TEST_F(AllocatorStagesTest, AJobPointedElsewhereIsRelabeledWhenItChangesOver) {
  Begin();
  driver_.Configure(ConfigBuilder().Job("web", {"file:y"}));
  timer_.Take();
  driver_.Discover("file:y", {GroupOf("g", {"a:1", "a:2"})});
  EXPECT_EQ(timer_.Take()[Stage::kRelabel], 2u);
}

}  // namespace
}  // namespace ta
