#include "discovery/kubernetes/pod_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "test/discovery/kubernetes/fake_fillers.h"
#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct PodText {
  std::string ns = "x";
  std::string name = "c-0";
  std::string uid = "1";
  std::string phase = "Running";
  std::string ready = "True";
  std::string since = "2026-11-21T12:00:00Z";
  bool deleted = false;
  std::string node = "n";
  std::string label = "a";
};

ObjectPtr Read(const PodText& pod) {
  std::string json = R"({"metadata":{"namespace":")" + pod.ns +
                     R"(","name":")" + pod.name + R"(","uid":")" + pod.uid +
                     R"(","labels":{"l":")" + pod.label + "\"}";
  if (pod.deleted) json += R"(,"deletionTimestamp":"2026-11-21T12:00:00Z")";
  json += R"(},"spec":{"nodeName":")" + pod.node +
          R"(","containers":[{}]},"status":{"phase":")" + pod.phase + "\"";
  if (!pod.ready.empty()) {
    json += R"(,"conditions":[{"type":"Ready","status":")" + pod.ready +
            R"(","lastTransitionTime":")" + pod.since + "\"}]";
  }
  return test::ReadObject(Resource::kPods, json + "}}");
}

class PodMembersFeedTest : public ::testing::Test {
 protected:
  void Start(const std::string& ns = "x") {
    feed_ = std::make_unique<PodMembersFeed>(
        "key", Scope{Resource::kPods, ns}, pool_,
        [&](MembersUpdate update) { sent_.push_back(std::move(update)); },
        [&](std::function<void()> later) { later_.push_back(later); },
        [] {  // 12:00:20.5
          return std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) +
                 std::chrono::hours(12) + std::chrono::milliseconds(20'500);
        });
    filler_ = fillers_.running.begin()->second;
  }
  Store& store() { return *filler_->store; }
  void Problem(const std::string& problem) {
    filler_->state.problem = problem;
    filler_->on_step();
  }
  // Does what was deferred; what was sent since the last call.
  std::vector<MembersUpdate> Sent() {
    while (!later_.empty()) {
      const auto next = later_.front();
      later_.pop_front();
      next();
    }
    return std::exchange(sent_, {});
  }

  test::FakeFillers fillers_;
  WatchPool pool_{fillers_.Starter()};
  std::deque<std::function<void()>> later_;
  std::vector<MembersUpdate> sent_;
  test::FakeFillers::Filler* filler_ = nullptr;
  std::unique_ptr<PodMembersFeed> feed_;  // goes first
};

TEST_F(PodMembersFeedTest, SendsNoListBeforeItHasOne) {
  Start();
  EXPECT_THAT(Sent(), IsEmpty());
  Problem("list pods: connection refused");
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_FALSE(sent[0].complete);
  EXPECT_EQ(sent[0].source, "key");
  EXPECT_EQ(sent[0].problem, "list pods: connection refused");
}

TEST_F(PodMembersFeedTest, ObservesWhatMembersAreJudgedBy) {
  Start();
  store().Replace({
      Read({}),
      Read({.name = "c-1", .uid = "2", .ready = "False"}),
      Read({.name = "c-2", .ready = "False", .since = "yesterday"}),
      Read(
          {.name = "c-3", .ready = "Unknown", .since = "2026-11-21T13:00:00Z"}),
      Read({.name = "c-4", .phase = "Pending", .ready = "", .node = ""}),
      Read({.name = "c-5", .deleted = true}),
  });
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].complete);
  EXPECT_EQ(sent[0].problem, "");
  const auto& members = sent[0].members;
  ASSERT_THAT(members, SizeIs(6));
  const auto pod = [](const std::string& uid, bool ready, int seconds_ago) {
    return PodObservation{uid, "Running", false, ready, seconds(seconds_ago)};
  };
  EXPECT_EQ(members[0], (MemberObservation{"c-0", "n", pod("1", true, 0)}));
  EXPECT_EQ(members[1], (MemberObservation{"c-1", "n", pod("2", false, 20)}));
  EXPECT_EQ(members[2], (MemberObservation{"c-2", "n", pod("1", false, 0)}));
  EXPECT_EQ(members[3], (MemberObservation{"c-3", "n", pod("1", false, 0)}))
      << "its clock is ahead";
  EXPECT_EQ(members[4].pod->phase, "Pending");
  EXPECT_EQ(members[4].node, "");
  EXPECT_FALSE(members[4].pod->ready);
  EXPECT_TRUE(members[5].pod->deleted);
}

TEST_F(PodMembersFeedTest, NobodyIsAList) {
  Start();
  store().Replace({});
  const auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].complete);
  EXPECT_THAT(sent[0].members, IsEmpty());
}

TEST_F(PodMembersFeedTest, SendsWhatChangesTogetherAndNothingElse) {
  Start();
  store().Replace({Read({}), Read({.name = "c-1"})});
  Sent();
  store().Upsert(Read({.label = "b"}));
  EXPECT_THAT(Sent(), IsEmpty());
  store().Upsert(Read({.ready = "False"}));
  store().Upsert(Read({.name = "c-2"}));
  auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].members, SizeIs(3));
  Problem("");
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(PodMembersFeedTest, SaysWhichPodsHaveEnded) {
  Start();
  store().Replace({Read({}), Read({.name = "c-1", .uid = "2"}),
                   Read({.name = "c-2", .uid = "3", .deleted = true})});
  EXPECT_THAT(Sent()[0].ended_pods, IsEmpty());
  store().Upsert(Read({.deleted = true}));
  store().Delete("x/c-0");  // both at once
  store().Delete("x/c-1");  // deselected, for all that is known
  auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].ended_pods, ElementsAre("1"));
  EXPECT_THAT(sent[0].members, SizeIs(1));
  // Another pod of the name, of which a list knows.
  store().Replace({Read({.name = "c-2", .uid = "4"})});
  sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].ended_pods, ElementsAre("3"));
  EXPECT_EQ(sent[0].members[0].pod->uid, "4");
}

TEST_F(PodMembersFeedTest, AProblemBringsNoList) {
  Start();
  store().Replace({Read({})});
  Sent();
  Problem("watch pods: 403");
  auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_FALSE(sent[0].complete);
  EXPECT_EQ(sent[0].problem, "watch pods: 403");
  Problem("watch pods: 403");
  EXPECT_THAT(Sent(), IsEmpty());
  Problem("");
  sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].problem, "");
}

TEST_F(PodMembersFeedTest, OfANameTheFirstNamespaceCountsAndItIsSaid) {
  Start("");
  store().Replace({Read({.ns = "b", .uid = "2"}), Read({.ns = "a", .uid = "1"}),
                   Read({.ns = "a-0", .uid = "3"})});
  auto sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].complete);
  ASSERT_THAT(sent[0].members, SizeIs(1));
  EXPECT_EQ(sent[0].members[0].pod->uid, "1");
  EXPECT_THAT(sent[0].problem, HasSubstr("pod a-0/c-0 is left out"));
  store().Replace({Read({.ns = "a", .uid = "1"})});
  sent = Sent();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].problem, "");
}

TEST_F(PodMembersFeedTest, SharesTheWatchAndLetsItGo) {
  Start();
  const auto other = pool_.Acquire({Resource::kPods, "x"});
  EXPECT_EQ(fillers_.started, 1);
  store().Replace({Read({})});
  feed_.reset();
  EXPECT_THAT(Sent(), IsEmpty()) << "what was deferred is void";
  EXPECT_EQ(pool_.size(), 1u);
}

}  // namespace
}  // namespace ta::kubernetes
