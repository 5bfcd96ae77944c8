#include "discovery/file_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "test/discovery/support.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

using test::TempFolder;
using test::Write;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

using Hints = FileWatch::Hints;

// A client that remembers its hints. Must go before its watch.
class Recorder {
 public:
  Recorder(FileWatch* watch, WatchedPaths paths) : watch_(watch) {
    const std::lock_guard lock(mutex_);
    id_ = watch_->Add([this, paths](const Hints& hints) {
      FileWatch::Id id = 0;
      {
        const std::lock_guard inner(mutex_);
        id = id_;
      }
      if (std::exchange(first_, false)) watch_->SetPaths(id, paths);
      const std::lock_guard inner(mutex_);
      calls_.push_back(hints);
      changed_.notify_all();
      return TimePoint::max();
    });
  }
  ~Recorder() { watch_->Remove(id_); }

  // The first hints from the `from`-th call on that `wanted` holds for.
  std::optional<Hints> WaitFor(
      std::size_t from, const std::function<bool(const Hints&)>& wanted) {
    std::unique_lock lock(mutex_);
    std::optional<Hints> found;
    changed_.wait_for(lock, test::kDeadline, [&] {
      for (std::size_t i = from; i < calls_.size(); ++i) {
        if (wanted(calls_[i])) found = calls_[i];
      }
      return found.has_value();
    });
    return found;
  }
  std::optional<Hints> WaitForPath(std::size_t from, const std::string& path) {
    return WaitFor(
        from, [&](const Hints& hints) { return hints.paths.contains(path); });
  }
  bool WaitUntilWatched() {
    return WaitFor(0, [](const Hints& hints) { return hints.everything; })
        .has_value();
  }
  std::size_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  void Nudge() { watch_->Nudge(id_); }

 private:
  FileWatch* const watch_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Hints> calls_;  // guarded by mutex_
  FileWatch::Id id_ = 0;      // guarded by mutex_
  bool first_ = true;         // of the watch's thread
};

TEST(FileWatchTest, TheFirstCallHintsEverything) {
  FileWatch watch;
  Recorder client(&watch, {});
  EXPECT_TRUE(client.WaitUntilWatched());
  EXPECT_EQ(watch.stats().polled_clients, 0u);
}

TEST(FileWatchTest, OnlyWhatThePatternMatchesIsHinted) {
  const TempFolder folder;
  FileWatch watch;
  Recorder client(&watch, {{folder / "*.json"}, {}});
  ASSERT_TRUE(client.WaitUntilWatched());
  Write(folder / "a.txt", "x");
  Write(folder / "b.json", "x");
  const auto hints = client.WaitForPath(1, folder / "b.json");
  ASSERT_TRUE(hints.has_value());
  EXPECT_THAT(hints->paths, ElementsAre(folder / "b.json"));
  EXPECT_FALSE(hints->everything);
}

TEST(FileWatchTest, InOneDirectoryEachIsHintedOfItsOwnFile) {
  const TempFolder folder;
  FileWatch watch;
  Recorder first(&watch, {{}, {folder / "a.json"}});
  Recorder second(&watch, {{}, {folder / "b.json"}});
  ASSERT_TRUE(first.WaitUntilWatched());
  ASSERT_TRUE(second.WaitUntilWatched());
  Write(folder / "a.json", "x");
  const auto of_first = first.WaitForPath(1, folder / "a.json");
  ASSERT_TRUE(of_first.has_value());
  EXPECT_THAT(of_first->paths, ElementsAre(folder / "a.json"));
  Write(folder / "b.json", "x");
  const auto of_second = second.WaitForPath(1, folder / "b.json");
  ASSERT_TRUE(of_second.has_value());
  EXPECT_THAT(of_second->paths, ElementsAre(folder / "b.json"));
}

TEST(FileWatchTest, AFileBeingWrittenIsUnsettledUntilItIsClosed) {
  const TempFolder folder;
  // Nothing settles by itself here.
  FileWatch watch({.settle = std::chrono::hours(1),
                   .max_settle = std::chrono::hours(1),
                   .open_settle = std::chrono::hours(1),
                   .max_open_settle = std::chrono::hours(1)});
  Recorder client(&watch, {{folder / "*.json"}, {}});
  ASSERT_TRUE(client.WaitUntilWatched());
  std::ofstream open_file(folder / "open.json");
  open_file << "half" << std::flush;
  Write(folder / "closed.json", "whole");
  const auto hints = client.WaitForPath(1, folder / "closed.json");
  ASSERT_TRUE(hints.has_value());
  EXPECT_THAT(hints->paths, Not(Contains(folder / "open.json")));
  EXPECT_THAT(hints->unsettled, ElementsAre(folder / "open.json"));
  open_file.close();
  EXPECT_TRUE(client.WaitForPath(2, folder / "open.json").has_value());
}

TEST(FileWatchTest, AFileThatIsNeverClosedSettles) {
  const TempFolder folder;
  FileWatch watch({.settle = std::chrono::milliseconds(1),
                   .open_settle = std::chrono::milliseconds(1)});
  Recorder client(&watch, {{}, {folder / "a"}});
  ASSERT_TRUE(client.WaitUntilWatched());
  std::ofstream open_file(folder / "a");
  open_file << "x" << std::flush;
  EXPECT_TRUE(client.WaitForPath(1, folder / "a").has_value());
}

