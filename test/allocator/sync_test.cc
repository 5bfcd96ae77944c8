#include "allocator/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/support/allocator_driver.h"

namespace ta {
namespace {

using std::chrono::seconds;
using test::ConfigBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};

class SyncTest : public ::testing::Test {
 protected:
  // Does with jobs what the allocator does.
  void Configure(const ConfigBuilder& builder) {
    const auto config = builder.Build();
    for (const auto& scrape : config->jobs) {
      SyncedJob& job = sync_.jobs()[scrape->job_name];
      job.config = scrape;
      const auto feeds = ImplementedDiscoverers(*scrape);
      if (!job.served) {
        job.active = feeds;
      } else if (job.active != feeds) {
        job.awaited = feeds;
      }
    }
    sync_.Configure(*config, now_);
  }
  Sync::Step Advance(const std::string& members_wait = "",
                     bool members_block = true) {
    return sync_.Advance(members_wait, members_block, now_);
  }
  Sync sync_;
  TimePoint now_ = kStart;
};

TEST_F(SyncTest, ImplementedDiscoverersAreTheOnesWeRun) {
  const auto config = ConfigBuilder()
                          .Job("a", {"file:1", "none:2", "file:1", "static:3"})
                          .Build();
  EXPECT_THAT(ImplementedDiscoverers(*config->jobs[0]),
              ElementsAre("file:1", "static:3"));
}

TEST_F(SyncTest, WaitsForConfigurationDiscoverersAndMembersInTurn) {
  EXPECT_EQ(sync_.waiting_for(), "the configuration");
  EXPECT_FALSE(Advance().readiness_changed);
  Configure(ConfigBuilder().Job("a", {"file:a"}));
  EXPECT_TRUE(Advance("the members").readiness_changed);
  EXPECT_EQ(sync_.waiting_for(), "job a: the first answer of file");
  EXPECT_FALSE(Advance("the members").readiness_changed);
  sync_.Heard("file:a", {false, false, "no such file"});
  Advance("the members");
  EXPECT_EQ(sync_.waiting_for(),
            "job a: the first answer of file: no such file");
  sync_.Heard("file:a", {true, false, ""});
  const auto step = Advance("the members");
  EXPECT_TRUE(step.readiness_changed);
  ASSERT_EQ(step.changed.size(), 1u);
  EXPECT_EQ(sync_.waiting_for(), "the members");
  Advance("");
  EXPECT_TRUE(sync_.ready());
  EXPECT_TRUE(sync_.targets_served());
  EXPECT_EQ(sync_.Deadline(), std::nullopt);
}

TEST_F(SyncTest, MembersThatDoNotBlockHoldUpTargetsOnly) {
  Configure(ConfigBuilder());
  Advance("polls", false);
  EXPECT_TRUE(sync_.ready());
  EXPECT_FALSE(sync_.targets_served());
  EXPECT_EQ(sync_.targets_wait(), "polls");
}

TEST_F(SyncTest, ASyncedAnswerNeverGoesBack) {
  Configure(ConfigBuilder().Job("a", {"file:a"}));
  sync_.Heard("file:a", {true, false, ""});
  sync_.Heard("file:a", {false, false, "broken now"});
  Advance();
  EXPECT_TRUE(sync_.ready());
}

TEST_F(SyncTest, TheTimeoutIsTheDeadlineAndPasses) {
  Configure(ConfigBuilder().Job("a", {"file:a"}).Job("b", {"file:b"}));
  sync_.Heard("file:a", {false, true, "part"});
  Advance();
  EXPECT_EQ(sync_.Deadline(), kStart + seconds(60));
  now_ += seconds(60);
  Advance();
  EXPECT_TRUE(sync_.ready());
  EXPECT_TRUE(sync_.jobs()["a"].served);
  EXPECT_FALSE(sync_.jobs()["b"].served);
  EXPECT_THAT(sync_.JobsNotSynced(), ElementsAre("b"));
  EXPECT_EQ(sync_.Deadline(), std::nullopt);
  // After that a part is enough at once.
  sync_.Heard("file:b", {false, true, "part"});
  EXPECT_EQ(Advance().changed.size(), 1u);
  EXPECT_THAT(sync_.JobsNotSynced(), IsEmpty());
}

TEST_F(SyncTest, AReloadDoesNotProlongTheFirstTimeout) {
  ConfigBuilder config;
  Configure(config.Job("a", {"file:a"}));
  Advance();
  now_ += seconds(50);
  Configure(config.Job("b", {"file:b"}));
  Advance();
  EXPECT_EQ(sync_.Deadline(), kStart + seconds(60));
  now_ += seconds(10);
  Advance();
  EXPECT_TRUE(sync_.ready());
}

TEST_F(SyncTest, ChangesOverOnlyWhenAllTheNewOnesAnswered) {
  ConfigBuilder config;
  Configure(config.Job("a", {"file:a"}));
  sync_.Heard("file:a", {true, false, ""});
  Advance();
  Configure(config.Job("a", {"file:x", "file:y"}));
  EXPECT_THAT(Advance().changed_over, IsEmpty());
  EXPECT_THAT(sync_.InUse(), ElementsAre("file:a", "file:x", "file:y"));
  now_ += seconds(1000);
  sync_.Heard("file:x", {true, false, ""});
  sync_.Heard("file:y", {false, true, "part"});
  EXPECT_THAT(Advance().changed_over, IsEmpty());
  sync_.Heard("file:y", {true, false, ""});
  const auto step = Advance();
  ASSERT_EQ(step.changed_over.size(), 1u);
  EXPECT_THAT(step.changed_over[0]->active, ElementsAre("file:x", "file:y"));
  EXPECT_THAT(sync_.InUse(), ElementsAre("file:x", "file:y"));
  EXPECT_TRUE(sync_.jobs()["a"].served) << "all the while";
}

// A reload that is not in effect for a job must show: it was served from where
// nobody had configured it to be, without a word.
TEST_F(SyncTest, AJobHeldOnItsOldDiscoverersSaysWhatItWaitsFor) {
  Configure(ConfigBuilder().Job("a", {"file:1"}));
  sync_.Heard("file:1", {true, false, ""});
  Advance();
  const SyncedJob& job = sync_.jobs().at("a");
  EXPECT_EQ(job.waiting_for, "");
  Configure(ConfigBuilder().Job("a", {"file:2"}));
  sync_.Heard("file:2", {false, false, "no such file"});
  EXPECT_THAT(Advance().changed, ElementsAre(&job));
  EXPECT_TRUE(job.served);
  EXPECT_EQ(job.waiting_for, "the first answer of file: no such file");
  sync_.Heard("file:2", {true, false, ""});
  Advance();
  EXPECT_EQ(job.waiting_for, "");
}

TEST_F(SyncTest, AForgottenDiscovererMustAnswerAgain) {
  Configure(ConfigBuilder().Job("a", {"file:a"}));
  sync_.Heard("file:a", {true, false, ""});
  sync_.Forget("file:a");
  Advance();
  EXPECT_FALSE(sync_.ready());
}

TEST_F(SyncTest, AJobWithoutDiscoveryIsSynced) {
  Configure(ConfigBuilder().Job("a", {}));
  Advance();
  EXPECT_TRUE(sync_.ready());
  EXPECT_TRUE(sync_.jobs()["a"].served);
}

}  // namespace
}  // namespace ta
