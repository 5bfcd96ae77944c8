#include "allocator/member_pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "test/support/pods.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::PodOf;
using Verdict = MemberPods::Verdict;
using List = std::vector<MemberObservation>;

constexpr TimePoint kStart{std::chrono::hours(1)};
TimePoint At(int second) { return kStart + seconds(second); }

class MemberPodsTest : public ::testing::Test {
 protected:
  void First(const List& list, int second = 0) {
    pods_.Replace(list, true, At(second));
  }
  void Then(const List& list, int second) {
    pods_.Replace(list, false, At(second));
  }
  MemberPods::Judgement Judge(const std::string& name, int second) const {
    return pods_.Judge(pods_.pods().at(name), At(second));
  }
  Verdict VerdictOf(const std::string& name, int second) const {
    return Judge(name, second).verdict;
  }
  MemberPods pods_;
};

TEST_F(MemberPodsTest, JudgesByPhaseDeletionAndReadiness) {
  struct Case {
    MemberObservation seen;
    Verdict verdict;
    std::string reason;
  };
  const Case cases[] = {
      {PodOf("a"), Verdict::kLive, ""},
      {PodOf("a").NotReady(), Verdict::kGrace, "pod is not ready"},
      {PodOf("a").NotReady(seconds(29)), Verdict::kGrace, "pod is not ready"},
      {PodOf("a").NotReady(seconds(30)), Verdict::kExcluded,
       "pod has not been ready for 30s"},
      {PodOf("a").NotReady(seconds(-100)), Verdict::kGrace, "pod is not ready"},
      {PodOf("a").NotReady(seconds(1'000'000'000)), Verdict::kExcluded,
       "pod has not been ready for 30s"},
      {PodOf("a").Phase("Pending"), Verdict::kExcluded, "pod is Pending"},
      {PodOf("a").Phase("Failed"), Verdict::kExcluded, "pod is Failed"},
      {PodOf("a").Phase("Succeeded"), Verdict::kExcluded, "pod is Succeeded"},
      {PodOf("a").Phase("Unknown"), Verdict::kExcluded, "pod is Unknown"},
      {PodOf("a").Phase(""), Verdict::kExcluded, "pod has not started"},
      {PodOf("a").Deleted(), Verdict::kExcluded, "pod is being deleted"},
      {PodOf("a").NotReady().Deleted(), Verdict::kExcluded,
       "pod is being deleted"},
      {PodOf("a").Phase("Pending").Deleted(), Verdict::kExcluded,
       "pod is being deleted"},
  };
  for (const Case& each : cases) {
    pods_ = MemberPods();
    First({each.seen, PodOf("another")});
    EXPECT_EQ(VerdictOf("a", 0), each.verdict) << each.reason;
    EXPECT_EQ(Judge("a", 0).reason, each.reason);
  }
}

TEST_F(MemberPodsTest, GraceEndsAtItsSecond) {
  First({PodOf("a"), PodOf("b")});
  EXPECT_EQ(pods_.Deadline(At(0)), TimePoint::max());
  Then({PodOf("a"), PodOf("b").NotReady(seconds(1'000))}, 100);
  EXPECT_EQ(VerdictOf("b", 100), Verdict::kGrace) << "our clock, not its own";
  EXPECT_EQ(pods_.Deadline(At(100)), At(130));
  EXPECT_EQ(
      pods_.Judge(pods_.pods().at("b"), At(130) - std::chrono::nanoseconds(1))
          .verdict,
      Verdict::kGrace);
  EXPECT_EQ(VerdictOf("b", 130), Verdict::kExcluded);
  EXPECT_EQ(pods_.Deadline(At(130)), TimePoint::max());
  Then({PodOf("a"), PodOf("b")}, 140);
  EXPECT_EQ(VerdictOf("b", 140), Verdict::kLive);
  Then({PodOf("a"), PodOf("b").NotReady()}, 141);
  EXPECT_EQ(VerdictOf("b", 170), Verdict::kGrace) << "counts from anew";
}

// They become ready only once we answer: after a start of ours that took long,
// all of them must not be excluded for it.
TEST_F(MemberPodsTest, TheClockStandsWhileNobodyIsReady) {
  First({PodOf("a").NotReady(seconds(500)), PodOf("b").NotReady(seconds(9))});
  EXPECT_EQ(pods_.Deadline(At(0)), TimePoint::max());
  EXPECT_EQ(VerdictOf("a", 1'000), Verdict::kGrace);
  Then({PodOf("a"), PodOf("b").NotReady()}, 1'000);
  EXPECT_EQ(VerdictOf("b", 1'029), Verdict::kGrace);
  EXPECT_EQ(pods_.Deadline(At(1'000)), At(1'030));
  Then({PodOf("a").NotReady(), PodOf("b").NotReady()}, 1'020);
  EXPECT_EQ(pods_.Deadline(At(1'020)), TimePoint::max());
  EXPECT_EQ(VerdictOf("b", 5'000), Verdict::kGrace) << "20 s have counted";
  Then({PodOf("a"), PodOf("b").NotReady()}, 5'000);
  EXPECT_EQ(pods_.Deadline(At(5'000)), At(5'010));
  EXPECT_EQ(VerdictOf("b", 5'010), Verdict::kExcluded);
}

// What is on its way out is no proof that the others could be ready.
TEST_F(MemberPodsTest, APodThatEndsKeepsNoClockRunning) {
  First({PodOf("a").Deleted(), PodOf("b").NotReady(seconds(500))});
  EXPECT_EQ(VerdictOf("b", 100), Verdict::kGrace);
}

TEST_F(MemberPodsTest, ItsOwnAccountCountsAtTheFirstListOnly) {
  First({PodOf("a"), PodOf("b").NotReady(seconds(20))});
  EXPECT_EQ(pods_.Deadline(At(0)), At(10));
  Then({PodOf("a"), PodOf("c").NotReady(seconds(20))}, 5);
  EXPECT_EQ(VerdictOf("c", 34), Verdict::kGrace);
  // Another source names it again: the clock goes on.
  First({PodOf("a"), PodOf("c").NotReady(seconds(29))}, 10);
  EXPECT_EQ(pods_.Deadline(At(10)), At(35));
}

TEST_F(MemberPodsTest, AStartedPodIsNotReadyFromThenOn) {
  First({PodOf("a"), PodOf("b").Phase("Pending")});
  EXPECT_EQ(pods_.Deadline(At(0)), TimePoint::max());
  Then({PodOf("a"), PodOf("b").NotReady()}, 500);
  EXPECT_EQ(pods_.Deadline(At(500)), At(530));
}

TEST_F(MemberPodsTest, WhoPollsRuns) {
  First({PodOf("a"), PodOf("b").Phase("Pending"), PodOf("c").Phase("Failed"),
         PodOf("d").Phase("Pending").Deleted()},
        10);
  EXPECT_FALSE(pods_.Polled("nobody", At(11)));
  EXPECT_FALSE(pods_.Polled("b", At(9))) << "another of its name";
  EXPECT_EQ(VerdictOf("b", 11), Verdict::kExcluded);
  EXPECT_TRUE(pods_.Polled("b", At(11)));
  EXPECT_FALSE(pods_.Polled("b", At(12)));
  EXPECT_EQ(VerdictOf("b", 12), Verdict::kGrace);
  EXPECT_EQ(pods_.Deadline(At(12)), At(41)) << "from when it polled";
  EXPECT_FALSE(pods_.Polled("c", At(11)));
  EXPECT_EQ(VerdictOf("c", 12), Verdict::kExcluded);
  EXPECT_FALSE(pods_.Polled("d", At(11)));
  EXPECT_EQ(VerdictOf("d", 12), Verdict::kExcluded);
  // Until its status says that it has ended, or it is another pod.
  Then({PodOf("a"), PodOf("b").Phase("Pending")}, 15);
  EXPECT_EQ(VerdictOf("b", 15), Verdict::kGrace);
  Then({PodOf("a"), PodOf("b", "new").Phase("Pending")}, 16);
  EXPECT_EQ(VerdictOf("b", 16), Verdict::kExcluded);
}

TEST_F(MemberPodsTest, GraceOfZeroSwitchesReadinessOff) {
  pods_.SetGrace(Duration(0));
  First({PodOf("a"), PodOf("b").NotReady(seconds(500))});
  EXPECT_EQ(VerdictOf("b", 1'000), Verdict::kLive);
  EXPECT_EQ(pods_.Deadline(At(0)), TimePoint::max());
  pods_.SetGrace(seconds(30));
  EXPECT_EQ(VerdictOf("b", 29), Verdict::kGrace) << "counted all the while";
  EXPECT_EQ(VerdictOf("b", 30), Verdict::kExcluded);
}

TEST_F(MemberPodsTest, AnotherGraceTakesEffectAtOnce) {
  First({PodOf("a"), PodOf("b")});
  Then({PodOf("a"), PodOf("b").NotReady()}, 0);
  EXPECT_EQ(VerdictOf("b", 40), Verdict::kExcluded);
  pods_.SetGrace(seconds(60));
  EXPECT_EQ(VerdictOf("b", 40), Verdict::kGrace);
  EXPECT_EQ(pods_.Deadline(At(40)), At(60));
  pods_.SetGrace(seconds(5));
  EXPECT_EQ(VerdictOf("b", 40), Verdict::kExcluded);
  EXPECT_EQ(Judge("b", 40).reason, "pod has not been ready for 5s");
}

TEST_F(MemberPodsTest, TheFirstOfANameCounts) {
  First({PodOf("a", "1").On("n"), PodOf("a", "2").On("m"), {"b", "n"}});
  ASSERT_EQ(pods_.pods().size(), 1u);
  EXPECT_EQ(pods_.pods().at("a").node, "n");
}

}  // namespace
}  // namespace ta