// A writer that pauses for longer than a deleted file needs to be gone: half of
// its YAML was taken for all of it.
TEST(FileWatchTest, AFileThatIsOpenOutlivesTheSettlingOfOthers) {
  const TempFolder folder;
  Write(folder / "gone", "x");
  FileWatch watch({.settle = std::chrono::milliseconds(1),
                   .open_settle = std::chrono::hours(1),
                   .max_open_settle = std::chrono::hours(1)});
  Recorder client(&watch, {{folder / "*"}, {}});
  ASSERT_TRUE(client.WaitUntilWatched());
  std::ofstream open_file(folder / "open");
  open_file << "half" << std::flush;
  fs::remove(folder / "gone");  // settles after the other was written to
  const auto hints = client.WaitForPath(1, folder / "gone");
  ASSERT_TRUE(hints.has_value());
  EXPECT_THAT(hints->paths, Not(Contains(folder / "open")));
  EXPECT_THAT(hints->unsettled, ElementsAre(folder / "open"));
}

TEST(FileWatchTest, ADeletedFileIsHintedOnceSettled) {
  const TempFolder folder;
  Write(folder / "a", "x");
  FileWatch watch({.settle = std::chrono::milliseconds(1)});
  Recorder client(&watch, {{}, {folder / "a"}});
  ASSERT_TRUE(client.WaitUntilWatched());
  fs::remove(folder / "a");
  EXPECT_TRUE(client.WaitForPath(1, folder / "a").has_value());
}

TEST(FileWatchTest, AReplacedSymlinkOnTheWayIsHinted) {
  const TempFolder folder;
  test::ConfigMapFolder config_map(folder / "cm");
  config_map.Update({{"a.yaml", "1"}});
  FileWatch watch;
  Recorder client(&watch, {{}, {folder / "cm/a.yaml"}});
  ASSERT_TRUE(client.WaitUntilWatched());
  for (const char* text : {"2", "3", "4"}) {
    const std::size_t calls = client.calls();
    config_map.Update({{"a.yaml", text}});
    ASSERT_TRUE(client.WaitForPath(calls, folder / "cm/a.yaml").has_value());
  }
}

TEST(FileWatchTest, WatchesGoWithTheirLastClient) {
  const TempFolder folder;
  FileWatch watch;
  {
    Recorder one(&watch, {{folder / "*.json"}, {}});
    Recorder other(&watch, {{folder / "*.yml"}, {}});
    ASSERT_TRUE(one.WaitUntilWatched());
    ASSERT_TRUE(other.WaitUntilWatched());
    EXPECT_GT(watch.stats().watched_directories, 0u);
  }
  // A later client's call comes after the others were forgotten.
  Recorder last(&watch, {});
  ASSERT_TRUE(last.WaitUntilWatched());
  EXPECT_EQ(watch.stats().watched_directories, 0u);
}

TEST(FileWatchTest, WithoutInotifyClientsArePolled) {
  const TempFolder folder;
  FileWatch watch(test::Polling());
  Recorder client(&watch, {{folder / "*.json"}, {}});
  ASSERT_TRUE(client.WaitUntilWatched());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        client
            .WaitFor(client.calls(),
                     [](const Hints& hints) { return hints.everything; })
            .has_value());
  }
  EXPECT_EQ(watch.stats().polled_clients, 1u);
}

TEST(FileWatchTest, WorkRunsAgainAtTheTimeItAskedFor) {
  FileWatch watch;
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  const auto id = watch.Add([&](const Hints&) {
    const std::lock_guard lock(mutex);
    changed.notify_all();
    return ++calls < 5
               ? std::chrono::steady_clock::now() + std::chrono::milliseconds(1)
               : TimePoint::max();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(
      changed.wait_for(lock, test::kDeadline, [&] { return calls == 5; }));
  lock.unlock();
  watch.Remove(id);
}

TEST(FileWatchTest, ANudgeHintsEverything) {
  FileWatch watch;
  Recorder client(&watch, {});
  ASSERT_TRUE(client.WaitUntilWatched());
  const std::size_t calls = client.calls();
  client.Nudge();
  EXPECT_TRUE(
      client.WaitFor(calls, [](const Hints& hints) { return hints.everything; })
          .has_value());
}

// Remove waits: what the work uses may be destroyed right after.
TEST(FileWatchTest, NoWorkRunsAfterRemove) {
  FileWatch watch;
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<int>(0);
    const auto id = watch.Add([&](const Hints&) {
      ++*alive;
      return TimePoint{};  // at once again
    });
    if (i % 2 == 0) std::this_thread::yield();
    watch.Remove(id);
    alive.reset();
  }
}

TEST(FileWatchTest, StopEndsItEvenWithWorkThatIsAlwaysDue) {
  FileWatch watch;
  watch.Add([](const Hints&) { return TimePoint{}; });
  watch.Stop();
  watch.Stop();
  watch.Remove(watch.Add([](const Hints&) { return TimePoint{}; }));
}

}  // namespace
}  // namespace ta
