#include "discovery/kubernetes/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "discovery/kubernetes/lister_watcher.h"
#include "test/discovery/kubernetes/fake_cluster.h"
#include "test/discovery/support.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using test::FakeCluster;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What was told on the hub's thread, in order. Thread-safe.
class Told {
 public:
  void Add(std::string what) {
    const std::lock_guard lock(mutex_);
    told_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::vector<std::string> Now() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  // Waits for so many.
  std::vector<std::string> Until(std::size_t count) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, test::kDeadline,
                      [&] { return told_.size() >= count; });
    return told_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> told_;  // guarded by mutex_
};

// Holds watches as long as it lives.
struct Watches {
  Watches(Connection& connection, const std::vector<Scope>& scopes, Told& told)
      : told(told) {
    for (const Scope& scope : scopes) {
      held.push_back(connection.pool().Acquire(scope));
    }
    told.Add("made for " + connection.server());
  }
  ~Watches() { told.Add("gone"); }

  Told& told;
  std::vector<std::shared_ptr<SharedWatch>> held;
};

ClusterSource Server(const std::string& url) {
  ClusterSource source{.kind = ClusterSource::Kind::kSettings};
  source.settings.server = url;
  return source;
}

class HubTest : public testing::Test {
 protected:
  std::unique_ptr<Hub::Session> Open(Hub& hub, ClusterSource source,
                                     std::vector<Scope> scopes = {
                                         {Resource::kPods}}) {
    return hub.Open(
        std::move(source),
        [this, scopes](Connection& connection) -> Result<Hub::User> {
          return std::make_shared<Watches>(connection, scopes, told_);
        },
        [this](const std::string& problem) { told_.Add(problem); });
  }
  bool WaitForWatches(int count) {
    return cluster_.WaitFor(
        [&](const auto& counts) { return counts.watches == count; });
  }

  FakeCluster cluster_;
  Told told_;
};

TEST_F(HubTest, WithoutSessionsNothingRuns) {
  const Hub hub;
  EXPECT_THAT(hub.status().watches, IsEmpty());
}

TEST_F(HubTest, EqualScopesOfEqualConnectionsAreOneWatch) {
  Hub hub(cluster_.HubOptions());
  std::vector<std::unique_ptr<Hub::Session>> sessions;
  for (int i = 0; i < 200; ++i) {
    sessions.push_back(Open(hub, Server("http://a:8080")));
  }
  EXPECT_THAT(told_.Until(200), SizeIs(200));
  const FakeCluster::Counts one_of_each{1, 1, 1, 1};
  EXPECT_TRUE(cluster_.WaitFor(
      [&](const auto& counts) { return counts == one_of_each; }));
  const auto status = hub.status();
  EXPECT_EQ(status.connections, 1u);
  ASSERT_THAT(status.watches, SizeIs(1));
  EXPECT_EQ(status.watches[0].server, "a:8080");
  EXPECT_TRUE(status.watches[0].synced);
  EXPECT_TRUE(status.watches[0].age);
}

TEST_F(HubTest, OtherScopesAndOtherConnectionsAreOtherWatches) {
  Hub hub(cluster_.HubOptions());
  const auto a = Open(hub, Server("http://a:8080"));
  const auto b = Open(hub, Server("http://a:8080"), {{Resource::kPods, "x"}});
  const auto c = Open(hub, Server("http://b"));
  auto other = Server("http://a:8080");
  other.settings.token.text = "somebody else";
  const auto d = Open(hub, other);
  ASSERT_TRUE(WaitForWatches(4));
  std::vector<std::string> servers;
  for (const WatchStatus& watch : hub.status().watches) {
    servers.push_back(watch.server + " " + Describe(watch.scope));
  }
  EXPECT_THAT(servers, ElementsAre("a:8080 pods", "a:8080 pods in x",
                                   "a:8080#2 pods", "b pods"));
}

TEST_F(HubTest, LastSessionEndsWatchAndConnection) {
  Hub hub(cluster_.HubOptions());
  auto a = Open(hub, Server("http://a"));
  auto b = Open(hub, Server("http://a"));
  ASSERT_TRUE(WaitForWatches(1));
  told_.Until(2);
  a->Close();
  EXPECT_THAT(told_.Now(), ElementsAre("made for a", "made for a", "gone"));
  EXPECT_EQ(cluster_.counts().waiting, 1);
  b.reset();
  EXPECT_THAT(told_.Now(), SizeIs(4));
  EXPECT_TRUE(cluster_.WaitFor([](const auto& counts) {
    return counts.waiting == 0 && counts.listers == 0;
  }));
  EXPECT_EQ(hub.status().connections, 0u);
}

