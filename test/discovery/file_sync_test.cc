// File discovery's first answer, as the allocator takes it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "allocator/base/log.h"
#include "discovery/file.h"
#include "test/discovery/support.h"
#include "test/support/allocator_driver.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

using test::AllocatorDriver;
using test::ConfigBuilder;
using test::Groups;
using test::RecordingSink;
using test::Seconds;
using test::TempFolder;
using test::Write;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using State = RecordingSink::State;

// A job that is fed by files. The files are real, the allocator's time is not.
class FileSyncTest : public testing::Test {
 public:
  static void SetUpTestSuite() { test::HeedPermissions(); }

 protected:
  void SetUp() override {
    driver_.Configure(ConfigBuilder().Job("a", {"file:a"}));
    driver_.SetMembers({"c0"});
  }
  void Start(std::vector<std::string> patterns) {
    discoverer_ = std::make_unique<FileDiscoverer>(
        "file:a", FileDiscovery{std::move(patterns)}, &watch_, &sink_,
        &counters_);
    discoverer_->Start();
  }
  // Hands over what was sent since the last call, once `wanted` holds.
  void HandOver(const std::function<bool(const State&)>& wanted) {
    ASSERT_TRUE(sink_.WaitFor(wanted));
    const State state = sink_.state();
    for (; handed_ < state.updates.size(); ++handed_) {
      driver_.Discover(state.updates[handed_]);
    }
  }
  void HandOverFirst() {
    HandOver([](const State& state) { return !state.updates.empty(); });
  }

  const LogCapture log_;
  const TempFolder folder_;
  RecordingSink sink_;
  FileDiscoveryCounters counters_;
  FileWatch watch_;
  std::unique_ptr<FileDiscoverer> discoverer_;
  AllocatorDriver driver_;
  std::size_t handed_ = 0;
};

// One unreadable file among good ones kept the job from being served for good.
TEST_F(FileSyncTest, AfterSyncTimeoutAJobIsServedWithoutItsUnreadableFile) {
  Write(folder_ / "good.json", Groups({"a:1"}));
  Write(folder_ / "bad.json", "nonsense");
  Start({folder_ / "*.json"});
  HandOverFirst();
  EXPECT_FALSE(driver_.job("a").served);
  EXPECT_THAT(driver_.job("a").waiting_for, HasSubstr(folder_ / "bad.json"));
  driver_.Pass(Seconds(59));
  EXPECT_FALSE(driver_.job("a").served);
  driver_.Pass(Seconds(1));
  EXPECT_TRUE(driver_.job("a").served);
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1"));
  ASSERT_EQ(driver_.snapshot().discoverers.size(), 1u);
  EXPECT_THAT(driver_.snapshot().discoverers[0]->problem,
              HasSubstr(folder_ / "bad.json"));

  Write(folder_ / "bad.json", Groups({"b:1"}));
  HandOver([](const State& state) { return state.synced(); });
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1", "b:1"));
}

TEST_F(FileSyncTest, AfterSyncTimeoutAJobIsServedWithoutItsUnreadableFolder) {
  fs::create_directory(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms::none);
  Write(folder_ / "good.json", Groups({"a:1"}));
  Start({folder_ / "*.json", folder_ / "locked/*.json"});
  HandOverFirst();
  EXPECT_FALSE(driver_.job("a").served);
  driver_.Pass(Seconds(60));
  EXPECT_TRUE(driver_.job("a").served);
  EXPECT_THAT(driver_.Owned("c0", "a"), UnorderedElementsAre("a:1"));
  fs::permissions(folder_ / "locked", fs::perms::owner_all);
}

// It would be served an empty list, and drop what it scrapes.
TEST_F(FileSyncTest, WithoutAnyReadableFileAJobIsNotServed) {
  Write(folder_ / "bad.json", "nonsense");
  Start({folder_ / "*.json"});
  HandOverFirst();
  driver_.Pass(Seconds(600));
  EXPECT_FALSE(driver_.job("a").served);

  Write(folder_ / "good.json", "[]");
  HandOver([](const State& state) { return state.updates.back().partial; });
  EXPECT_TRUE(driver_.job("a").served);
}

}  // namespace
}  // namespace ta
