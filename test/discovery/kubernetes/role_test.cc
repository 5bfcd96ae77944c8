#include "discovery/kubernetes/role.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>

#include "test/allocator/relabel_case.h"
#include "test/discovery/kubernetes/role_case.h"
#include "test/discovery/kubernetes/zoo.h"

namespace ta::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Collects the keys that changes touch, as a discoverer does.
class TouchedKeys : public StoreListener {
 public:
  explicit TouchedKeys(test::Cluster& cluster) : cluster_(cluster) {
    for (int i = 0; i < kResourceCount; ++i) {
      cluster.store(static_cast<Resource>(i)).AddListener(this);
    }
  }
  void Changed(const Store& store, const Object* before,
               const Object* now) override {
    for (const Scope& scope : watched) {
      if (scope.resource != store.scope().resource) continue;
      cluster_.role().Touched(before, now,
                              [&](std::string_view key) { keys.emplace(key); });
    }
  }
  void Settled(const Store&) override {}
  std::set<std::string> Take() { return std::exchange(keys, {}); }

  std::vector<Scope> watched;
  std::set<std::string> keys;

 private:
  test::Cluster& cluster_;
};

TEST(RoleTest, RecordedClustersHaveTheGroupsThatPrometheusFinds) {
  int cases = 0;
  for (const auto& folder : std::filesystem::directory_iterator(
           TA_SOURCE_DIR "/test/testdata/kubernetes")) {
    if (!folder.is_directory()) continue;
    ++cases;
    const std::string path = folder.path().string();
    const auto cluster =
        test::ReadCluster(test::ReadFile(path + "/input.json"));
    EXPECT_EQ(test::Difference(test::FoundGroups(*cluster),
                               test::ExpectedGroups(
                                   test::ReadFile(path + "/expected.json"))),
              "")
        << path;
  }
  EXPECT_GE(cases, 25);
}

TEST(RoleTest, WatchesWhatItShows) {
  const auto resources = [](const RoleConfig& config) {
    std::vector<Resource> found;
    for (const Scope& scope : ScopesOf(config, "x")) {
      found.push_back(scope.resource);
      EXPECT_EQ(scope.ns, InfoOf(scope.resource).namespaced ? "x" : "");
    }
    return found;
  };
  const AttachMetadata all{true, true, true, true, true};
  EXPECT_THAT(resources({RoleKind::kNode, all}), ElementsAre(Resource::kNodes));
  EXPECT_THAT(resources({RoleKind::kService, all}),
              ElementsAre(Resource::kServices, Resource::kNamespaces));
  EXPECT_THAT(resources({RoleKind::kPod}), ElementsAre(Resource::kPods));
  // A job's name stands in its pods.
  EXPECT_THAT(resources({RoleKind::kPod, {.job = true}}),
              ElementsAre(Resource::kPods));
  EXPECT_THAT(
      resources({RoleKind::kEndpointSlice, all}),
      ElementsAre(Resource::kEndpointSlices, Resource::kServices,
                  Resource::kPods, Resource::kNodes, Resource::kNamespaces,
                  Resource::kReplicaSets, Resource::kJobs));
}

TEST(RoleTest, SelectorAppliesToTheResourceOfItsRole) {
  const RoleConfig config{RoleKind::kEndpoints,
                          {.node = true},
                          {{RoleKind::kPod, {"app=a", "spec.nodeName=n"}},
                           {RoleKind::kEndpoints, {"app=e", ""}}}};
  EXPECT_THAT(
      ScopesOf(config, "x"),
      ElementsAre(Scope{Resource::kEndpoints, "x", "app=e", ""},
                  Scope{Resource::kServices, "x"},
                  Scope{Resource::kPods, "x", "app=a", "spec.nodeName=n"},
                  Scope{Resource::kNodes}));
}

std::string PodJson(int i, std::string_view node) {
  const std::string name = "p" + std::to_string(i);
  return R"({"kind":"Pod","metadata":{"namespace":"x","name":")" + name +
         R"("},"spec":{"nodeName":")" + std::string(node) +
         R"(","containers":[{"name":"c"}]},"status":{"podIP":"10.0.0.1"}})";
}

std::string NodeJson(std::string_view label, std::string_view ready) {
  return R"({"kind":"Node","metadata":{"name":"n1","labels":{"l":")" +
         std::string(label) +
         R"("}},"status":{"conditions":[{"type":"Ready","status":")" +
         std::string(ready) + R"("}]}})";
}