TEST_F(HubTest, ClosesWhileItsListHangs) {
  cluster_.Set(FakeCluster::Mood::kSilent);
  Hub hub(cluster_.HubOptions());
  auto session = Open(hub, Server("http://a"));
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.waiting == 1; }));
  session->Close();
  EXPECT_EQ(told_.Now().back(), "gone");
  EXPECT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.listers == 0; }));
}

TEST_F(HubTest, ClosedBeforeItBeganItMakesNothing) {
  Hub hub(cluster_.HubOptions());
  for (int i = 0; i < 50; ++i) {
    auto session = Open(hub, Server("http://a"));
    session->Close();
    session->Close();
  }
  std::size_t made = 0, gone = 0;
  for (const std::string& what : told_.Now()) {
    ++(what == "gone" ? gone : made);
  }
  EXPECT_EQ(made, gone);
}

TEST_F(HubTest, EndsWithRequestsUnderWay) {
  auto hub = std::make_unique<Hub>(cluster_.HubOptions());
  auto session = Open(*hub, Server("http://a"));
  ASSERT_TRUE(WaitForWatches(1));
  session.reset();
  hub.reset();
  EXPECT_EQ(cluster_.counts().listers, 0);
  EXPECT_EQ(cluster_.counts().waiting, 0);
}

// A kubeconfig is often mounted or written after the start.
TEST_F(HubTest, KubeconfigMayComeLater) {
  const test::TempFolder folder;
  Hub hub(cluster_.HubOptions());
  const auto session = Open(hub, {.kind = ClusterSource::Kind::kKubeconfig,
                                  .kubeconfig = folder / "config"});
  EXPECT_THAT(told_.Until(1),
              ElementsAre(HasSubstr("No such file or directory")));
  // As long as nothing else is wrong, nothing is said again.
  test::Replace(folder / "config", "nonsense");
  EXPECT_THAT(told_.Until(2)[1], HasSubstr("expected a map"));
  test::Replace(folder / "config",
                "current-context: c\n"
                "contexts: [{name: c, context: {cluster: c}}]\n"
                "clusters: [{name: c, cluster: {server: 'http://late'}}]\n");
  EXPECT_EQ(told_.Until(3)[2], "made for late");
}

TEST_F(HubTest, WithoutClusterItSaysWhatItLookedFor) {
  HubOptions options = cluster_.HubOptions();
  options.places.get_env = [](const char*) -> const char* { return nullptr; };
  Hub hub(options);
  auto session = Open(hub, {});
  EXPECT_THAT(told_.Until(1),
              ElementsAre(HasSubstr("KUBERNETES_SERVICE_HOST")));
  session->Close();
}

TEST_F(HubTest, UserThatCannotBeMadeIsTriedAgain) {
  Hub hub(cluster_.HubOptions());
  int tries = 0;  // on the hub's thread
  const auto session = hub.Open(
      Server("http://a"),
      [&](Connection& connection) -> Result<Hub::User> {
        if (++tries < 3) return Reject("no namespace");
        return std::make_shared<Watches>(connection, std::vector<Scope>(),
                                         told_);
      },
      [&](const std::string& problem) { told_.Add(problem); });
  EXPECT_THAT(told_.Until(3), ElementsAre("no namespace", "made for a", ""));
}

TEST_F(HubTest, StatusCountsChangesAndFailuresOverAllTime) {
  cluster_.Put("x", "a", "10.0.0.1");
  Hub hub(cluster_.HubOptions());
  auto session = Open(hub, Server("http://a"));
  ASSERT_TRUE(WaitForWatches(1));
  cluster_.Put("x", "a", "10.0.0.2");
  cluster_.Put("x", "b", "10.0.0.3");
  cluster_.Delete("x", "a");
  cluster_.PutBad("x", "c");
  EXPECT_EQ(hub.status().watches[0].objects, 1u);
  EXPECT_EQ(hub.status().watches[0].bad_objects, 1u);
  cluster_.Cut();
  ASSERT_TRUE(WaitForWatches(2));
  session.reset();
  const WatchTotals totals = hub.status().totals;
  EXPECT_THAT(totals.changes[static_cast<int>(Resource::kPods)],
              ElementsAre(2, 1, 1));
  EXPECT_EQ(totals.failures, 1u);
}

}  // namespace
}  // namespace ta::kubernetes
