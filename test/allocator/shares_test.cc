#include "allocator/shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "hashing/hash.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kReason = UnassignedReason::kNoCollectors;

TargetPtr TargetAt(int n, const std::string& note = "") {
  const boost::intrusive_ptr<Target> target(new Target);
  target->id = Hash128(std::to_string(n));
  target->own = test::At("h:" + std::to_string(n), {{"note", note}});
  return target;
}

class SharesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (MemberId member = 0; member < 4; ++member) {
      shares_.Introduce(member, "c" + std::to_string(member));
    }
  }
  void Set(Slot slot, MemberId owner, std::vector<MemberId> earlier = {},
           const std::string& note = "") {
    shares_.Set(slot, 0, TargetAt(slot, note), owner, kReason, 1, earlier);
  }
  const TargetList* ListOf(MemberId member, JobId job = 0) {
    for (const JobView::Share& share : shares_.Job(job).shares) {
      if (share.member == member) return share.list.get();
    }
    return nullptr;
  }
  Shares shares_;
};

TEST_F(SharesTest, ATargetIsInItsOwnersListAndItsEarlierOwners) {
  Set(1, 2, {0, 3});
  EXPECT_THAT(shares_.Flush(), ElementsAre(0));
  ASSERT_NE(ListOf(2), nullptr);
  EXPECT_TRUE(ListOf(2)->targets[0].owned);
  EXPECT_FALSE(ListOf(0)->targets[0].owned);
  EXPECT_FALSE(ListOf(3)->targets[0].owned);
  EXPECT_EQ(ListOf(1), nullptr);
  EXPECT_EQ(ListOf(0)->owned, 0u);
  EXPECT_EQ(shares_.Job(0).assigned, 1u);
  EXPECT_EQ(shares_.Owned(2), 1u);
  EXPECT_EQ(ListOf(0)->digest, ListOf(2)->digest) << "whoever owns it";
  EXPECT_EQ(shares_.Of(1).owner, 2u);
  EXPECT_FALSE(shares_.Of(99).present);
}

TEST_F(SharesTest, NothingShowsBeforeFlush) {
  Set(1, 2);
  EXPECT_EQ(ListOf(2), nullptr);
  shares_.Flush();
  EXPECT_NE(ListOf(2), nullptr);
  EXPECT_THAT(shares_.Flush(), IsEmpty());
}

TEST_F(SharesTest, EditsThatChangeNothingKeepTheList) {
  const auto target = TargetAt(1);
  shares_.Set(1, 0, target, 2, kReason, 1, {});
  shares_.Flush();
  const auto list = shares_.Job(0).shares[0].list;
  shares_.Set(1, 0, target, 2, kReason, 1, {});
  EXPECT_THAT(shares_.Flush(), IsEmpty());
  shares_.Set(1, 0, target, 3, kReason, 1, {});
  shares_.Set(1, 0, target, 2, kReason, 1, {});
  EXPECT_THAT(shares_.Flush(), IsEmpty());
  EXPECT_EQ(shares_.Job(0).shares[0].list, list);
}

TEST_F(SharesTest, TheUnassignedAreAList) {
  Set(1, kNoMember);
  Set(2, kNoMember, {0});
  shares_.Flush();
  ASSERT_NE(shares_.Job(0).unassigned, nullptr);
  EXPECT_EQ(shares_.Job(0).unassigned->size(), 2u);
  EXPECT_EQ(ListOf(0)->targets.size(), 1u);
  EXPECT_EQ(shares_.Job(0).assigned, 0u);
  Set(1, 1);
  Set(2, 1);
  shares_.Flush();
  EXPECT_EQ(shares_.Job(0).unassigned, nullptr);
  EXPECT_EQ(ListOf(0), nullptr);
}

// Against a plain map, with digests from scratch.
TEST_F(SharesTest, ListsFollowEveryEdit) {
  struct State {
    MemberId owner;
    std::vector<MemberId> earlier;
    std::string note;
  };
  std::mt19937 random(37);
  std::map<Slot, State> expected;
  for (int step = 0; step < 5'000; ++step) {
    const Slot slot = random() % 60;
    if (random() % 5 == 0) {
      if (expected.erase(slot) > 0) shares_.Remove(slot, 0, TargetAt(slot)->id);
    } else {
      State state{random() % 5 == 0 ? kNoMember : MemberId(random() % 4),
                  {},
                  std::to_string(random() % 3)};
      for (MemberId member = 0; member < 4; ++member) {
        if (member != state.owner && random() % 4 == 0) {
          state.earlier.push_back(member);
        }
      }
      Set(slot, state.owner, state.earlier, state.note);
      expected[slot] = state;
    }
    if (random() % 10 != 0) continue;
    shares_.Flush();
    Shares fresh;
    for (MemberId member = 0; member < 4; ++member) {
      fresh.Introduce(member, "c" + std::to_string(member));
    }
    for (const auto& [each, state] : expected) {
      fresh.Set(each, 0, TargetAt(each, state.note), state.owner, kReason, 1,
                state.earlier);
    }
    fresh.Flush();
    ASSERT_EQ(shares_.digest(), fresh.digest());
    const auto& left = shares_.Job(0);
    const auto& right = fresh.Job(0);
    ASSERT_EQ(left.assigned, right.assigned);
    ASSERT_EQ(left.shares.size(), right.shares.size());
    for (std::size_t i = 0; i < left.shares.size(); ++i) {
      const TargetList& one = *left.shares[i].list;
      const TargetList& two = *right.shares[i].list;
      ASSERT_EQ(left.shares[i].member, right.shares[i].member);
      ASSERT_EQ(one.digest, two.digest);
      ASSERT_EQ(one.owned, two.owned);
      ASSERT_EQ(one.targets.size(), two.targets.size());
      for (std::size_t t = 0; t < one.targets.size(); ++t) {
        ASSERT_EQ(one.targets[t].target->id, two.targets[t].target->id);
        ASSERT_EQ(one.targets[t].owned, two.targets[t].owned);
      }
    }
  }
}

TEST_F(SharesTest, JobsAreApart) {
  shares_.Set(1, 0, TargetAt(1), 0, kReason, 1, {});
  shares_.Set(2, 7, TargetAt(2), 0, kReason, 1, {});
  EXPECT_THAT(shares_.Flush(), ElementsAre(0, 7));
  EXPECT_EQ(shares_.Owned(0), 2u);
  shares_.Remove(2, 7, TargetAt(2)->id);
  EXPECT_THAT(shares_.Flush(), ElementsAre(7));
  shares_.RemoveJob(7);
  EXPECT_THAT(shares_.Job(7).shares, IsEmpty());
  EXPECT_EQ(shares_.Owned(0), 1u);
}

}  // namespace
}  // namespace ta
