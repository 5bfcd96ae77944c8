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

MemberView Member(std::string name,
                  MemberView::State state = MemberView::State::kLive) {
  MemberView member;
  member.name = std::move(name);
  member.state = state;
  return member;
}

TEST(ChangeLogTest, EqualSnapshotsAreLoggedOnce) {
  Snapshot snapshot;
  snapshot.ready = snapshot.targets_served = true;
  snapshot.members = {Member("a")};
  snapshot.strangers = {"x"};
  ChangeLog log;
  {
    const LogCapture capture;
    log.Saw(snapshot);
    EXPECT_THAT(capture.lines(), SizeIs(4));
  }
  const LogCapture capture;
  log.Saw(snapshot);
  EXPECT_THAT(capture.lines(), IsEmpty());
}

TEST(ChangeLogTest, MembersComeDrainAndGo) {
  Snapshot snapshot;
  ChangeLog log;
  snapshot.members = {Member("a")};
  {
    const LogCapture capture;
    log.Saw(snapshot);
    EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("joined")));
  }
  snapshot.members = {Member("a", MemberView::State::kDraining)};
  snapshot.members[0].reason = "not in the list any more";
  {
    const LogCapture capture;
    log.Saw(snapshot);
    EXPECT_THAT(capture.lines(),
                ElementsAre(HasSubstr("reason=\"not in the list any more\"")));
  }
  snapshot.members.clear();
  const LogCapture capture;
  log.Saw(snapshot);
  EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("gone")));
}

TEST(ChangeLogTest, JobsAreNamedOnlyOnceTheOthersAreServed) {
  Snapshot snapshot;
  snapshot.jobs_not_synced = {"web"};
  ChangeLog log;
  {
    const LogCapture capture;
    log.Saw(snapshot);
    EXPECT_THAT(capture.lines(), IsEmpty());
  }
  snapshot.ready = true;
  {
    const LogCapture capture;
    log.Saw(snapshot);
    EXPECT_THAT(capture.lines(),
                ElementsAre(HasSubstr("msg=\"ready\""), HasSubstr("job=web")));
  }
  snapshot.jobs_not_synced.clear();
  const LogCapture capture;
  log.Saw(snapshot);
  EXPECT_THAT(capture.lines(), ElementsAre(HasSubstr("job is synced")));
}

}  // namespace
}  // namespace ta
