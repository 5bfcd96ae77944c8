#include "discovery/kubernetes/pod_members_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "allocator/members_key.h"
#include "discovery/kubernetes/lister_watcher.h"
#include "test/discovery/kubernetes/fake_cluster.h"
#include "test/discovery/support.h"

namespace ta::kubernetes {
namespace {

using std::chrono::milliseconds;
using test::FakeCluster;
using test::RecordingSink;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const char* NoVariable(const char*) { return nullptr; }

class PodMembersSourceTest : public testing::Test {
 protected:
  PodMembers Settings() const {
    PodMembers settings{true, "x"};
    settings.kube_config_path = kubeconfig_;
    return settings;
  }
  void WriteKubeconfig() const {
    std::ofstream(kubeconfig_)
        << "{current-context: c, contexts: [{name: c, context: {cluster: k}}],"
           " clusters: [{name: k, cluster: {server: 'http://api'}}]}";
  }
  // Waits for a complete list of so many.
  bool WaitForMembers(std::size_t count) {
    return sink_.WaitFor([&](const auto& state) {
      return !state.members.empty() && state.members.back().complete &&
             state.members.back().members.size() == count;
    });
  }

  test::TempFolder folder_;
  const std::string kubeconfig_ = folder_.path() + "/kubeconfig";
  FakeCluster cluster_;
  RecordingSink sink_;
};

TEST_F(PodMembersSourceTest, WithoutASelectorNobodyIsAMemberAndNoServerAsked) {
  Hub hub(cluster_.HubOptions());
  PodMembers settings = Settings();
  settings.has_selector = false;
  PodMembersSource source(settings, &hub, &sink_);
  source.Start();
  const auto sent = sink_.state().members;
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(sent[0].complete);
  EXPECT_EQ(sent[0].source, MembersKey(settings));
  EXPECT_THAT(sent[0].members, IsEmpty());
  EXPECT_EQ(sent[0].problem,
            "collector_selector is not set, so that no pod is a collector");
  EXPECT_EQ(cluster_.counts().listers, 0);
}

TEST_F(PodMembersSourceTest, WaitsForAKubeconfigAndFollowsThePods) {
  cluster_.Put("x", "c-0", "10.0.0.1");
  cluster_.Put("y", "c-1", "10.0.0.2");
  Hub hub(cluster_.HubOptions());
  PodMembersSource source(Settings(), &hub, &sink_);
  source.Start();
  ASSERT_TRUE(sink_.WaitFor([](const auto& state) {
    return !state.members.empty() && !state.members[0].problem.empty();
  }));
  EXPECT_FALSE(sink_.state().members[0].complete);
  EXPECT_THAT(sink_.state().members[0].problem, HasSubstr("/kubeconfig"));
  WriteKubeconfig();
  ASSERT_TRUE(WaitForMembers(1));
  EXPECT_EQ(sink_.state().members.back().source, MembersKey(Settings()));
  EXPECT_EQ(sink_.state().members.back().members[0].name, "c-0");
  ASSERT_TRUE(
      cluster_.WaitFor([](const auto& counts) { return counts.watches == 1; }));
  cluster_.Put("x", "c-2", "10.0.0.3");
  ASSERT_TRUE(WaitForMembers(2));
  source.Stop();
  const auto count = sink_.state().members.size();
  cluster_.Put("x", "c-3", "10.0.0.4");
  source.Stop();
  EXPECT_EQ(sink_.state().members.size(), count);
}

TEST(CheckClusterTest, NoClusterAtAllIsAnErrorThatNamesCollectors) {
  const ClusterPlaces nowhere{.get_env = NoVariable};
  const auto found = CheckCluster(PodMembers{true, "x"}, nowhere);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message,
              HasSubstr("collectors: without static, file or polling they are "
                        "pods, and there is no cluster to find them in: "));
  EXPECT_THAT(found.error().message, HasSubstr("kube_config_file_path"));
  EXPECT_TRUE(CheckCluster(PodMembers{false, "x"}, nowhere));
  PodMembers named{true, "x"};
  named.kube_config_path = "/does/not/exist/yet";
  EXPECT_TRUE(CheckCluster(named, nowhere));
}

}  // namespace
}  // namespace ta::kubernetes
