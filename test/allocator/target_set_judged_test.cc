// A target that is judged anew, after a reload or in a changed group, and keeps
// its id while its interval becomes another.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/target_set.h"
#include "test/allocator/target_set_fixture.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using test::GroupOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TargetSetJudgedTest : public TargetSetTest {};

TEST_F(TargetSetJudgedTest, ATargetThatReadersHaveIsNotWrittenTo) {
  NotRelabeled(std::chrono::seconds(30));
  Apply({GroupOf("a", {"h:1"})});
  const Slot slot = Take().added.at(0);
  const TargetPtr read = targets_.TargetOf(slot);
  NotRelabeled(std::chrono::seconds(60));
  EXPECT_EQ(targets_.TargetOf(slot), read) << "nothing shows before Take";
  EXPECT_THAT(Take().updated, ElementsAre(slot));
  EXPECT_EQ(targets_.TargetOf(slot)->scrape_interval, std::chrono::seconds(60));
  EXPECT_EQ(read->scrape_interval, std::chrono::seconds(30));
}

TEST_F(TargetSetJudgedTest, JudgedAnewAndBackInOneStepIsNoChange) {
  NotRelabeled(std::chrono::seconds(30));
  Apply({GroupOf("a", {"h:1"})});
  Take();
  NotRelabeled(std::chrono::seconds(60));
  NotRelabeled(std::chrono::seconds(30));
  EXPECT_FALSE(Take().any());
}

TEST_F(TargetSetJudgedTest, JudgedAnewBeforeTheFirstTakeItIsAddedAsJudgedLast) {
  NotRelabeled(std::chrono::seconds(30));
  Apply({GroupOf("a", {"h:1"})});
  NotRelabeled(std::chrono::seconds(60));
  const auto changes = Take();
  EXPECT_THAT(changes.updated, IsEmpty());
  const Slot slot = changes.added.at(0);
  EXPECT_EQ(targets_.TargetOf(slot)->scrape_interval, std::chrono::seconds(60));
  EXPECT_EQ(targets_.TargetOf(slot)->Get("__address__"), "h:1");
  EXPECT_FALSE(Take().any());
}

// A duplicate that moves in its group is claimed again as it was judged before;
// that is how it was judged last, not how it is served.
TEST_F(TargetSetJudgedTest, ADuplicateThatMovesKeepsWhatItWasJudgedAnew) {
  NotRelabeled(std::chrono::seconds(30));
  Apply({GroupOf("a", {"h:1", "h:2"}), GroupOf("b", {"h:1", "h:3"})});
  Take();
  NotRelabeled(std::chrono::seconds(60));
  Apply({GroupOf("a", {"h:2", "h:1"}), GroupOf("b", {"h:3", "h:1"})});
  EXPECT_THAT(Take().updated, SizeIs(3));
  for (const Slot slot : live_) {
    EXPECT_EQ(targets_.TargetOf(slot)->scrape_interval,
              std::chrono::seconds(60));
  }
  Apply({GroupOf("a", {}), GroupOf("b", {"h:1"})});
  Take();
  EXPECT_EQ(targets_.TargetOf(*live_.begin())->scrape_interval,
            std::chrono::seconds(60));
}

TEST_F(TargetSetJudgedTest,
       JudgedAnewAndRemovedInOneStepItIsRemovedAsItWasServed) {
  NotRelabeled(std::chrono::seconds(30));
  Apply({GroupOf("a", {"h:1"})});
  const Slot slot = Take().added.at(0);
  const TargetPtr served = targets_.TargetOf(slot);
  NotRelabeled(std::chrono::seconds(60));
  Apply({GroupOf("a", {})});
  const auto changes = Take();
  EXPECT_THAT(changes.updated, IsEmpty());
  ASSERT_THAT(changes.removed, SizeIs(1));
  EXPECT_EQ(changes.removed[0].target, served);
  EXPECT_EQ(targets_.TargetOf(slot), served) << "until the next Take";
  Apply({GroupOf("b", {"h:2"})});
  Take();
  Apply({GroupOf("c", {"h:3"})});
  ASSERT_THAT(Take().added, ElementsAre(slot)) << "given out again";
  EXPECT_EQ(targets_.TargetOf(slot)->scrape_interval, std::chrono::seconds(60));
}

}  // namespace
}  // namespace ta
