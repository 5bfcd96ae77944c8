#include "allocator/hand_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ta {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr MemberId kA = 0, kB = 1, kC = 2;
constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr auto kNoRefresh = std::chrono::milliseconds(0);

HandOver::Move MoveOf(Slot slot, MemberId from, MemberId to,
                      std::uint64_t given, std::uint64_t generation) {
  return {slot, 0, from, to, given, generation, seconds(30)};
}

std::vector<MemberId> EarlierOf(const HandOver& hand_over, Slot slot) {
  const auto earlier = hand_over.Earlier(slot);
  return {earlier.begin(), earlier.end()};
}

TEST(HandOverTest, WhatWasSentIsKnownByGeneration) {
  HandOver hand_over;
  EXPECT_FALSE(hand_over.WasSent(kA, 0, 1));
  hand_over.Sent(kA, 3, 7, kStart);
  EXPECT_TRUE(hand_over.WasSent(kA, 3, 7));
  EXPECT_TRUE(hand_over.WasSent(kA, 3, 6));
  EXPECT_FALSE(hand_over.WasSent(kA, 3, 8));
  EXPECT_FALSE(hand_over.WasSent(kA, 2, 1));
  EXPECT_FALSE(hand_over.WasSent(kB, 3, 1));
  hand_over.Sent(kA, 3, 5, kStart);  // an answer that came late
  EXPECT_TRUE(hand_over.WasSent(kA, 3, 7));
  hand_over.Gone(kA);
  EXPECT_FALSE(hand_over.WasSent(kA, 3, 1));
}

TEST(HandOverTest, SettleCountsFromWhenItWasSent) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Moved(MoveOf(5, kA, kB, 1, 2), true, kStart);
  EXPECT_THAT(EarlierOf(hand_over, 5), ElementsAre(kA));
  EXPECT_EQ(hand_over.Deadline(), kStart + minutes(2));
  hand_over.Sent(kB, 0, 1, kStart + seconds(5));
  EXPECT_EQ(hand_over.Deadline(), kStart + minutes(2)) << "an older generation";
  hand_over.Sent(kB, 0, 2, kStart + seconds(9));
  EXPECT_EQ(hand_over.Deadline(), kStart + seconds(49));
  hand_over.Sent(kB, 0, 3, kStart + seconds(20));
  EXPECT_EQ(hand_over.Deadline(), kStart + seconds(49)) << "the first counts";
  EXPECT_THAT(hand_over.Advance(kStart + seconds(48), kNoRefresh, {}),
              IsEmpty());
  const auto ended = hand_over.Advance(kStart + seconds(49), kNoRefresh, {});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].slot, 5u);
  EXPECT_EQ(ended[0].lasted, seconds(49));
  EXPECT_FALSE(ended[0].timed_out);
  EXPECT_FALSE(ended[0].still_open);
  EXPECT_EQ(hand_over.open(), 0u);
  EXPECT_EQ(hand_over.HandingOver(kA), 0u);
  EXPECT_EQ(hand_over.Deadline(), std::nullopt);
}

TEST(HandOverTest, NobodyWhoWasNotSentItIsAnEarlierOwner) {
  HandOver hand_over;
  hand_over.Moved(MoveOf(5, kA, kB, 1, 2), true, kStart);
  EXPECT_EQ(hand_over.open(), 0u);
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Moved(MoveOf(5, kA, kB, 1, 2), false, kStart);
  EXPECT_EQ(hand_over.open(), 0u) << "it is gone";
  hand_over.Moved(MoveOf(5, kNoMember, kB, 0, 2), true, kStart);
  EXPECT_EQ(hand_over.open(), 0u);
}

TEST(HandOverTest, TheLimitFollowsTheLargestRefreshInterval) {
  struct Case {
    seconds refresh;
    seconds limit;
  };
  for (const auto& [refresh, limit] :
       {Case{seconds(0), seconds(120)}, Case{seconds(30), seconds(120)},
        Case{seconds(60), seconds(160)}, Case{seconds(300), seconds(640)},
        Case{seconds(3000), seconds(640)}}) {
    HandOver hand_over;
    hand_over.Sent(kA, 0, 1, kStart);
    hand_over.Advance(kStart, refresh, {});
    hand_over.Moved(MoveOf(5, kA, kB, 1, 2), true, kStart);
    EXPECT_EQ(hand_over.Deadline(), kStart + limit) << refresh.count();
    const auto ended = hand_over.Advance(kStart + limit, refresh, {});
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_TRUE(ended[0].timed_out);
  }
}

TEST(HandOverTest, ALongerRefreshIntervalProlongsWhatIsOpen) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Moved(MoveOf(5, kA, kB, 1, 2), true, kStart);
  EXPECT_THAT(hand_over.Advance(kStart + minutes(2), seconds(300), {}),
              IsEmpty());
  EXPECT_EQ(hand_over.Deadline(), kStart + seconds(640));
}

