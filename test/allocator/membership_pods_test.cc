// Members that are pods, rule by rule; membership_pods_random_test.cc has what
// they do together.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/members_key.h"
#include "test/support/pods.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::PodOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using State = Membership::State;

class MembershipPodsTest : public ::testing::Test,
                           protected test::PodMembership {
 protected:
  bool IsMember(const std::string& name) const {
    return membership_.members().contains(name);
  }
};

TEST_F(MembershipPodsTest, APodIsAMemberWithItsNodeAndUid) {
  Observe({PodOf("a").On("n")}, 0);
  EXPECT_TRUE(membership_.known());
  EXPECT_EQ(Member("a").state, State::kLive);
  EXPECT_EQ(Member("a").node, "n");
  EXPECT_EQ(Member("a").uid, "uid-a");
  EXPECT_EQ(membership_.Deadline(), std::nullopt);
}

TEST_F(MembershipPodsTest, GraceOwnsTargetsAndThenDrains) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const auto live = membership_.live_version();
  Observe({PodOf("a"), PodOf("b").NotReady()}, 10);
  EXPECT_EQ(Member("b").state, State::kGrace);
  EXPECT_TRUE(Member("b").live());
  EXPECT_EQ(Member("b").changed, At(10));
  EXPECT_EQ(membership_.live_version(), live);
  EXPECT_EQ(membership_.Deadline(), At(40));
  EXPECT_THAT(membership_.Advance(At(40)), IsEmpty());
  EXPECT_EQ(Member("b").state, State::kDraining);
  EXPECT_EQ(Member("b").reason, "pod has not been ready for 30s");
  EXPECT_NE(membership_.live_version(), live);
  const MemberId id = Member("b").id;
  EXPECT_EQ(membership_.Deadline(), At(130)) << "silent then";
  Observe({PodOf("a"), PodOf("b")}, 50);
  EXPECT_EQ(Member("b").state, State::kLive);
  EXPECT_EQ(Member("b").id, id) << "the same process";
  EXPECT_EQ(Member("b").reason, "");
}

TEST_F(MembershipPodsTest, WhoWasNeverLiveIsNoMember) {
  Observe({PodOf("a").Phase("Pending"), PodOf("b").Deleted(),
           PodOf("c").Phase("Failed")},
          0);
  EXPECT_TRUE(membership_.known());
  EXPECT_THAT(membership_.members(), IsEmpty());
  EXPECT_THAT(membership_.left_out(),
              ElementsAre(Pair("a", "pod is Pending"),
                          Pair("b", "pod is being deleted"),
                          Pair("c", "pod is Failed")));
  const auto version = membership_.version();
  Observe({PodOf("a")}, 1);
  EXPECT_THAT(membership_.left_out(), IsEmpty());
  EXPECT_NE(membership_.version(), version);
}

TEST_F(MembershipPodsTest, APodThatIsToldToEndDrainsUntilItHasEnded) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const MemberId id = Member("b").id;
  EXPECT_THAT(Observe({PodOf("a"), PodOf("b").Deleted()}, 5), IsEmpty());
  EXPECT_EQ(Member("b").state, State::kDraining);
  EXPECT_EQ(Member("b").reason, "pod is being deleted");
  EXPECT_THAT(Observe({PodOf("a")}, 9, {"uid-b"}), ElementsAre(id));
  EXPECT_FALSE(IsMember("b"));
}

TEST_F(MembershipPodsTest, ToldToEndAndEndedMayComeAtOnce) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const MemberId id = Member("b").id;
  EXPECT_THAT(Observe({PodOf("a")}, 9, {"uid-b", "uid-c"}), ElementsAre(id));
  EXPECT_THAT(Observe({PodOf("a"), PodOf("b", "2")}, 10, {"uid-b"}), IsEmpty())
      << "said of the old one";
}

TEST_F(MembershipPodsTest, ADeselectedPodDrainsUntilItIsSilent) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const MemberId id = Member("b").id;
  EXPECT_THAT(Observe({PodOf("a")}, 5), IsEmpty());
  EXPECT_EQ(Member("b").state, State::kDraining);
  EXPECT_EQ(Member("b").reason, "no pod of this name is selected any more");
  Poll("b", 20);
  EXPECT_THAT(membership_.Advance(At(109)), IsEmpty());
  EXPECT_THAT(membership_.Advance(At(110)), ElementsAre(id));
  Observe({PodOf("a"), PodOf("b")}, 111);
  EXPECT_NE(Member("b").id, id);
}

TEST_F(MembershipPodsTest, SelectedAgainItIsTheSameProcess) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const MemberId id = Member("b").id;
  Observe({PodOf("a")}, 5);
  Observe({PodOf("a"), PodOf("b")}, 6);
  EXPECT_EQ(Member("b").id, id);
  EXPECT_EQ(Member("b").state, State::kLive);
}

