#include "allocator/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/members_key.h"

namespace ta {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr TimePoint kStart{std::chrono::hours(1)};

MembersUpdate ListFor(const MembersConfig& config,
                      std::vector<MemberObservation> members) {
  MembersUpdate update;
  update.source = MembersKey(config);
  update.members = std::move(members);
  return update;
}

Poll PollOf(const std::string& collector, TimePoint at,
            seconds refresh = seconds(0)) {
  return {collector, "job", std::nullopt, refresh, at};
}

TEST(MembersKeyTest, TellsSourcesApart) {
  const StaticMembers ab{{{"a", ""}, {"b", ""}}};
  const StaticMembers a_on_b{{{"a", "b"}}};
  const StaticMembers a1b{{{"a1:b", ""}}};
  EXPECT_NE(MembersKey(ab), MembersKey(a_on_b));
  EXPECT_NE(MembersKey(ab), MembersKey(a1b));
  EXPECT_EQ(MembersKey(ab), MembersKey(ab));
  EXPECT_NE(MembersKey(FileMembers{"x"}), MembersKey(FileMembers{"y"}));
  EXPECT_NE(MembersKey(PollingMembers{seconds(1)}),
            MembersKey(PollingMembers{seconds(2)}));
  EXPECT_NE(MembersKey(PodMembers{true, "x"}),
            MembersKey(PodMembers{true, "y"}));
}

TEST(MembershipTest, NothingIsKnownAtFirst) {
  Membership membership;
  EXPECT_FALSE(membership.known());
  EXPECT_FALSE(membership.polling());
  EXPECT_EQ(membership.waiting_for(), "the list of collectors");
  EXPECT_EQ(membership.Deadline(), std::nullopt);
  EXPECT_THAT(membership.Advance(kStart), IsEmpty());
}

TEST(MembershipTest, AListIsTheMembers) {
  const MembersConfig config = FileMembers{"f"};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Observe(ListFor(config, {{"b", "n"}, {"a", ""}, {"b", "other"}}),
                     kStart);
  EXPECT_TRUE(membership.known());
  EXPECT_EQ(membership.waiting_for(), "");
  EXPECT_THAT(membership.members(), SizeIs(2));
  EXPECT_EQ(membership.members().find("b")->second.node, "n")
      << "the first of a name counts";
  const auto live = membership.live_version();
  membership.Observe(ListFor(config, {{"a", ""}, {"b", "n"}}), kStart);
  EXPECT_EQ(membership.live_version(), live);
  membership.Observe(ListFor(config, {{"a", ""}, {"b", "m"}}), kStart);
  EXPECT_NE(membership.live_version(), live) << "another node";
}

TEST(MembershipTest, AnExcludedMemberDrainsUntilItIsSilent) {
  const MembersConfig config = FileMembers{"f"};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Observe(ListFor(config, {{"a", ""}, {"b", ""}}), kStart);
  membership.Advance(kStart);
  EXPECT_EQ(membership.Deadline(), std::nullopt) << "a list has no deadline";
  const MemberId id = membership.members().find("b")->second.id;
  membership.Observe(ListFor(config, {{"a", ""}}), kStart + seconds(1000));
  EXPECT_THAT(membership.Advance(kStart + seconds(1000)), IsEmpty());
  EXPECT_FALSE(membership.members().find("b")->second.live());
  EXPECT_EQ(membership.Deadline(), kStart + seconds(1090));
  membership.Polled(PollOf("b", kStart + seconds(1050), seconds(60)));
  EXPECT_THAT(membership.Advance(kStart + seconds(1090)), IsEmpty());
  EXPECT_EQ(membership.Deadline(), kStart + seconds(1180)) << "2 · 60 + 10";
  EXPECT_THAT(membership.Advance(kStart + seconds(1180)), ElementsAre(id));
  EXPECT_THAT(membership.members(), SizeIs(1));
  EXPECT_THAT(membership.Advance(kStart + seconds(1180)), IsEmpty());
}

TEST(MembershipTest, StrangersAreBounded) {
  const MembersConfig config = FileMembers{"f"};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Observe(ListFor(config, {{"member", ""}}), kStart);
  for (int i = 0; i < 5'000; ++i) {
    membership.Polled(PollOf("stranger-" + std::to_string(i), kStart));
  }
  EXPECT_THAT(membership.Strangers(), SizeIs(Membership::kMostStrangers));
  membership.Polled(PollOf("member", kStart + seconds(50), seconds(77)));
  EXPECT_EQ(membership.largest_refresh_interval(), seconds(77))
      << "a member always counts";
  const auto version = membership.strangers_version();
  membership.Advance(kStart + seconds(90));
  EXPECT_THAT(membership.Strangers(), IsEmpty());
  EXPECT_NE(membership.strangers_version(), version);
}

TEST(MembershipTest, PollingMembersAreBounded) {
  const MembersConfig config = PollingMembers{seconds(90)};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Advance(kStart + seconds(90));
  for (int i = 0; i < 12'000; ++i) {
    membership.Polled(PollOf("c" + std::to_string(i), kStart + seconds(91)));
  }
  EXPECT_THAT(membership.members(), SizeIs(Membership::kMostPollingMembers));
}

TEST(MembershipTest, ARidiculousRefreshIntervalIsClamped) {
  const MembersConfig config = FileMembers{"f"};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Observe(ListFor(config, {{"a", ""}, {"b", ""}}), kStart);
  membership.Polled(PollOf("a", kStart, std::chrono::hours(100'000)));
  EXPECT_EQ(membership.largest_refresh_interval(), std::chrono::hours(24));
  membership.Polled(PollOf("b", kStart, seconds(-5)));
  EXPECT_EQ(membership.largest_refresh_interval(), std::chrono::hours(24));
}

// Anybody could hold every hand-over open for the life of the process.
TEST(MembershipTest, OnlyMembersRefreshIntervalsCountAndOnlyWhileTheyAre) {
  const MembersConfig config = FileMembers{"f"};
  Membership membership;
  membership.Configure(config, kStart);
  membership.Observe(ListFor(config, {{"a", ""}, {"b", ""}}), kStart);
  membership.Polled(PollOf("stranger", kStart, seconds(500)));
  EXPECT_EQ(membership.largest_refresh_interval(), seconds(0));
  membership.Polled(PollOf("a", kStart, seconds(30)));
  membership.Polled(PollOf("b", kStart, seconds(300)));
  EXPECT_EQ(membership.largest_refresh_interval(), seconds(300));
  membership.Observe(ListFor(config, {{"a", ""}}), kStart + seconds(1));
  EXPECT_THAT(membership.Advance(kStart + std::chrono::hours(1)), SizeIs(1));
  EXPECT_EQ(membership.largest_refresh_interval(), seconds(30));
}

TEST(MembershipTest, WhoAsksWhilePollsAreCollectedIsNoStranger) {
  Membership membership;
  membership.Configure(PollingMembers{seconds(90)}, kStart);
  membership.Polled(PollOf("a", kStart));
  EXPECT_THAT(membership.Strangers(), IsEmpty());
  membership.Advance(kStart + seconds(90));
  EXPECT_THAT(membership.Strangers(), IsEmpty());
  membership.Configure(FileMembers{"f"}, kStart + seconds(91));
  membership.Polled(PollOf("b", kStart + seconds(92)));
  EXPECT_THAT(membership.members(), SizeIs(1)) << "still polling";
}

TEST(MembershipTest, RememberedNamesDoNotInterruptARunningSource) {
  const MembersConfig list = FileMembers{"f"};
  Membership membership;
  membership.Configure(list, kStart);
  membership.Observe(ListFor(list, {{"a", ""}}), kStart);
  membership.Configure(PollingMembers{seconds(90)}, kStart);
  const std::vector<std::string> names = {"x"};
  membership.Remember(names, kStart);
  membership.Advance(kStart);
  EXPECT_TRUE(membership.members().contains("a"));
  EXPECT_FALSE(membership.members().contains("x"));
}

TEST(MembershipTest, ADeadlineIsAlwaysAhead) {
  const MembersConfig list = FileMembers{"f"};
  const MembersConfig polling = PollingMembers{seconds(60)};
  Membership membership;
  membership.Configure(list, kStart);
  TimePoint now = kStart;
  std::uint32_t random = 1;
  for (int step = 0; step < 20'000; ++step) {
    random = random * 1664525 + 1013904223;
    const std::string name = "c" + std::to_string(random >> 28);
    switch ((random >> 20) % 8) {
      case 0:
        membership.Configure((random >> 12) % 2 ? list : polling, now);
        break;
      case 1:
        membership.Observe(ListFor(list, {{name, ""}, {"c1", ""}}), now);
        break;
      case 2:
      case 3:
        now += seconds((random >> 8) % 40);
        break;
      default:
        membership.Polled(PollOf(name, now - seconds((random >> 8) % 3),
                                 seconds((random >> 10) % 90)));
    }
    membership.Advance(now);
    if (const auto deadline = membership.Deadline()) {
      ASSERT_GT(*deadline, now) << step;
    }
    for (const auto& [each, member] : membership.members()) {
      ASSERT_EQ(each, member.name);
      ASSERT_EQ(member.live(), member.reason.empty());
    }
  }
}

}  // namespace
}  // namespace ta
