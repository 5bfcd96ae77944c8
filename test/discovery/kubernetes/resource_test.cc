#include "discovery/kubernetes/resource.h"

#include <gtest/gtest.h>

namespace ta::kubernetes {
namespace {

TEST(ResourceTest, ListOfAllNamespacesHasNoNamespaceInItsPath) {
  EXPECT_EQ(ListPath({Resource::kPods}, {}), "/api/v1/pods?limit=500");
  EXPECT_EQ(ListPath({Resource::kJobs}, {.limit = 0}), "/apis/batch/v1/jobs");
}

TEST(ResourceTest, ListPathEscapesSelectorsAndToken) {
  EXPECT_EQ(ListPath({Resource::kEndpointSlices, "x", "app in (a,b),!c",
                      "metadata.name=é"},
                     {.limit = 2, .continue_token = "a+/="}),
            "/apis/discovery.k8s.io/v1/namespaces/x/endpointslices"
            "?continue=a%2B%2F%3D&fieldSelector=metadata.name%3D%C3%A9"
            "&labelSelector=app%20in%20%28a%2Cb%29%2C%21c&limit=2");
}

TEST(ResourceTest, OnlyTheFirstPageNamesAVersion) {
  const Scope nodes{Resource::kNodes};
  EXPECT_EQ(ListPath(nodes, {.resource_version = "0"}),
            "/api/v1/nodes?limit=500&resourceVersion=0");
  EXPECT_EQ(ListPath(nodes, {.continue_token = "t", .resource_version = "0"}),
            "/api/v1/nodes?continue=t&limit=500");
}

TEST(ResourceTest, NamespaceOfAScopeMeansNothingWhereThereAreNone) {
  EXPECT_EQ(ListPath({Resource::kNodes, "x"}, {.limit = 0}), "/api/v1/nodes");
  EXPECT_EQ(ListPath({Resource::kNamespaces, "x"}, {.limit = 0}),
            "/api/v1/namespaces");
}

TEST(ResourceTest, NamespaceCannotLeaveItsPlaceInThePath) {
  EXPECT_EQ(ListPath({Resource::kPods, "../x?y"}, {.limit = 0}),
            "/api/v1/namespaces/..%2Fx%3Fy/pods");
}

TEST(ResourceTest, WatchAsksForBookmarksFromAVersionOn) {
  EXPECT_EQ(WatchPath({Resource::kIngresses, "x", "a=b"},
                      {.resource_version = "17",
                       .timeout = std::chrono::seconds(301)}),
            "/apis/networking.k8s.io/v1/namespaces/x/ingresses"
            "?allowWatchBookmarks=true&labelSelector=a%3Db&resourceVersion=17"
            "&timeoutSeconds=301&watch=true");
}

TEST(ResourceTest, StreamingListSaysHowItsVersionIsMeant) {
  EXPECT_EQ(WatchPath({Resource::kReplicaSets}, {.send_initial_events = true}),
            "/apis/apps/v1/replicasets?allowWatchBookmarks=true"
            "&resourceVersionMatch=NotOlderThan&sendInitialEvents=true"
            "&watch=true");
}

TEST(ResourceTest, DescribesAScopeForPeople) {
  EXPECT_EQ(Describe({Resource::kPods}), "pods");
  EXPECT_EQ(Describe({Resource::kPods, "x", "a=b", "c=d"}),
            "pods in x (a=b; c=d)");
}

}  // namespace
}  // namespace ta::kubernetes
