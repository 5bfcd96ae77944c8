#include "allocator/change_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/base/log.h"

namespace ta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const TimePoint kNow = TimePoint(std::chrono::hours(1));

MemberView Member(std::string name,
                  MemberView::State state = MemberView::State::kLive) {
  MemberView member;
  member.name = std::move(name);
  member.state = state;
  return member;
}

SharedBlocks<MemberView> Only(MemberView member) {
  return SharedBlocks(std::vector{std::move(member)});
}

TEST(ChangeLogTest, EqualSnapshotsAreLoggedOnce) {
  Snapshot snapshot;
  snapshot.ready = snapshot.targets_served = true;
  snapshot.members = Only(Member("a"));
  snapshot.strangers = {"x"};
  ChangeLog log;
  {
    const LogCapture capture;
    log.Saw(snapshot, kNow);
    EXPECT_THAT(capture.lines(), SizeIs(4));
  }
  const LogCapture capture;
  log.Saw(snapshot, kNow);
  EXPECT_THAT(capture.lines(), IsEmpty());
}

TEST(ChangeLogTest, MembersComeDrainAndGo) {
  Snapshot snapshot;
  ChangeLog log;
  snapshot.members = Only(Member("a"));
  {
    const LogCapture capture;
    log.Saw(snapshot, kNow);
    EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("joined")));
  }
  MemberView draining = Member("a", MemberView::State::kDraining);
  draining.reason = "not in the list any more";
  snapshot.members = Only(draining);
  {
    const LogCapture capture;
    log.Saw(snapshot, kNow);
    EXPECT_THAT(capture.lines(),
                ElementsAre(HasSubstr("reason=\"not in the list any more\"")));
  }
  snapshot.members = {};
  const LogCapture capture;
  log.Saw(snapshot, kNow);
  EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("gone")));
}

// A problem may come before the first list, or with a complete one: nothing is
// "kept", or read "again".
TEST(ChangeLogTest, AProblemOfTheListIsSaidOnceAndWhenItIsOver) {
  Snapshot snapshot;
  ChangeLog log;
  const LogCapture capture;
  snapshot.members_problem = "no such file";
  log.Saw(snapshot, kNow);
  log.Saw(snapshot, kNow);
  snapshot.members_problem = "";
  log.Saw(snapshot, kNow);
  EXPECT_THAT(capture.lines(),
              ElementsAre(HasSubstr("level=warn msg=\"problem with the list of "
                                    "collectors\" err=\"no such file\""),
                          HasSubstr("level=info msg=\"problem with the list of "
                                    "collectors is over\"")));
}

TEST(ChangeLogTest, JobsAreNamedOnlyOnceTheOthersAreServed) {
  Snapshot snapshot;
  snapshot.jobs_not_synced = {"web"};
  ChangeLog log;
  {
    const LogCapture capture;
    EXPECT_EQ(log.Saw(snapshot, kNow), TimePoint::max());
    EXPECT_THAT(capture.lines(), IsEmpty());
  }
  snapshot.ready = true;
  {
    const LogCapture capture;
    const TimePoint again = log.Saw(snapshot, kNow);
    EXPECT_EQ(again, kNow + ChangeLog::kPatience);
    EXPECT_EQ(log.Saw(snapshot, again), TimePoint::max());
    EXPECT_EQ(log.Saw(snapshot, again), TimePoint::max());
    EXPECT_THAT(capture.lines(),
                ElementsAre(HasSubstr("msg=\"ready\""), HasSubstr("job=web")));
  }
  snapshot.jobs_not_synced.clear();
  const LogCapture capture;
  log.Saw(snapshot, kNow);
  EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("job is synced")));
}

// Each reload warned of each of its new jobs, though they had targets a moment
// later.
TEST(ChangeLogTest, AJobThatIsSyncedInAMomentIsNoNews) {
  Snapshot snapshot;
  snapshot.ready = true;
  ChangeLog log;
  log.Saw(snapshot, kNow);
  const LogCapture capture;
  snapshot.jobs_not_synced = {"web"};
  log.Saw(snapshot, kNow);
  snapshot.jobs_not_synced.clear();
  EXPECT_EQ(log.Saw(snapshot, kNow + ChangeLog::kPatience / 2),
            TimePoint::max());
  EXPECT_THAT(capture.lines(), IsEmpty());
}

}  // namespace
}  // namespace ta
