#include "hashing/bounded_matching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test/support/inputs.h"

namespace ta {
namespace {

using Member = BoundedMatching::Member;
using Move = BoundedMatching::Move;
constexpr auto kNone = BoundedMatching::kNone;

// Handles are 0 to count - 1, for "collector-0" onward.
std::vector<Member> Members(int count) {
  std::vector<Member> members;
  for (const auto& name : test::Collectors(count)) {
    members.push_back({static_cast<std::uint32_t>(members.size()), name});
  }
  return members;
}

std::vector<BoundedMatching::Addition> Items(int count,
                                             std::uint64_t seed = 1) {
  std::vector<BoundedMatching::Addition> items;
  for (const auto key : test::Keys(count, seed)) {
    const auto item = static_cast<std::uint32_t>(items.size());
    items.push_back({item, key, Hash128(std::to_string(key))});
  }
  return items;
}

BoundedMatching Build(std::vector<Member> members,
                      const std::vector<BoundedMatching::Addition>& items,
                      int ratio = BoundedMatching::kLoadRatioThousandths) {
  BoundedMatching matching(ratio, 100);
  matching.SetMembers(std::move(members));
  matching.Apply({}, items);
  return matching;
}

std::vector<std::uint32_t> Owners(const BoundedMatching& matching) {
  std::vector<std::uint32_t> owners;
  for (std::uint32_t i = 0; i < matching.size(); ++i) {
    owners.push_back(matching.Owner(i));
  }
  return owners;
}

// A ratio that lets one member own everything.
int Unbounded(int members) { return members * 1000; }

TEST(BoundedMatchingTest, WithoutMembersNothingIsOwned) {
  BoundedMatching matching;
  EXPECT_THAT(matching.Apply({}, Items(5)), testing::IsEmpty());
  EXPECT_EQ(matching.size(), 5u);
  EXPECT_THAT(Owners(matching), testing::Each(kNone));
  EXPECT_THAT(matching.Explain(0, 10), testing::IsEmpty());
}

TEST(BoundedMatchingTest, ItemsThatWaitedForMembersMoveFromNowhere) {
  BoundedMatching matching;
  matching.Apply({}, Items(2));
  EXPECT_THAT(matching.SetMembers({{7, "a"}}),
              testing::ElementsAre(Move{0, kNone, 7}, Move{1, kNone, 7}));
}

TEST(BoundedMatchingTest, LosingAllMembersMovesEverythingToNowhere) {
  auto matching = Build(Members(3), Items(2));
  const auto owners = Owners(matching);
  EXPECT_THAT(matching.SetMembers({}),
              testing::ElementsAre(Move{0, owners[0], kNone},
                                   Move{1, owners[1], kNone}));
  EXPECT_EQ(matching.size(), 2u);
  matching.Apply({{0}}, {});
  EXPECT_EQ(matching.size(), 1u);
  EXPECT_EQ(matching.SetMembers(Members(3)).size(), 1u);
}

TEST(BoundedMatchingTest, OneMemberOwnsEverything) {
  auto matching = Build({{3, "only"}}, Items(500));
  EXPECT_THAT(Owners(matching), testing::Each(3u));
  EXPECT_EQ(matching.Load(3), 500u);
  EXPECT_EQ(matching.Capacity(3), 525u);
}

TEST(BoundedMatchingTest, FewerItemsThanMembersAreAtDifferentMembers) {
  const auto matching = Build(Members(30), Items(20), 1000);
  auto owners = Owners(matching);
  std::sort(owners.begin(), owners.end());
  EXPECT_EQ(std::unique(owners.begin(), owners.end()), owners.end());
  EXPECT_THAT(owners, testing::Each(testing::Lt(30u)));
}

TEST(BoundedMatchingTest, NoMemberIsAboveTheBoundAndNoItemLeftOut) {
  for (const int members : {1, 2, 7, 10, 33}) {
    for (const int items : {1, 5, 99, 1'000, 3'000}) {
      const auto matching = Build(Members(members), Items(items));
      const auto bound = (items * 1050 + members * 1000 - 1) / (members * 1000);
      std::size_t owned = 0;
      for (int member = 0; member < members; ++member) {
        EXPECT_LE(matching.Load(member), static_cast<std::size_t>(bound))
            << items << " items, " << members << " members";
        owned += matching.Load(member);
      }
      EXPECT_EQ(owned, static_cast<std::size_t>(items));
    }
  }
}

TEST(BoundedMatchingTest, WithoutABoundTheRingDecides) {
  const auto items = Items(2'000);
  const auto matching = Build(Members(10), items, Unbounded(10));
  const Ring ring(test::Collectors(10), 100);
  for (const auto& item : items) {
    EXPECT_EQ("collector-" + std::to_string(matching.Owner(item.item)),
              ring.Owner(item.key));
  }
}

TEST(BoundedMatchingTest, WithoutABoundALeaverMovesOnlyItsOwnItems) {
  auto matching = Build(Members(10), Items(2'000), Unbounded(10));
  const auto owned = matching.Load(4);
  auto members = Members(10);
  members.erase(members.begin() + 4);
  const auto moves = matching.SetMembers(members);
  EXPECT_EQ(moves.size(), owned);
  EXPECT_THAT(moves, testing::Each(testing::Field(&Move::from, 4u)));
}

TEST(BoundedMatchingTest, WithoutABoundAJoinerOnlyTakes) {
  auto matching = Build(Members(10), Items(2'000), Unbounded(11));
  const auto moves = matching.SetMembers(Members(11));
  EXPECT_EQ(moves.size(), matching.Load(10));
  EXPECT_GT(moves.size(), 0u);
  EXPECT_THAT(moves, testing::Each(testing::Field(&Move::to, 10u)));
}

TEST(BoundedMatchingTest, WithoutABoundATargetMovesNoOther) {
  auto matching = Build(Members(10), Items(2'000), Unbounded(10));
  const BoundedMatching::Addition added{2'000, 12345, {1, 2}};
  EXPECT_EQ(matching.Apply({}, {{added}}).size(), 1u);
  EXPECT_THAT(matching.Apply({{17}}, {}), testing::IsEmpty());
}

// At 1.05 the leaver's items push others on: exactly those that from-scratch
// says, and all of the leaver's among them.
TEST(BoundedMatchingTest, AtTheBoundALeaveIsTheDifferenceOfTwoMatchings) {
  const auto items = Items(2'000);
  auto matching = Build(Members(10), items);
  const auto before = Owners(matching);
  auto members = Members(10);
  members.erase(members.begin() + 4);
  const auto moves = matching.SetMembers(members);
  const auto after = Owners(Build(members, items));
  EXPECT_EQ(Owners(matching), after);
  std::vector<Move> expected;
  for (std::uint32_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) expected.push_back({i, before[i], after[i]});
  }
  EXPECT_EQ(moves, expected);
  EXPECT_EQ(std::count(before.begin(), before.end(), 4u),
            std::count_if(moves.begin(), moves.end(),
                          [](const Move& move) { return move.from == 4; }));
}

TEST(BoundedMatchingTest, OrderOfItemsAndMembersDoesNotMatter) {
  auto items = Items(1'000);
  auto members = Members(12);
  const auto owners = Owners(Build(members, items));
  std::mt19937_64 random(5);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(items.begin(), items.end(), random);
    std::shuffle(members.begin(), members.end(), random);
    EXPECT_EQ(Owners(Build(members, items)), owners);
    // One by one as well, members last.
    BoundedMatching one_by_one(1050, 100);
    for (const auto& item : items) one_by_one.Apply({}, {{item}});
    one_by_one.SetMembers(members);
    EXPECT_EQ(Owners(one_by_one), owners);
    BoundedMatching members_first(1050, 100);
    members_first.SetMembers(members);
    for (const auto& item : items) members_first.Apply({}, {{item}});
    EXPECT_EQ(Owners(members_first), owners);
  }
}

TEST(BoundedMatchingTest, ItemNumbersAndHandlesDoNotMatter) {
  const auto items = Items(300);
  const auto plain = Build(Members(7), items);
  auto members = Members(7);
  for (auto& member : members) member.handle = 1'000 - 3 * member.handle;
  auto renumbered_items = items;
  for (auto& item : renumbered_items) item.item = 299 - item.item;
  const auto renumbered = Build(members, renumbered_items);
  for (std::uint32_t i = 0; i < 300; ++i) {
    EXPECT_EQ(renumbered.Owner(299 - i), 1'000 - 3 * plain.Owner(i));
  }
}

TEST(BoundedMatchingTest, ANumberMayBeUsedAgainInTheSameBatch) {
  auto items = Items(100);
  auto matching = Build(Members(5), items);
  items[42] = {42, 999, {5, 5}};
  const auto moves = matching.Apply({{42}}, {{items[42]}});
  EXPECT_THAT(moves, testing::Contains(Move{42, kNone, matching.Owner(42)}));
  EXPECT_EQ(Owners(matching), Owners(Build(Members(5), items)));
}

TEST(BoundedMatchingTest, TheSameMembersAgainMoveNothing) {
  auto matching = Build(Members(5), Items(100));
  auto members = Members(5);
  std::reverse(members.begin(), members.end());
  members.push_back({99, "collector-2"});  // a repeated name: the first counts
  EXPECT_THAT(matching.SetMembers(members), testing::IsEmpty());
}

TEST(BoundedMatchingTest, ANewHandleForANameMovesWhatItOwns) {
  auto matching = Build(Members(5), Items(100));
  const auto owned = matching.Load(3);
  auto members = Members(5);
  members[3].handle = 33;
  const auto moves = matching.SetMembers(members);
  EXPECT_EQ(moves.size(), owned);
  EXPECT_THAT(moves,
              testing::Each(testing::AllOf(testing::Field(&Move::from, 3u),
                                           testing::Field(&Move::to, 33u))));
}

TEST(BoundedMatchingTest, RatioTakesEffectAtOnce) {
  const auto items = Items(1'000);
  auto matching = Build(Members(10), items, Unbounded(10));
  EXPECT_GT(matching.SetRatio(1050).size(), 0u);
  EXPECT_EQ(Owners(matching), Owners(Build(Members(10), items, 1050)));
  EXPECT_THAT(matching.SetRatio(1050), testing::IsEmpty());
}

TEST(BoundedMatchingTest, ExplainWalksPastFullMembersToTheOwner) {
  const auto matching = Build(Members(8), Items(400), 1000);
  bool passed_someone = false;
  for (std::uint32_t item = 0; item < 400; ++item) {
    const auto candidates = matching.Explain(item, 100);
    ASSERT_EQ(candidates.size(), 8u);
    EXPECT_TRUE(std::is_sorted(
        candidates.begin(), candidates.end(),
        [](const auto& a, const auto& b) { return a.distance < b.distance; }));
    std::set<std::uint32_t> members;
    for (const auto& candidate : candidates) members.insert(candidate.member);
    EXPECT_EQ(members.size(), 8u);
    const auto owner = std::find_if(candidates.begin(), candidates.end(),
                                    [](const auto& c) { return c.owner; });
    ASSERT_NE(owner, candidates.end());
    EXPECT_EQ(owner->member, matching.Owner(item));
    for (auto before = candidates.begin(); before != owner; ++before) {
      EXPECT_EQ(before->load, before->capacity);
      passed_someone = true;
    }
  }
  EXPECT_TRUE(passed_someone);
  EXPECT_EQ(matching.Explain(0, 3).size(), 3u);
  EXPECT_THAT(matching.Explain(400, 3), testing::IsEmpty());
}

// Many targets behind one address have one key. Were each of them remembered by
// each member that rejected it, this would be some 5 million entries.
TEST(BoundedMatchingTest, EqualKeysCostNoMoreThanOthers) {
  auto items = Items(100'000);
  for (auto& item : items) item.key = 77;
  auto matching = Build(Members(100), items);
  EXPECT_LT(matching.bytes() - matching.ring_bytes(), 150u * items.size());
  for (std::uint32_t item = 0; item < 1'000; ++item) {
    matching.Apply({{item}}, {});
    matching.Apply({}, {{items[item]}});
  }
  EXPECT_EQ(Owners(matching), Owners(Build(Members(100), items)));
}

TEST(BoundedMatchingTest, LargeFleetAfterChurnIsTheOneBuiltAtOnce) {
  auto items = Items(20'000);
  auto matching = Build(Members(50), items);
  std::mt19937_64 random(11);
  for (int event = 0; event < 20'000; ++event) {
    const auto item = static_cast<std::uint32_t>(random() % items.size());
    items[item] = {item, random(), {random(), random()}};
    if (event % 2 == 0) {
      matching.Apply({{item}}, {});
      matching.Apply({}, {{items[item]}});
    } else {
      matching.Apply({{item}}, {{items[item]}});
    }
  }
  EXPECT_EQ(Owners(matching), Owners(Build(Members(50), items)));
}

}  // namespace
}  // namespace ta
