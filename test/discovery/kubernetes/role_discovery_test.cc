#include "discovery/kubernetes/role_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "test/discovery/kubernetes/fake_fillers.h"
#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using test::FakeFillers;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RoleDiscoveryTest : public ::testing::Test {
 protected:
  std::unique_ptr<RoleDiscovery> Make(const RoleConfig& config,
                                      std::vector<std::string> namespaces) {
    return std::make_unique<RoleDiscovery>(
        config, namespaces, pool_,
        [&](RoleUpdate update) { sent_.push_back(std::move(update)); },
        [&](std::function<void()> later) { later_.push_back(later); },
        &building_);
  }
  // Does what was deferred; what was sent since the last call.
  std::vector<RoleUpdate> Sent() {
    while (!later_.empty()) {
      const auto next = later_.front();
      later_.pop_front();
      next();
    }
    return std::exchange(sent_, {});
  }
  static ObjectPtr Pod(const std::string& ns, const std::string& name,
                       const std::string& ip = "10.0.0.1") {
    return test::ReadObject(Resource::kPods,
                            R"({"metadata":{"namespace":")" + ns +
                                R"(","name":")" + name +
                                R"("},"spec":{"nodeName":"n","containers":[{}]},
            "status":{"podIP":")" +
                                ip + "\"}}");
  }
  static std::vector<std::string> Sources(const RoleUpdate& update) {
    std::vector<std::string> sources;
    for (const auto& group : update.groups) sources.push_back(group.source);
    return sources;
  }

  StageStats building_;
  FakeFillers fillers_;
  WatchPool pool_{fillers_.Starter()};
  std::deque<std::function<void()>> later_;
  std::vector<RoleUpdate> sent_;
};

TEST_F(RoleDiscoveryTest, SendsNothingUntilEveryListIsIn) {
  const auto discovery = Make({RoleKind::kPod, {.node = true}}, {"a", "b"});
  EXPECT_EQ(pool_.size(), 3u);
  fillers_.StoreOf(Resource::kPods, "a").Replace({Pod("a", "1")});
  fillers_.StoreOf(Resource::kPods, "b").Replace({Pod("b", "2")});
  EXPECT_THAT(Sent(), IsEmpty());
  fillers_.StoreOf(Resource::kNodes).Replace({});
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].synced);
  EXPECT_THAT(Sources(sent[0]), ElementsAre("pod/a/1", "pod/b/2"));
  EXPECT_EQ(building_.items.load(), 2u);
  EXPECT_TRUE(discovery->synced());
}

TEST_F(RoleDiscoveryTest, EmptyClusterIsAnAnswer) {
  const auto discovery = Make({RoleKind::kPod}, {""});
  fillers_.StoreOf(Resource::kPods).Replace({});
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].synced);
  EXPECT_THAT(sent[0].groups, IsEmpty());
}

TEST_F(RoleDiscoveryTest, ThenSendsWhatChangesTogether) {
  const auto discovery = Make({RoleKind::kPod}, {""});
  Store& pods = fillers_.StoreOf(Resource::kPods);
  pods.Replace({Pod("a", "1"), Pod("a", "2"), Pod("a", "3")});
  Sent();
  pods.Upsert(Pod("a", "2", "10.0.0.2"));
  pods.Upsert(Pod("a", "2", "10.0.0.3"));
  pods.Delete("a/1");
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  ASSERT_THAT(Sources(sent[0]), ElementsAre("pod/a/1", "pod/a/2"));
  EXPECT_THAT(sent[0].groups[0].targets, IsEmpty());
  EXPECT_EQ(sent[0].groups[1].targets[0].Get("__address__"), "10.0.0.3");
  EXPECT_TRUE(sent[0].synced);
}

TEST_F(RoleDiscoveryTest, RelistThatFindsNothingNewSendsNothing) {
  const auto discovery = Make({RoleKind::kPod}, {""});
  Store& pods = fillers_.StoreOf(Resource::kPods);
  pods.Replace({Pod("a", "1")});
  Sent();
  pods.Replace({Pod("a", "1")});
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(RoleDiscoveryTest, TwoHundredDiscoverersShareTheirWatches) {
  std::vector<std::unique_ptr<RoleDiscovery>> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(Make({RoleKind::kEndpointSlice}, {""}));
  EXPECT_EQ(fillers_.started, 3);
  // With another selector it is another watch.
  all.push_back(
      Make({RoleKind::kPod, {}, {{RoleKind::kPod, {"app=x", ""}}}}, {""}));
  EXPECT_EQ(fillers_.started, 4);
  all.clear();
  EXPECT_THAT(fillers_.running, IsEmpty());
  EXPECT_EQ(pool_.size(), 0u);
}

TEST_F(RoleDiscoveryTest, OneThatComesLaterFindsTheStoresFilled) {
  const auto first = Make({RoleKind::kPod}, {""});
  fillers_.StoreOf(Resource::kPods).Replace({Pod("a", "1")});
  Sent();
  const auto second = Make({RoleKind::kPod}, {""});
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(Sources(sent[0]), ElementsAre("pod/a/1"));
}

TEST_F(RoleDiscoveryTest, SaysWhatIsWrongAndThatItIsMended) {
  const auto discovery = Make({RoleKind::kPod}, {""});
  Sent();
  auto& filler = *fillers_.running.at(Scope{Resource::kPods});
  filler.state.problem = "list pods: HTTP 403";
  filler.on_step();
  filler.on_step();
  auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].problem, "role pod: list pods: HTTP 403");
  EXPECT_FALSE(sent[0].synced);
  filler.state.problem.clear();
  filler.on_step();
  sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].problem, "");
}

TEST_F(RoleDiscoveryTest, SendsNothingOnceItIsGone) {
  auto discovery = Make({RoleKind::kPod}, {""});
  const auto other = Make({RoleKind::kPod}, {""});
  Sent();
  fillers_.StoreOf(Resource::kPods).Replace({});
  discovery.reset();
  EXPECT_THAT(Sent(), SizeIs(1));
}

}  // namespace
}  // namespace ta::kubernetes
