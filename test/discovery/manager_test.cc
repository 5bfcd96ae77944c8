#include "discovery/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "allocator/members_key.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using test::RecordingSink;
using test::TempFolder;
using test::Write;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;

// What the fakes did, in order: "start a", "stop a". Thread-safe.
class Events {
 public:
  void Add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  // Waits for the last one to be `event`, and tells all.
  std::vector<std::string> Until(const std::string& event) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, test::kDeadline, [&] {
      return !events_.empty() && events_.back() == event;
    });
    return events_;
  }
  std::vector<std::string> Now() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> events_;  // guarded by mutex_
};

class FakeDiscoverer final : public Discoverer {
 public:
  FakeDiscoverer(std::string key, Events* events, UpdateSink* sink)
      : key_(std::move(key)), events_(events), sink_(sink) {}
  void Start() override {
    events_->Add("start " + key_);
    Send();
  }
  // One whose key is "slow" stops once the test lets it, and talks until then.
  void Stop() override {
    if (key_ == "slow") {
      events_->Add("stopping slow");
      events_->Until("let it stop");
      Send();
    }
    events_->Add("stop " + key_);
  }

 private:
  void Send() {
    DiscoveryUpdate update;
    update.discoverer = key_;
    sink_->Discovered(std::move(update));
  }
  const std::string key_;
  Events* const events_;
  UpdateSink* const sink_;
};

// One job for each list of keys.
Config ConfigOf(const std::vector<std::vector<std::string>>& jobs) {
  Config config;
  config.members = StaticMembers{};
  for (const auto& keys : jobs) {
    auto job = std::make_shared<ScrapeConfig>();
    job->job_name = "job-" + std::to_string(config.jobs.size());
    for (const std::string& key : keys) {
      job->discoveries.push_back({"fake", key, UnimplementedDiscovery{}});
    }
    config.jobs.push_back(job);
  }
  return config;
}

class ManagerTest : public testing::Test {
 protected:
  RecordingSink sink_;
  Events events_;
  DiscoveryManager manager_{
      &sink_, FileWatch::Options{},
      [this](const DiscoveryConfig& config,
             const DiscovererContext& context) -> std::unique_ptr<Discoverer> {
        if (config.key == "unimplemented") return nullptr;
        return std::make_unique<FakeDiscoverer>(config.key, &events_,
                                                context.sink);
      }};
};

TEST_F(ManagerTest, EqualConfigurationsShareADiscoverer) {
  manager_.Apply(ConfigOf({{"a", "b"}, {"b"}, {"unimplemented"}}));
  EXPECT_THAT(events_.Now(), ElementsAre("start a", "start b"));
  EXPECT_THAT(manager_.Running(), ElementsAre("a", "b"));
  manager_.Apply(ConfigOf({{"b"}, {"a"}}));
  EXPECT_EQ(events_.Now().size(), 2u);
}

TEST_F(ManagerTest, WhatTheAllocatorStillFeedsFromRunsOn) {
  manager_.Apply(ConfigOf({{"old"}}));
  manager_.Retain({"old"});
  manager_.Apply(ConfigOf({{"new"}}));
  EXPECT_THAT(manager_.Running(), ElementsAre("new", "old"));
  manager_.Retain({"old", "new"});
  EXPECT_THAT(manager_.Running(), ElementsAre("new", "old"));
  manager_.Retain({"new"});
  EXPECT_THAT(manager_.Running(), ElementsAre("new"));
  EXPECT_THAT(events_.Until("stop old"),
              ElementsAre("start old", "start new", "stop old"));
}

TEST_F(ManagerTest, WhatTheAllocatorHasNotHeardOfYetRunsOn) {
  manager_.Apply(ConfigOf({{"a"}}));
  manager_.Retain({});
  EXPECT_THAT(manager_.Running(), ElementsAre("a"));
}

TEST_F(ManagerTest, NothingRunsAfterStop) {
  manager_.Apply(ConfigOf({{"a"}}));
  manager_.Stop();
  manager_.Stop();
  EXPECT_THAT(events_.Now(), ElementsAre("start a", "stop a"));
  manager_.Apply(ConfigOf({{"b"}}));
  EXPECT_THAT(manager_.Running(), IsEmpty());
}

// A file system that hangs held up the reload, and with it everything.
TEST_F(ManagerTest, AReloadDoesNotWaitForOneThatStopsSlowly) {
  manager_.Apply(ConfigOf({{"slow"}}));
  manager_.Apply(ConfigOf({{"a"}}));
  manager_.Retain({"a"});
  EXPECT_THAT(manager_.Running(), ElementsAre("a"));
  events_.Until("stopping slow");
  events_.Add("let it stop");
  events_.Until("stop slow");
  ASSERT_EQ(sink_.state().updates.size(), 2u) << "it is heard no more";
  EXPECT_EQ(sink_.state().updates[1].discoverer, "a");
}

TEST_F(ManagerTest, UpdatesTellASuccessorFromTheOneBefore) {
  manager_.Apply(ConfigOf({{"a"}}));
  manager_.Apply(ConfigOf({{"b"}}));
  manager_.Retain({"b"});
  manager_.Apply(ConfigOf({{"a"}, {"b"}}));
  std::vector<std::uint64_t> instances;
  for (const DiscoveryUpdate& update : sink_.state().updates) {
    instances.push_back(update.instance);
  }
  EXPECT_THAT(instances,
              ElementsAre(Gt(0u), Gt(instances[0]), Gt(instances[1])));
}

