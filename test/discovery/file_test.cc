#include "discovery/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <memory>
#include <thread>

#include "allocator/base/log.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

namespace fs = std::filesystem;

using test::Groups;
using test::HeedPermissions;
using test::RecordingSink;
using test::Replace;
using test::TempFolder;
using test::Write;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using State = RecordingSink::State;

class FileTest : public testing::TestWithParam<bool> {
 public:
  static void SetUpTestSuite() { HeedPermissions(); }

 protected:
  void Start(std::vector<std::string> patterns,
             std::chrono::milliseconds refresh = std::chrono::minutes(5)) {
    discoverer_ = std::make_unique<FileDiscoverer>(
        "files", FileDiscovery{std::move(patterns), refresh}, &watch_, &sink_,
        &counters_);
    discoverer_->Start();
  }
  bool WaitForProblem(std::string_view text) {
    return sink_.WaitFor([&](const State& state) {
      return state.problem().find(text) != std::string::npos;
    });
  }
  bool WaitUntilSynced() {
    return sink_.WaitFor([](const State& state) { return state.synced(); });
  }

  const LogCapture log_;
  const TempFolder folder_;
  RecordingSink sink_;
  FileDiscoveryCounters counters_;
  FileWatch watch_{GetParam() ? test::Inotify() : test::Polling()};
  std::unique_ptr<FileDiscoverer> discoverer_;
};

INSTANTIATE_TEST_SUITE_P(, FileTest, testing::Bool(), [](const auto& info) {
  return info.param ? "Inotify" : "Polling";
});

TEST_P(FileTest, FirstUpdateHasAllGroupsAndIsSynced) {
  Write(folder_ / "a.json", Groups({"a:1", "a:2"}));
  Write(folder_ / "b.yml", "- targets: [b:1, b:2]\n  labels: {x: 010}\n");
  Write(folder_ / "c.txt", "not a file of targets");
  Start({folder_ / "*.json", folder_ / "b.yml"});
  ASSERT_TRUE(WaitUntilSynced());
  const State state = sink_.state();
  ASSERT_EQ(state.updates.size(), 1u);
  EXPECT_EQ(state.updates[0].discoverer, "files");
  EXPECT_EQ(state.problem(), "");
  EXPECT_THAT(state.Addresses(), ElementsAre("a:1", "a:2", "b:1", "b:2"));
  const TargetGroup& group = state.groups.at(folder_ / "b.yml:0");
  EXPECT_EQ(group.labels,
            Labels::Of({{"x", "010"}, {"__meta_filepath", folder_ / "b.yml"}}));
  EXPECT_TRUE(state.groups.contains(folder_ / "a.json:1"));
}

TEST_P(FileTest, NoMatchIsAnAnswer) {
  Start(
      {folder_ / "none.json", folder_ / "*.yml", folder_ / "no/folder/*.yml"});
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_THAT(sink_.state().groups, IsEmpty());
}

TEST_P(FileTest, OnlyChangedGroupsAreSent) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1", "a:2", "a:3"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  Replace(file, Groups({"a:1", "a:9", "a:3"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1", "a:9", "a:3"}));
  const State state = sink_.state();
  ASSERT_EQ(state.updates.back().groups.size(), 1u);
  EXPECT_EQ(state.updates.back().groups[0].source, file + ":1");
}