TEST(HandOverTest, WithoutAnOwnerDrainingMembersGoOnAndOthersStop) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Sent(kB, 0, 2, kStart);
  hand_over.Moved(MoveOf(5, kA, kB, 1, 2), true, kStart);
  hand_over.Moved(MoveOf(5, kB, kNoMember, 2, 3), true, kStart);
  EXPECT_THAT(EarlierOf(hand_over, 5), ElementsAre(kA, kB));
  auto step = hand_over.Advance(kStart + minutes(2), kNoRefresh, {kA});
  ASSERT_EQ(step.size(), 1u);
  EXPECT_TRUE(step[0].still_open);
  EXPECT_THAT(EarlierOf(hand_over, 5), ElementsAre(kA));
  EXPECT_EQ(hand_over.HandingOver(kB), 0u);
  EXPECT_GT(hand_over.Deadline(), kStart + minutes(2));
  hand_over.Advance(kStart + minutes(60), kNoRefresh, {kA});
  EXPECT_THAT(EarlierOf(hand_over, 5), ElementsAre(kA));
  // The clock starts when there is an owner.
  hand_over.Moved(MoveOf(5, kNoMember, kC, 3, 9), false, kStart + minutes(61));
  EXPECT_EQ(hand_over.Deadline(), kStart + minutes(63));
  hand_over.Sent(kC, 0, 9, kStart + minutes(62));
  EXPECT_EQ(hand_over.Deadline(), kStart + minutes(62) + seconds(40));
}

TEST(HandOverTest, GoneMembersAreNobodysEarlierOwners) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Sent(kB, 0, 2, kStart);
  hand_over.Moved(MoveOf(1, kA, kC, 1, 2), true, kStart);
  hand_over.Moved(MoveOf(2, kA, kB, 1, 2), true, kStart);
  hand_over.Moved(MoveOf(2, kB, kC, 2, 3), true, kStart);
  hand_over.Moved(MoveOf(3, kB, kC, 2, 3), true, kStart);
  EXPECT_EQ(hand_over.HandingOver(kA), 2u);
  EXPECT_THAT(hand_over.Gone(kA), ElementsAre(1, 2));
  EXPECT_THAT(EarlierOf(hand_over, 1), IsEmpty());
  EXPECT_THAT(EarlierOf(hand_over, 2), ElementsAre(kB));
  EXPECT_EQ(hand_over.open(), 2u);
  EXPECT_EQ(hand_over.HandingOver(kB), 2u);
}

TEST(HandOverTest, ContinuesUnderAnotherSlot) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Moved(MoveOf(1, kA, kB, 1, 2), true, kStart);
  hand_over.Continue(1, 9);
  hand_over.Removed(1);
  EXPECT_THAT(EarlierOf(hand_over, 1), IsEmpty());
  EXPECT_THAT(EarlierOf(hand_over, 9), ElementsAre(kA));
  hand_over.Sent(kB, 0, 2, kStart + seconds(1));
  const auto ended = hand_over.Advance(kStart + seconds(41), kNoRefresh, {});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].slot, 9u);
  hand_over.Continue(9, 10);  // nothing is open
}

TEST(HandOverTest, SwitchedOffItEndsAtTheNextAdvance) {
  HandOver hand_over;
  hand_over.Sent(kA, 0, 1, kStart);
  hand_over.Moved(MoveOf(1, kA, kB, 1, 2), true, kStart);
  hand_over.Configure({false, minutes(2)});
  hand_over.Moved(MoveOf(2, kA, kB, 1, 2), true, kStart);
  const auto ended = hand_over.Advance(kStart, kNoRefresh, {});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].timed_out);
  EXPECT_EQ(hand_over.open(), 0u);
}

// Whatever happens, what is counted is what is there, and a deadline is ahead.
TEST(HandOverTest, CountsStayRightThroughAnything) {
  std::mt19937 random(23);
  HandOver hand_over;
  std::map<Slot, MemberId> owners;
  TimePoint now = kStart;
  std::uint64_t generation = 1;
  for (int step = 0; step < 20'000; ++step) {
    const Slot slot = random() % 20;
    const MemberId member = random() % 6;
    switch (random() % 6) {
      case 0:
        hand_over.Sent(member, 0, generation - random() % 2, now);
        break;
      case 1:
        hand_over.Removed(slot);
        owners.erase(slot);
        break;
      case 2:
        if (random() % 20 == 0) hand_over.Gone(member);
        break;
      case 3:
        now += seconds(random() % 30);
        break;
      default: {
        const MemberId to = random() % 8 == 0 ? kNoMember : member;
        const auto was = owners.try_emplace(slot, kNoMember).first;
        if (was->second == to) break;
        hand_over.Moved(MoveOf(slot, was->second, to, generation, generation),
                        true, now);
        was->second = to;
        ++generation;
      }
    }
    hand_over.Advance(now, kNoRefresh, {2, 3});
    if (hand_over.Deadline()) {
      ASSERT_GT(*hand_over.Deadline(), now);
    }
    std::size_t open = 0;
    std::map<MemberId, std::size_t> handing_over;
    for (Slot each = 0; each < 20; ++each) {
      const auto earlier = EarlierOf(hand_over, each);
      open += !earlier.empty();
      ASSERT_TRUE(std::ranges::is_sorted(earlier));
      for (const MemberId one : earlier) {
        ++handing_over[one];
        ASSERT_TRUE(hand_over.IsEarlier(each, one));
        ASSERT_NE(one, owners.at(each)) << "owner and earlier owner";
      }
    }
    ASSERT_EQ(hand_over.open(), open);
    for (MemberId each = 0; each < 6; ++each) {
      ASSERT_EQ(hand_over.HandingOver(each), handing_over[each]);
    }
  }
}

}  // namespace
}  // namespace ta