TEST_F(ManagerTest, AStaticListOfCollectorsIsSentOnceForEachOther) {
  Config config = ConfigOf({});
  config.members = StaticMembers{{{"c-0", "n-0"}, {"c-1", ""}}};
  manager_.Apply(config);
  manager_.Apply(config);
  ASSERT_EQ(sink_.state().members.size(), 1u);
  const MembersUpdate update = sink_.state().members[0];
  EXPECT_EQ(update.source, MembersKey(config.members));
  EXPECT_TRUE(update.complete);
  EXPECT_THAT(update.members, ElementsAre(MemberObservation{"c-0", "n-0"},
                                          MemberObservation{"c-1", ""}));
  config.members = PollingMembers{};
  manager_.Apply(config);
  config.members = StaticMembers{{{"c-0", ""}}};
  manager_.Apply(config);
  EXPECT_EQ(sink_.state().members.size(), 2u);
}

class ManagerMembersTest : public testing::Test {
 protected:
  void Apply(const std::string& file, int reload = 0) {
    Config config = ConfigOf({});
    config.members = FileMembers{folder_ / file};
    config.coalesce_interval = std::chrono::milliseconds(reload);
    manager_.Apply(config);
  }
  // Of the source `file`, until one complete list has just this member.
  bool WaitForMember(const std::string& file, const std::string& name) {
    const std::string source = MembersKey(FileMembers{folder_ / file});
    return sink_.WaitFor([&](const RecordingSink::State& state) {
      return std::ranges::any_of(state.members, [&](const MembersUpdate& each) {
        return each.source == source && each.complete &&
               each.members == std::vector<MemberObservation>{{name, ""}};
      });
    });
  }
  bool WaitForProblem(const std::string& file) {
    const std::string source = MembersKey(FileMembers{folder_ / file});
    return sink_.WaitFor([&](const RecordingSink::State& state) {
      return std::ranges::any_of(state.members, [&](const MembersUpdate& each) {
        return each.source == source && !each.complete;
      });
    });
  }

  const TempFolder folder_;
  RecordingSink sink_;
  DiscoveryManager manager_{&sink_};
};

// The allocator still has its members, and missed what became of them.
TEST_F(ManagerMembersTest, TheOldSourceRunsUntilTheNewOneHasAnswered) {
  Write(folder_ / "a.yaml", "[c-0]");
  Apply("a.yaml");
  ASSERT_TRUE(WaitForMember("a.yaml", "c-0"));
  Apply("b.yaml");
  ASSERT_TRUE(WaitForProblem("b.yaml"));
  Apply("b.yaml", 1);
  Apply("b.yaml", 2);
  Write(folder_ / "a.yaml", "[c-1]");
  ASSERT_TRUE(WaitForMember("a.yaml", "c-1"));
  Apply("c.yaml");
  ASSERT_TRUE(WaitForProblem("c.yaml"));
  Write(folder_ / "a.yaml", "[c-2]");
  ASSERT_TRUE(WaitForMember("a.yaml", "c-2"));

  Write(folder_ / "c.yaml", "[d-0]");
  ASSERT_TRUE(WaitForMember("c.yaml", "d-0"));
  const std::size_t updates = sink_.state().members.size();
  Write(folder_ / "a.yaml", "[c-3]");
  Write(folder_ / "c.yaml", "[d-1]");
  ASSERT_TRUE(WaitForMember("c.yaml", "d-1"));
  EXPECT_EQ(sink_.state().members.size(), updates + 1);
}

// It ran on beside polling, forever, and nobody listened.
TEST_F(ManagerMembersTest, NothingIsWatchedForPollingMembers) {
  Write(folder_ / "a.yaml", "[c-0]");
  Apply("a.yaml");
  ASSERT_TRUE(WaitForMember("a.yaml", "c-0"));
  EXPECT_GT(manager_.watch().stats().watched_directories, 0u);
  Config config = ConfigOf({});
  config.members = PollingMembers{};
  manager_.Apply(config);
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (manager_.watch().stats().watched_directories > 0 &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(manager_.watch().stats().watched_directories, 0u);
  Apply("a.yaml");
  Write(folder_ / "a.yaml", "[c-1]");
  EXPECT_TRUE(WaitForMember("a.yaml", "c-1"));
}

TEST(ManagerMechanismsTest, TheTableMakesWhatIsImplemented) {
  EXPECT_THAT(ImplementedMechanisms(),
              ElementsAre("dns", "file", "http", "kubernetes", "static"));
  EXPECT_EQ(
      MakeDiscoverer({"consul", "consul:x", UnimplementedDiscovery{}}, {}),
      nullptr);
}

TEST(ManagerMechanismsTest, StaticAndFileDiscoveryRun) {
  const TempFolder folder;
  Write(folder / "a.json", test::Groups({"a:1"}));
  Config config;
  config.members = PollingMembers{};
  auto job = std::make_shared<ScrapeConfig>();
  TargetGroup group;
  group.source = "0";
  group.targets = {Labels::Of({{"__address__", "s:1"}})};
  job->discoveries.push_back({"static", "static:0", StaticDiscovery{{group}}});
  job->discoveries.push_back(
      {"file", "file:0", FileDiscovery{{folder / "*.json"}}});
  config.jobs.push_back(job);
  RecordingSink sink;
  DiscoveryManager manager(&sink);
  manager.Apply(config);
  EXPECT_TRUE(sink.WaitFor([](const RecordingSink::State& state) {
    return state.groups.size() == 2 &&
           std::ranges::all_of(state.updates, &DiscoveryUpdate::synced);
  }));
  EXPECT_EQ(manager.file_values().modified_seconds.size(), 1u);
}

}  // namespace
}  // namespace ta