TEST_F(MembershipPodsTest, AnotherUidIsAnotherMember) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  const MemberId id = Member("b").id;
  const auto live = membership_.live_version();
  Poll("b", 1);
  EXPECT_THAT(Observe({PodOf("a"), PodOf("b", "2")}, 5), ElementsAre(id));
  EXPECT_NE(Member("b").id, id);
  EXPECT_EQ(Member("b").state, State::kLive);
  EXPECT_NE(membership_.live_version(), live);
  const MemberId second = Member("b").id;
  EXPECT_THAT(Observe({PodOf("a"), PodOf("b", "3").Phase("Pending")}, 6),
              ElementsAre(second));
  EXPECT_FALSE(IsMember("b")) << "it has not started";
  EXPECT_THAT(membership_.Strangers(), IsEmpty()) << "the old one has ended";
}

TEST_F(MembershipPodsTest, WhoPollsRuns) {
  Observe({PodOf("a").Phase("Pending")}, 0);
  Poll("b", 1);
  EXPECT_FALSE(IsMember("a"));
  Poll("a", 2);
  EXPECT_EQ(Member("a").state, State::kGrace);
  EXPECT_EQ(Member("a").node, "");
  Observe({PodOf("a").On("n")}, 3);
  EXPECT_EQ(Member("a").state, State::kLive);
  EXPECT_EQ(Member("a").node, "n");
}

TEST_F(MembershipPodsTest, AnotherGraceTakesEffectAtOnce) {
  Observe({PodOf("a"), PodOf("b")}, 0);
  Observe({PodOf("a"), PodOf("b").NotReady()}, 0);
  membership_.SetNotReadyGrace(seconds(5), At(10));
  EXPECT_EQ(membership_.Deadline(), At(10));
  membership_.Advance(At(10));
  EXPECT_EQ(Member("b").state, State::kDraining);
  membership_.SetNotReadyGrace(Duration(0), At(11));
  membership_.Advance(At(11));
  EXPECT_EQ(Member("b").state, State::kLive);
  EXPECT_EQ(membership_.Deadline(), std::nullopt);
}

TEST_F(MembershipPodsTest, AnUnreachableServerChangesNothing) {
  Observe({PodOf("a"), PodOf("b").Deleted()}, 0);
  MembersUpdate problem;
  problem.source = MembersKey(config_);
  problem.complete = false;
  problem.problem = "connection refused";
  membership_.Observe(problem, At(1));
  membership_.Advance(At(10'000));
  EXPECT_EQ(Member("a").state, State::kLive);
  EXPECT_EQ(membership_.problem(), "connection refused");
}

// The current source spoke after the awaited one, and hid what is wrong with
// it.
TEST_F(MembershipPodsTest, TheAwaitedSourcesProblemIsTheOneToMend) {
  Observe({PodOf("a")}, 0);
  const auto say = [&](const MembersConfig& config, const char* problem,
                       bool complete) {
    MembersUpdate update;
    update.source = MembersKey(config);
    update.complete = complete;
    update.problem = problem;
    if (complete) update.members = {PodOf("a")};
    membership_.Observe(update, At(2));
    return membership_.problem();
  };
  const MembersConfig other = PodMembers{true, "y"};
  membership_.Configure(other, At(1));
  EXPECT_EQ(say(config_, "old", false), "old");
  EXPECT_EQ(say(other, "forbidden", false), "forbidden");
  EXPECT_EQ(say(config_, "older", false), "forbidden");
  EXPECT_EQ(say(config_, "", true), "forbidden");
  membership_.Configure(config_, At(3));
  EXPECT_EQ(membership_.problem(), "") << "back, and nothing is awaited";
  membership_.Configure(other, At(4));
  EXPECT_EQ(say(config_, "old", false), "old");
  EXPECT_EQ(say(other, "", true), "") << "it is the current one now";
  EXPECT_EQ(say(config_, "late", false), "");
}

TEST_F(MembershipPodsTest, AnotherSourceKeepsThoseThatItNamesToo) {
  Observe({PodOf("a"), PodOf("b"), PodOf("c")}, 0);
  const MemberId a = Member("a").id, b = Member("b").id, c = Member("c").id;
  config_ = PodMembers{true, "y"};
  membership_.Configure(config_, At(1));
  EXPECT_TRUE(membership_.known());
  EXPECT_THAT(Observe({PodOf("a"), PodOf("b", "2")}, 2), ElementsAre(b));
  EXPECT_EQ(Member("a").id, a);
  EXPECT_NE(Member("b").id, b);
  EXPECT_EQ(Member("c").state, State::kDraining);
  config_ = FileMembers{"f"};
  membership_.Configure(config_, At(3));
  Observe({{"a", "n"}, {"c", ""}}, 4);
  EXPECT_EQ(Member("a").id, a) << "a list doesn't know of processes";
  EXPECT_EQ(Member("a").uid, "");
  EXPECT_EQ(Member("c").id, c);
  EXPECT_THAT(membership_.left_out(), IsEmpty());
}

}  // namespace
}  // namespace ta
