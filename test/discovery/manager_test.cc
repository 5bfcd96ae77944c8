#include "discovery/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator/members_key.h"
#include "test/discovery/support.h"

namespace ta {
namespace {

using test::RecordingSink;
using test::TempFolder;
using test::Write;
using testing::ElementsAre;
using testing::IsEmpty;

// What the fakes did, in order: "start a", "stop a".
using Events = std::vector<std::string>;

class FakeDiscoverer final : public Discoverer {
 public:
  FakeDiscoverer(std::string key, Events* events)
      : key_(std::move(key)), events_(events) {}
  void Start() override { events_->push_back("start " + key_); }
  void Stop() override { events_->push_back("stop " + key_); }

 private:
  const std::string key_;
  Events* const events_;
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
             const DiscovererContext&) -> std::unique_ptr<Discoverer> {
        if (config.key == "unimplemented") return nullptr;
        return std::make_unique<FakeDiscoverer>(config.key, &events_);
      }};
};

TEST_F(ManagerTest, EqualConfigurationsShareADiscoverer) {
  manager_.Apply(ConfigOf({{"a", "b"}, {"b"}, {"unimplemented"}}));
  EXPECT_THAT(events_, ElementsAre("start a", "start b"));
  EXPECT_THAT(manager_.Running(), ElementsAre("a", "b"));
  manager_.Apply(ConfigOf({{"b"}, {"a"}}));
  EXPECT_EQ(events_.size(), 2u);
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
  EXPECT_THAT(events_, ElementsAre("start old", "start new", "stop old"));
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
  EXPECT_THAT(events_, ElementsAre("start a", "stop a"));
  manager_.Apply(ConfigOf({{"b"}}));
  EXPECT_THAT(manager_.Running(), IsEmpty());
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

TEST(ManagerMechanismsTest, TheTableMakesWhatIsImplemented) {
  EXPECT_THAT(ImplementedMechanisms(), ElementsAre("file", "static"));
  EXPECT_EQ(MakeDiscoverer({"http", "http:x", UnimplementedDiscovery{}}, {}),
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