// What the metrics of the stage stand on.
TEST_P(FileTest, GroupsThatDifferedAreCountedWithTheReading) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1", "a:2", "a:3"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_EQ(counters_.reading().items.load(), 3u);
  EXPECT_GT(counters_.reading().duration.sum_seconds(), 0);
  Replace(file, Groups({"a:1", "a:9", "a:3"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1", "a:9", "a:3"}));
  EXPECT_EQ(counters_.reading().items.load(), 4u);
}

TEST_P(FileTest, FewerGroupsRemoveTheLastOnes) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1", "a:2", "a:3"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  Write(file, Groups({"a:1"}));
  EXPECT_TRUE(sink_.WaitForAddresses({"a:1"}));
}

TEST_P(FileTest, FilesThatComeAndGoBringAndTakeTheirGroups) {
  Start({folder_ / "*.json"});
  ASSERT_TRUE(WaitUntilSynced());
  Write(folder_ / "a.json", Groups({"a:1"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  fs::rename(folder_ / "a.json", folder_ / "b.json");
  ASSERT_TRUE(sink_.WaitFor([&](const State& state) {
    return state.groups.size() == 1 &&
           state.groups.contains(folder_ / "b.json:0");
  }));
  fs::remove(folder_ / "b.json");
  EXPECT_TRUE(sink_.WaitForAddresses({}));
}

TEST_P(FileTest, FoldersThatComeAndGoAreFollowed) {
  const std::string file = folder_ / "not/yet/a.json";
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  for (const char* target : {"a:1", "a:2"}) {
    fs::create_directories(folder_ / "not/yet");
    Write(file, Groups({target}));
    ASSERT_TRUE(sink_.WaitForAddresses({target}));
    fs::remove_all(folder_ / "not");
    ASSERT_TRUE(sink_.WaitForAddresses({}));
  }
}

TEST_P(FileTest, AFolderMovedIntoPlaceIsSeen) {
  fs::create_directory(folder_ / "sd");
  Write(folder_ / "sd/a.json", Groups({"a:1"}));
  Start({folder_ / "sd/*.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  fs::create_directory(folder_ / "new");
  Write(folder_ / "new/a.json", Groups({"a:2"}));
  fs::rename(folder_ / "sd", folder_ / "old");
  fs::rename(folder_ / "new", folder_ / "sd");
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  Write(folder_ / "sd/a.json", Groups({"a:3"}));
  EXPECT_TRUE(sink_.WaitForAddresses({"a:3"}));
}

TEST_P(FileTest, AConfigMapIsFollowed) {
  test::ConfigMapFolder config_map(folder_ / "cm");
  config_map.Update({{"a.json", Groups({"a:1"})}});
  Start({folder_ / "cm/*.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  config_map.Update({{"a.json", Groups({"a:2"})}});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  config_map.Update({{"a.json", Groups({"a:3"})}, {"b.json", Groups({"b:1"})}});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:3", "b:1"}));
  config_map.Update({{"b.json", Groups({"b:2"})}});
  EXPECT_TRUE(sink_.WaitForAddresses({"b:2"}));
}

TEST_P(FileTest, ABadFileKeepsItsLastGoodContentAndOthersGoOn) {
  Write(folder_ / "a.json", Groups({"a:1"}));
  Write(folder_ / "b.json", Groups({"b:1"}));
  Start({folder_ / "*.json"});
  ASSERT_TRUE(WaitUntilSynced());
  Replace(folder_ / "a.json", R"([{"targets": ["a:2"]}, {"targets": )");
  ASSERT_TRUE(WaitForProblem(folder_ / "a.json"));
  EXPECT_TRUE(sink_.state().synced());
  Replace(folder_ / "b.json", Groups({"b:2"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1", "b:2"}));
  Replace(folder_ / "a.json", Groups({"a:3"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:3", "b:2"}));
  ASSERT_TRUE(
      sink_.WaitFor([](const State& state) { return state.problem() == ""; }));
  EXPECT_EQ(log_.Count("kept its last good content"), 1);
  EXPECT_EQ(log_.Count("is good again"), 1);
  EXPECT_GE(counters_.values().read_errors, 1u);
}

TEST_P(FileTest, AnUnusableFileLeavesItUnsyncedButSendsTheOthers) {
  Write(folder_ / "a.json", "nonsense");
  Write(folder_ / "b.json", Groups({"b:1"}));
  Start({folder_ / "*.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"b:1"}));
  EXPECT_FALSE(sink_.state().synced());
  EXPECT_THAT(sink_.state().problem(), HasSubstr(folder_ / "a.json: "));
  Write(folder_ / "a.json", Groups({"a:1"}));
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_TRUE(sink_.WaitForAddresses({"a:1", "b:1"}));
}

TEST_P(FileTest, SyncedIsNeverTakenBack) {
  Start({folder_ / "*.json"});
  ASSERT_TRUE(WaitUntilSynced());
  Write(folder_ / "a.json", "nonsense");
  ASSERT_TRUE(WaitForProblem("a.json"));
  EXPECT_TRUE(sink_.state().synced());
}

TEST_P(FileTest, DeletingAnUnusableFileSyncs) {
  Write(folder_ / "a.json", "nonsense");
  Start({folder_ / "*.json"});
  ASSERT_TRUE(WaitForProblem("a.json"));
  fs::remove(folder_ / "a.json");
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_EQ(sink_.state().problem(), "");
}

TEST_P(FileTest, AnEmptyYamlFileThatStaysSoHasNoGroups) {
  const std::string file = folder_ / "a.yml";
  Write(file, "- targets: [a:1]\n");
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  Write(file, "");
  EXPECT_TRUE(sink_.WaitForAddresses({}));
}

TEST_P(FileTest, AnEmptyJsonFileIsBad) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  Write(file, "");
  ASSERT_TRUE(WaitForProblem("expected, but the text ends"));
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:1"));
}

TEST_P(FileTest, WhatIsNoRegularFileIsRefusedAndBlocksNothing) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo.json").c_str(), 0600), 0);
  fs::create_directory(folder_ / "folder.json");
  fs::create_symlink("loop.json", folder_ / "loop.json");
  fs::create_symlink("nowhere", folder_ / "dangling.json");
  fs::create_symlink("/dev/zero", folder_ / "zero.json");
  Write(folder_ / "good.json", Groups({"a:1"}));
  Start({folder_ / "*.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  const std::string problem = sink_.state().problem();
  EXPECT_THAT(problem, HasSubstr("fifo.json: is not a regular file"));
  EXPECT_THAT(problem, HasSubstr("folder.json: is a directory"));
  EXPECT_THAT(problem, HasSubstr("loop.json: Too many levels"));
  EXPECT_THAT(problem, HasSubstr("dangling.json: No such file"));
  EXPECT_THAT(problem, HasSubstr("zero.json: is not a regular file"));
}

TEST_P(FileTest, AFileWithoutPermissionIsReadOnceItHasIt) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  fs::permissions(file, fs::perms::none);
  Start({file});
  ASSERT_TRUE(WaitForProblem("Permission denied"));
  EXPECT_FALSE(sink_.state().synced());
  fs::permissions(file, fs::perms::owner_read);
  EXPECT_TRUE(WaitUntilSynced());
}

// What is in a directory that can't be read is unknown, not gone.
TEST_P(FileTest, AnUnreadableFolderKeepsItsFiles) {
  const std::string folder = folder_ / "sd";
  fs::create_directory(folder);
  Write(folder + "/a.json", Groups({"a:1"}));
  Start({folder + "/*.json"}, std::chrono::seconds(1));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  fs::permissions(folder, fs::perms::none);
  ASSERT_TRUE(WaitForProblem(folder + ": Permission denied"));
  fs::permissions(folder, fs::perms::owner_all);
  Write(folder + "/a.json", Groups({"a:2"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  EXPECT_TRUE(
      sink_.WaitFor([](const State& state) { return state.problem() == ""; }));
  for (const DiscoveryUpdate& update : sink_.state().updates) {
    for (const TargetGroup& group : update.groups) {
      EXPECT_FALSE(group.targets.empty());
    }
  }
}

TEST_P(FileTest, AFileBehindASymlinkElsewhereIsFollowed) {
  fs::create_directory(folder_ / "real");
  Write(folder_ / "real/targets", Groups({"a:1"}));
  fs::create_symlink(folder_ / "real/targets", folder_ / "a.json");
  Start({folder_ / "*.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:1"}));
  Write(folder_ / "real/targets", Groups({"a:2"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  EXPECT_TRUE(sink_.state().groups.contains(folder_ / "a.json:0"));
}

TEST_P(FileTest, TargetsWithAnInvalidLabelAreLeftOutWithAReason) {
  Write(folder_ / "a.json",
        R"([{"targets": ["a:1"], "labels": {"": "x"}}, {"targets": ["a:2"]}])");
  Start({folder_ / "a.json"});
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  const TargetGroup group = sink_.state().groups.at(folder_ / "a.json:0");
  EXPECT_THAT(group.invalid, ElementsAre(InvalidTarget{
                                 "a:1", "\"\" is not a valid label name"}));
  EXPECT_TRUE(sink_.state().synced());
  EXPECT_EQ(log_.Count("targets left out"), 1);
}

TEST_P(FileTest, AMalformedPatternIsAProblemButHoldsUpNothing) {
  Write(folder_ / "a.json", Groups({"a:1"}));
  Start({folder_ / "[.json", folder_ / "a.json"});
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_THAT(sink_.state().problem(), HasSubstr("malformed pattern"));
  EXPECT_THAT(sink_.state().Addresses(), ElementsAre("a:1"));
}

// Two writes within one tick of the kernel's clock give equal times and sizes.
TEST_P(FileTest, QuickRewritesOfEqualSizeAreAllSeen) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1000"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  for (int i = 1001; i < 1100; ++i) {
    const std::string target = "a:" + std::to_string(i);
    Write(file, Groups({target}));
    ASSERT_TRUE(sink_.WaitForAddresses({target}));
  }
}

TEST_P(FileTest, RefreshReadsWhatNoEventTold) {
  // A hard link outside of every watched folder changes the file unseen.
  const TempFolder elsewhere;
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  fs::create_hard_link(file, elsewhere / "link");
  Start({file}, std::chrono::seconds(1));
  ASSERT_TRUE(WaitUntilSynced());
  Write(elsewhere / "link", Groups({"a:2"}));
  EXPECT_TRUE(sink_.WaitForAddresses({"a:2"}));
}

TEST_P(FileTest, NothingIsSentAfterStop) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  discoverer_->Stop();
  discoverer_->Stop();
  const std::size_t updates = sink_.state().updates.size();
  Write(file, Groups({"a:2"}));
  // Another one has seen it, so the first would have.
  RecordingSink other_sink;
  FileDiscoverer other("other", FileDiscovery{{file}}, &watch_, &other_sink,
                       &counters_);
  other.Start();
  ASSERT_TRUE(other_sink.WaitForAddresses({"a:2"}));
  EXPECT_EQ(sink_.state().updates.size(), updates);
}

// The paths of a discoverer stayed in the metric after it was stopped, and one
// discoverer that lost a file took it from another.
TEST_P(FileTest, TimesOfFilesAreCountedForEachDiscoverer) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  Start({file});
  ASSERT_TRUE(WaitUntilSynced());
  RecordingSink other_sink;
  FileDiscoverer other("other", FileDiscovery{{folder_ / "*.json"}}, &watch_,
                       &other_sink, &counters_);
  other.Start();
  ASSERT_TRUE(
      other_sink.WaitFor([](const State& state) { return state.synced(); }));
  discoverer_->Stop();
  EXPECT_THAT(counters_.values().modified_seconds,
              ElementsAre(Pair(file, Gt(0))));
  other.Stop();
  EXPECT_THAT(counters_.values().modified_seconds, IsEmpty());
}

TEST_P(FileTest, AHundredThousandGroupsInManyFiles) {
  std::vector<std::string> targets;
  for (int i = 0; i < 20'000; ++i) targets.push_back("h:" + std::to_string(i));
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    Write(folder_ / name + ".json", Groups(targets));
  }
  Start({folder_ / "*.json"});
  ASSERT_TRUE(WaitUntilSynced());
  EXPECT_EQ(sink_.state().updates.size(), 1u);
  EXPECT_EQ(sink_.state().groups.size(), 100'000u);
}

// With inotify it is known when a writer is done. Nothing settles by itself
// here, so that a slow machine makes no difference.
class FileWrittenTest : public testing::Test {
 protected:
  void Start(const std::string& file) {
    discoverer_ = std::make_unique<FileDiscoverer>(
        "files", FileDiscovery{{file}}, &watch_, &sink_, &counters_);
    discoverer_->Start();
    ASSERT_TRUE(
        sink_.WaitFor([](const State& state) { return state.synced(); }));
  }

  const LogCapture log_;
  const TempFolder folder_;
  RecordingSink sink_;
  FileDiscoveryCounters counters_;
  FileWatch watch_{{.settle = std::chrono::hours(1),
                    .max_settle = std::chrono::hours(1),
                    .open_settle = std::chrono::hours(1),
                    .max_open_settle = std::chrono::hours(1)}};
  std::unique_ptr<FileDiscoverer> discoverer_;
};

// Writers that aren't careful: the file is empty, then half there, then whole.
TEST_F(FileWrittenTest, AFileWrittenInPiecesIsNeverHalfTaken) {
  const std::string file = folder_ / "a.yml";
  Write(file, "- targets: [a:1]\n- targets: [a:2]\n");
  Start(file);
  for (int i = 0; i < 20; ++i) {
    std::ofstream out(file, std::ios::binary);
    out << "- targets: [b:" << i << "]\n" << std::flush;
    out << "- targets: [b:" << i << "]\n";
    out.close();
    const std::string target = "b:" + std::to_string(i);
    ASSERT_TRUE(sink_.WaitForAddresses({target, target}));
  }
  for (const DiscoveryUpdate& update : sink_.state().updates) {
    for (const TargetGroup& group : update.groups) {
      EXPECT_FALSE(group.targets.empty());
    }
  }
  EXPECT_EQ(log_.Count("kept its last good"), 0);
}

TEST_F(FileWrittenTest, ADeletedAndRewrittenFileKeepsItsTargetsMeanwhile) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  Start(file);
  fs::remove(file);
  Write(file, Groups({"a:2"}));
  ASSERT_TRUE(sink_.WaitForAddresses({"a:2"}));
  EXPECT_EQ(sink_.state().updates.size(), 2u);
}

// A bad file was due for another look all the while it was being written.
TEST_F(FileWrittenTest, ABadFileThatIsBeingWrittenIsNotScannedOverAndOver) {
  const std::string file = folder_ / "a.json";
  Write(file, Groups({"a:1"}));
  Start(file);
  Replace(file, "nonsense");
  const auto deadline = std::chrono::steady_clock::now() + test::kDeadline;
  while (counters_.values().read_errors == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  std::ofstream out(file, std::ios::binary);
  out << "[" << std::flush;
  const std::uint64_t before = counters_.values().scans;
  // The same thread counts the time, and is given more than one retry.
  std::promise<void> over;
  int ticks = 0;
  const FileWatch::Id ticker = watch_.Add([&](const FileWatch::Hints&) {
    if (++ticks == 40) over.set_value();
    return ticks < 40 ? std::chrono::steady_clock::now() +
                            std::chrono::milliseconds(10)
                      : TimePoint::max();
  });
  ASSERT_EQ(over.get_future().wait_for(test::kDeadline),
            std::future_status::ready);
  EXPECT_LE(counters_.values().scans - before, 40u);
  watch_.Remove(ticker);
}

}  // namespace
}  // namespace ta