TEST(RoleTest, ChangedNodeTouchesItsPodsAndOnlyByWhatTheyShow) {
  test::Cluster cluster(RoleKind::kPod, {.node = true});
  TouchedKeys touched(cluster);
  touched.watched = ScopesOf({RoleKind::kPod, {.node = true}}, "");
  for (int i = 0; i < 4; ++i) cluster.Add(PodJson(i, i < 2 ? "n1" : "n2"));
  EXPECT_THAT(cluster.role().Build("x/p0").targets, IsEmpty());
  touched.Take();
  cluster.Add(NodeJson("a", "True"));
  EXPECT_THAT(touched.Take(), UnorderedElementsAre("x/p0", "x/p1"));
  EXPECT_EQ(cluster.role().Build("x/p0").targets.size(), 1u);
  cluster.Add(NodeJson("a", "False"));
  EXPECT_THAT(touched.Take(), IsEmpty());
  cluster.Add(NodeJson("b", "False"));
  EXPECT_THAT(touched.Take(), UnorderedElementsAre("x/p0", "x/p1"));
}

TEST(RoleTest, ChangedPodTouchesOnlyTheSlicesThatReferToIt) {
  const RoleConfig config{RoleKind::kEndpointSlice};
  test::Cluster cluster(config.kind, config.attach);
  TouchedKeys touched(cluster);
  touched.watched = ScopesOf(config, "");
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    cluster.Add(PodJson(i, "n1"));
    cluster.Add(
        R"({"kind":"EndpointSlice","metadata":{"namespace":"x","name":"s)" + n +
        R"("},"ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"],
            "targetRef":{"kind":"Pod","namespace":"x","name":"p)" +
        n + "\"}}]}");
  }
  touched.Take();
  cluster.Add(PodJson(42, "n2"));
  EXPECT_THAT(touched.Take(), UnorderedElementsAre("x/s42"));
}

TEST(RoleTest, GroupOfWhatIsGoneIsEmpty) {
  test::Cluster cluster(RoleKind::kService, {});
  EXPECT_EQ(cluster.role().Build("x/s"), TargetGroup{"svc/x/s"});
}

TEST(RoleTest, NodeWithoutAddressIsLeftOutWithAReason) {
  test::Cluster cluster(RoleKind::kNode, {});
  cluster.Add(R"({"kind":"Node","metadata":{"name":"n"}})");
  const TargetGroup group = cluster.role().Build("n");
  EXPECT_THAT(group.targets, IsEmpty());
  EXPECT_THAT(group.invalid,
              ElementsAre(InvalidTarget{"n", "it has no address"}));
}

TEST(RoleTest, TruncatedEndpointsSayThatSomeAreMissing) {
  test::Cluster cluster(RoleKind::kEndpoints, {});
  cluster.Add(R"({"kind":"Endpoints","metadata":{"namespace":"x","name":"s",
    "annotations":{"endpoints.kubernetes.io/over-capacity":"truncated"}},
    "subsets":[{"addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":80}]}]})");
  const TargetGroup group = cluster.role().Build("x/s");
  EXPECT_EQ(group.targets.size(), 1u);
  ASSERT_EQ(group.invalid.size(), 1u);
  EXPECT_EQ(group.invalid[0].what, "endpoints x/s");
}

TEST(RoleTest, IsSyncedWhenAllItsStoresAre) {
  test::Cluster cluster(RoleKind::kPod, {.ns = true});
  EXPECT_FALSE(cluster.role().synced());
  cluster.store(Resource::kPods).Replace({});
  EXPECT_FALSE(cluster.role().synced());
  cluster.store(Resource::kNamespaces).Replace({});
  EXPECT_TRUE(cluster.role().synced());
}

// Whatever changes, building again what was touched is the same as building
// everything: no group is ever old.
TEST(RoleTest, RebuildingWhatWasTouchedEqualsRebuildingAll) {
  std::mt19937 random(7);
  test::ZooMaker zoo(7);
  for (int round = 0; round < 24; ++round) {
    const auto kind = static_cast<RoleKind>(round % 6);
    const bool some = round % 4 != 0;
    const RoleConfig config{kind, {some, some, some, some, some}};
    test::Cluster cluster(kind, config.attach);
    TouchedKeys touched(cluster);
    touched.watched = ScopesOf(config, "");
    std::map<std::string, TargetGroup> groups;
    for (int step = 0; step < 15; ++step) {
      for (const std::string& object : zoo.Objects()) {
        if (random() % 3 != 0) cluster.Add(object);
      }
      for (int i = 0; i < kResourceCount; ++i) {
        Store& store = cluster.store(static_cast<Resource>(i));
        std::vector<std::string> gone;
        store.ForEach([&](const Object& object) {
          if (random() % 8 == 0) gone.push_back(object.key);
        });
        for (const std::string& key : gone) store.Delete(key);
      }
      for (const std::string& key : touched.Take()) {
        if (cluster.role().main().Find(key) == nullptr) {
          groups.erase(key);
        } else {
          groups[key] = cluster.role().Build(key);
        }
      }
      ASSERT_EQ(groups.size(), cluster.role().main().size());
      for (const auto& [key, group] : groups) {
        ASSERT_EQ(group, cluster.role().Build(key))
            << NameOf(kind) << " " << key << ", step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace ta::kubernetes
