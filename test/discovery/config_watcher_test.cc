#include "discovery/config_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <latch>
#include <memory>
#include <mutex>

#include "test/discovery/support.h"

namespace ta {
namespace {

using test::Replace;
using test::TempFolder;
using test::Write;
using testing::ElementsAre;

class ConfigWatcherTest : public testing::Test {
 protected:
  void Start(const std::string& path, LoadedFiles loaded) {
    watcher_ = std::make_unique<ConfigWatcher>(
        path, std::move(loaded), &watch_, [this](Result<std::string> text) {
          const std::lock_guard lock(mutex_);
          seen_.push_back(text ? *text : "error: " + text.error().message);
          changed_.notify_all();
        });
  }
  // All that was told of, once it is `count`.
  std::vector<std::string> Seen(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, test::kDeadline,
                      [&] { return seen_.size() >= count; });
    return seen_;
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "config.yaml";
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;  // guarded by mutex_
  FileWatch watch_;
  std::unique_ptr<ConfigWatcher> watcher_;
};

TEST_F(ConfigWatcherTest, TellsOfEachOtherContentAndOfNoTouch) {
  Write(path_, "one");
  Start(path_, {"one"});
  Write(path_, "one");
  Replace(path_, "two");
  EXPECT_THAT(Seen(1), ElementsAre("two"));
  Replace(path_, "one");  // loaded before, but told of since
  EXPECT_THAT(Seen(2), ElementsAre("two", "one"));
}

TEST_F(ConfigWatcherTest, TellsOfAChangeBetweenLoadingAndWatching) {
  Write(path_, "two");
  Start(path_, {"one"});
  EXPECT_THAT(Seen(1), ElementsAre("two"));
}

TEST_F(ConfigWatcherTest, FollowsAConfigMap) {
  test::ConfigMapFolder config_map(folder_ / "conf");
  config_map.Update({{"targetallocator.yaml", "one"}});
  Start(folder_ / "conf/targetallocator.yaml", {"one"});
  config_map.Update({{"targetallocator.yaml", "two"}});
  EXPECT_THAT(Seen(1), ElementsAre("two"));
  config_map.Update({{"targetallocator.yaml", "three"}});
  EXPECT_THAT(Seen(2), ElementsAre("two", "three"));
}

// A SIGHUP may load what the watcher has not looked at yet.
TEST_F(ConfigWatcherTest, WhatIsLoadedByOthersIsNotToldOf) {
  Write(path_, "one");
  std::latch changed(1), blocked(1);
  const auto blocker = watch_.Add([&](const FileWatch::Hints&) {
    blocked.count_down();
    changed.wait();
    return TimePoint::max();
  });
  blocked.wait();
  Start(path_, {"one"});
  Replace(path_, "two");
  watcher_->Loaded({"two"});
  changed.count_down();
  watch_.Remove(blocker);
  Replace(path_, "three");
  EXPECT_THAT(Seen(1), ElementsAre("three"));
}

TEST_F(ConfigWatcherTest, AMissingOrEmptyFileIsToldOfOnceItStaysSo) {
  Write(path_, "one");
  Start(path_, {"one"});
  std::filesystem::remove(path_);
  EXPECT_THAT(Seen(1), ElementsAre("error: No such file or directory"));
  Write(path_, "");
  EXPECT_EQ(Seen(2).back(), "");
  Write(path_, "one");
  EXPECT_EQ(Seen(3).back(), "one");
}

TEST_F(ConfigWatcherTest, FilesThatThePatternsMatchCount) {
  Write(path_, "main");
  Write(folder_ / "a.yml", "a");
  Start(path_, {"main", {folder_ / "*.yml"}, {{{folder_ / "a.yml", "a"}}}});
  Write(folder_ / "a.yml", "b");
  EXPECT_THAT(Seen(1), ElementsAre("main"));
  Write(folder_ / "c.yml", "c");
  EXPECT_THAT(Seen(2), ElementsAre("main", "main"));
  std::filesystem::remove(folder_ / "a.yml");
  EXPECT_EQ(Seen(3).size(), 3u);
}

TEST_F(ConfigWatcherTest, PatternsMayChangeAndTheirFilesBeUnknown) {
  Write(path_, "main");
  Write(folder_ / "a.yml", "a");
  Start(path_, {"main"});
  watcher_->Loaded({"main", {folder_ / "*.yml"}, std::nullopt});
  Write(folder_ / "a.yml", "b");
  Write(path_, "changed");
  EXPECT_EQ(Seen(1).back(), "changed");
}

// A loader that sees other files than the watcher must not reload for ever.
TEST_F(ConfigWatcherTest, ALoaderThatSeesOtherFilesIsNotToldForEver) {
  Write(path_, "main");
  Write(folder_ / "a.yml", "a");
  const LoadedFiles other{"main", {folder_ / "*.yml"}, {{}}};
  Start(path_, other);
  EXPECT_THAT(Seen(1), ElementsAre("main"));
  for (int i = 0; i < 5; ++i) watcher_->Loaded(other);
  Write(path_, "changed");
  EXPECT_THAT(Seen(2), ElementsAre("main", "changed"));
}

TEST_F(ConfigWatcherTest, NothingIsToldAfterStop) {
  Write(path_, "one");
  Start(path_, {"one"});
  watcher_->Stop();
  watcher_->Stop();
  watcher_->Loaded({"two"});
  EXPECT_TRUE(seen_.empty());
}

}  // namespace
}  // namespace ta
