#include "allocator/unserved.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace ta {
namespace {

std::shared_ptr<const UnservedGroup> GroupWith(const std::string& source,
                                               int targets) {
  auto group = std::make_shared<UnservedGroup>();
  group->discoverer = "d";
  group->source = source;
  for (int i = 0; i < targets; ++i) {
    UnservedTarget target;
    target.state = i % 3 == 0   ? UnservedTarget::State::kDroppedByRule
                   : i % 3 == 1 ? UnservedTarget::State::kDuplicate
                                : UnservedTarget::State::kInvalid;
    group->targets.push_back(target);
  }
  return group;
}

TEST(UnservedIndexTest, CountsByState) {
  UnservedIndex index;
  EXPECT_TRUE(index.buckets().empty());
  index.Put(GroupWith("a", 4));
  index.Put(GroupWith("b", 2));
  EXPECT_EQ(index.dropped(), 3u);
  EXPECT_EQ(index.duplicates(), 2u);
  EXPECT_EQ(index.invalid(), 1u);
  index.Put(GroupWith("a", 1));
  EXPECT_EQ(index.dropped(), 2u);
  EXPECT_EQ(index.duplicates(), 1u);
  EXPECT_EQ(index.invalid(), 0u);
  index.Put(GroupWith("a", 0));
  EXPECT_EQ(index.groups(), 1u);
  index.Remove("d", "b");
  index.Remove("d", "never there");
  EXPECT_EQ(index.groups(), 0u);
  EXPECT_EQ(index.dropped(), 0u);
}

TEST(UnservedIndexTest, AChangeCopiesOneBucket) {
  UnservedIndex index;
  for (int i = 0; i < 1'000; ++i) index.Put(GroupWith(std::to_string(i), 1));
  const auto before = index.buckets();
  index.Put(GroupWith("500", 2));
  ASSERT_EQ(before.size(), index.buckets().size());
  int copied = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    copied += before[i] != index.buckets()[i];
  }
  EXPECT_EQ(copied, 1);
  EXPECT_GE(before.size(), 1'000 / UnservedIndex::kGroupsPerBucket);
}

TEST(UnservedIndexTest, HoldsWhatWasPut) {
  std::mt19937 random(31);
  UnservedIndex index;
  std::map<std::string, std::shared_ptr<const UnservedGroup>> expected;
  for (int step = 0; step < 3'000; ++step) {
    const std::string source = std::to_string(random() % 300);
    const auto group = GroupWith(source, random() % 3);
    index.Put(group);
    if (group->targets.empty()) {
      expected.erase(source);
    } else {
      expected[source] = group;
    }
    if (random() % 4 == 0) {
      const std::string other = std::to_string(random() % 300);
      index.Remove("d", other);
      expected.erase(other);
    }
  }
  std::set<const UnservedGroup*> left, right;
  for (const auto& [source, group] : expected) left.insert(group.get());
  for (const auto& bucket : index.buckets()) {
    for (const auto& group : bucket->groups) right.insert(group.get());
  }
  EXPECT_EQ(left, right);
  EXPECT_EQ(index.groups(), expected.size());
}

}  // namespace
}  // namespace ta
