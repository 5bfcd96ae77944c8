#include "allocator/slot_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace ta {
namespace {

TEST(SlotIndexTest, FindsNothingWhenEmpty) {
  const SlotIndex index;
  const TargetId id;
  EXPECT_EQ(index.Find(id, [&](Slot) -> const TargetId& { return id; }),
            SlotIndex::kNone);
}

// Few different low words, so that probing runs long and wraps around.
TEST(SlotIndexTest, AgreesWithAMapThroughManyChanges) {
  for (const std::uint64_t spread : {1u, 3u, 64u, 100'000u}) {
    std::mt19937_64 random(spread);
    SlotIndex index;
    std::vector<TargetId> ids(300);
    for (TargetId& id : ids) {
      id = {random(),
            random() % spread == 0 ? ~std::uint64_t{0} : random() % spread};
    }
    const auto id_of = [&](Slot slot) -> const TargetId& { return ids[slot]; };
    std::map<TargetId, Slot> expected;
    for (int step = 0; step < 3'000; ++step) {
      const Slot slot = random() % ids.size();
      if (expected.erase(ids[slot]) > 0) {
        index.Erase(slot, id_of);
      } else {
        index.Insert(slot, id_of);
        expected[ids[slot]] = slot;
      }
      ASSERT_EQ(index.size(), expected.size());
      if (step % 10 != 0) continue;
      for (const TargetId& id : ids) {
        const auto found = expected.find(id);
        ASSERT_EQ(index.Find(id, id_of),
                  found == expected.end() ? SlotIndex::kNone : found->second);
      }
    }
  }
}

}  // namespace
}  // namespace ta
