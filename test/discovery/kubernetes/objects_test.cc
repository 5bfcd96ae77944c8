#include "discovery/kubernetes/objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/discovery/kubernetes/read_objects.h"

namespace ta::kubernetes {
namespace {

using test::ReadObject;
using test::WhyBad;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kPod = R"({
  "metadata": {"namespace": "shop", "name": "cart-1", "uid": "u-1",
    "resourceVersion": "7", "deletionTimestamp": "2026-11-21T10:00:00Z",
    "labels": {"app": "cart"}, "annotations": null,
    "ownerReferences": [{"kind": "Node", "name": "n"},
      {"kind": "ReplicaSet", "name": "cart", "controller": true}]},
  "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i:1",
      "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}]}],
    "initContainers": [{"name": "init", "image": "i:2"}]},
  "status": {"phase": "Running", "podIP": "10.0.0.1", "hostIP": "10.1.0.1",
    "conditions": [{"type": "Ready", "status": "False",
      "lastTransitionTime": "2026-11-21T09:30:05Z"}],
    "containerStatuses": [{"name": "c", "containerID": "cri://1"}]}})";

TEST(ObjectsTest, PodKeepsWhatRolesAndMembersUse) {
  const ObjectPtr object = ReadObject(Resource::kPods, kPod);
  const Pod& pod = As<Pod>(*object);
  EXPECT_EQ(pod.key, "shop/cart-1");
  EXPECT_EQ(pod.ns(), "shop");
  EXPECT_EQ(pod.name(), "cart-1");
  EXPECT_EQ(pod.ip(), "10.0.0.1");
  EXPECT_EQ(pod.phase(), "Running");
  EXPECT_EQ(pod.ready(), "false");
  EXPECT_EQ(pod.node_name(), "n1");
  EXPECT_EQ(pod.uid(), "u-1");
  EXPECT_EQ(pod.controller_kind(), "ReplicaSet");
  EXPECT_EQ(pod.controller_name(), "cart");
  EXPECT_TRUE(pod.deleted);
  ASSERT_EQ(pod.containers.size(), 2u);
  EXPECT_EQ(pod.containers[0].id.Get("__meta_kubernetes_pod_container_id"),
            "cri://1");
  EXPECT_EQ(pod.containers[1].meta.Get("__meta_kubernetes_pod_container_init"),
            "true");
  using namespace std::chrono;
  EXPECT_EQ(pod.ready_since, sys_days(2026y / November / 21) + 9h + 30min + 5s);
}

// "pod node" of each endpoint, as its role reads its reference.
std::vector<std::string> References(const Object& object,
                                    const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> references;
  for (const Endpoint& each : endpoints) {
    references.push_back(PodOf(object, each) + " " +
                         std::string(NodeOf(object, each)));
  }
  return references;
}

TEST(ObjectsTest, EndpointOfASliceRefersToAPodOrANode) {
  const ObjectPtr object = ReadObject(
      Resource::kEndpointSlices,
      R"({"metadata": {"namespace": "shop", "name": "s"}, "endpoints": [
        {"nodeName": "n1",
         "targetRef": {"kind": "Pod", "namespace": "shop", "name": "a"}},
        {"targetRef": {"kind": "Pod", "namespace": "other", "name": "a"}},
        {"targetRef": {"kind": "Pod", "name": "a"}},
        {"nodeName": "n1", "targetRef": {"kind": "Node", "name": "n2"}},
        {"nodeName": "n1"}, {}]})");
  EXPECT_THAT(References(*object, As<EndpointSlice>(*object).endpoints),
              ElementsAre("shop/a n1", "other/a ", "/a ", " n2", " n1", " "));
}

TEST(ObjectsTest, AddressOfEndpointsRefersToAPodOrANode) {
  const ObjectPtr object = ReadObject(
      Resource::kEndpoints,
      R"({"metadata": {"namespace": "shop", "name": "s"}, "subsets": [
        {"addresses": [{"ip": "10.0.0.1", "nodeName": "n1",
           "targetRef": {"kind": "Pod", "namespace": "shop", "name": "a"}},
          {"ip": "10.0.0.2",
           "targetRef": {"kind": "Pod", "namespace": "other", "name": "a"}},
          {"ip": "10.0.0.3", "nodeName": "n1",
           "targetRef": {"kind": "Node", "name": "n2"}},
          {"ip": "10.0.0.4", "targetRef": {"kind": "Node", "name": "n2"}},
          {"ip": "10.0.0.5"}]}]})");
  EXPECT_THAT(References(*object, As<Endpoints>(*object).subsets[0].ready),
              ElementsAre("shop/a n1", "other/a ", " n1", " n2", " "));
}

TEST(ObjectsTest, TimeThatIsNotInUtcIsNoTime) {
  for (const std::string_view time :
       {"2026-11-21T09:30:05+01:00", "2026-13-21T09:30:05Z", "2026-11-21", "",
        "2026-11-2109:30:05ZZ"}) {
    const std::string json =
        R"({"metadata": {"namespace": "n", "name": "p"}, "status":
        {"conditions": [{"type": "Ready", "status": "True",
         "lastTransitionTime": ")" +
        std::string(time) + R"("}]}})";
    const ObjectPtr object = ReadObject(Resource::kPods, json);
    EXPECT_EQ(As<Pod>(*object).ready_since, std::nullopt) << time;
  }
}

TEST(ObjectsTest, NewVersionAloneMakesNoDifference) {
  std::string changed(kPod);
  changed.replace(changed.find("\"7\""), 3, "\"8\"");
  const ObjectPtr before = ReadObject(Resource::kPods, kPod);
  EXPECT_TRUE(Same(*before, *ReadObject(Resource::kPods, changed)));
  changed.replace(changed.find("cart\"}"), 4, "cars");
  EXPECT_FALSE(Same(*before, *ReadObject(Resource::kPods, changed)));
}

TEST(ObjectsTest, HeartbeatOfANodeMakesNoDifference) {
  const auto node = [](std::string_view heartbeat, std::string_view status) {
    return ReadObject(Resource::kNodes,
                      R"({"metadata": {"name": "n"}, "status": {"conditions": [
          {"type": "Ready", "lastHeartbeatTime": ")" +
                          std::string(heartbeat) + R"(", "status": ")" +
                          std::string(status) + R"("}]}})");
  };
  EXPECT_TRUE(Same(*node("1", "True"), *node("2", "True")));
  EXPECT_FALSE(Same(*node("1", "True"), *node("1", "False")));
}

// Prometheus shows either value, by chance; replicas of ours must agree.
TEST(ObjectsTest, SmallestKeyWinsWhereTwoSanitizeToOneName) {
  for (const std::string_view labels :
       {R"({"a-b": "dash", "a.b": "dot", "a_b": "bar"})",
        R"({"a_b": "bar", "a.b": "dot", "a-b": "dash"})"}) {
    const ObjectPtr object = ReadObject(
        Resource::kNodes, R"({"metadata": {"name": "n", "labels": )" +
                              std::string(labels) + "}}");
    EXPECT_EQ(object->meta.Get("__meta_kubernetes_node_label_a_b"), "dash");
  }
}

TEST(ObjectsTest, EachCharacterThatIsNoLetterBecomesOneUnderscore) {
  const ObjectPtr object = ReadObject(
      Resource::kNamespaces,
      R"({"metadata": {"name": "n", "annotations": {"a/é b": "ü"}}})");
  EXPECT_EQ(object->meta.Get("__meta_kubernetes_namespace_annotation_a___b"),
            "ü");
  EXPECT_EQ(
      object->meta.Get("__meta_kubernetes_namespace_annotationpresent_a___b"),
      "true");
}

TEST(ObjectsTest, NullReadsAsAbsent) {
  const ObjectPtr object = ReadObject(
      Resource::kPods,
      R"({"metadata": {"namespace": "n", "name": "p", "labels": null},
          "spec": {"containers": null, "initContainers": [null]},
          "status": null})");
  const Pod& pod = As<Pod>(*object);
  EXPECT_EQ(pod.ip(), "");
  EXPECT_EQ(pod.ready(), "unknown");
  ASSERT_EQ(pod.containers.size(), 1u);
  EXPECT_THAT(pod.containers[0].ports, IsEmpty());
}

TEST(ObjectsTest, ObjectThatCannotBeReadSaysWhere) {
  const struct {
    Resource resource;
    std::string_view json;
    std::string_view why;
  } kCases[] = {
      {Resource::kPods, R"(1)", "pods: not a map"},
      {Resource::kPods, R"({})", "pods: metadata.name: missing"},
      {Resource::kPods, R"({"metadata": []})", "pods: metadata: not a map"},
      {Resource::kPods, R"({"metadata": {"name": "p"}})",
       "pods: metadata.namespace: missing"},
      {Resource::kNodes, R"({"metadata": {"name": 5}})",
       "nodes: metadata.name: not a string"},
      {Resource::kNodes, R"({"metadata": {"name": "a/b"}})",
       "nodes: metadata.name: contains a slash"},
      {Resource::kNodes, R"({"metadata": {"name": "n", "labels": {"a": 1}}})",
       "nodes n: metadata.labels.a: not a string"},
      {Resource::kPods,
       R"({"metadata": {"namespace": "x", "name": "p"}, "spec": {"containers": [
          {"name": "a"}, {"ports": [{"containerPort": 80},
          {"containerPort": 2147483648}]}]}})",
       "pods x/p: spec.containers[1].ports[1].containerPort: not a number of "
       "32 bits"},
      {Resource::kPods,
       R"({"metadata": {"namespace": "x", "name": "p"},
          "spec": {"containers": {}}})",
       "pods x/p: spec.containers: not a list"},
      {Resource::kEndpointSlices,
       R"({"metadata": {"namespace": "x", "name": "s"}, "endpoints": [
          {"conditions": {"ready": "true"}}]})",
       "endpointslices x/s: endpoints[0].conditions.ready: not a boolean"},
      {Resource::kServices,
       R"({"metadata": {"namespace": "x", "name": "s"},
          "spec": {"ports": [{"port": 1.5}]}})",
       "services x/s: spec.ports[0].port: not a number of 32 bits"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(WhyBad(each.resource, each.json), each.why);
  }
}

TEST(ObjectsTest, SecondOwnerDoesNotControl) {
  const ObjectPtr object = ReadObject(
      Resource::kReplicaSets,
      R"({"metadata": {"namespace": "x", "name": "r", "ownerReferences": [
          {"kind": "Other", "name": "o", "controller": false},
          {"kind": "Deployment", "name": "first", "controller": true},
          {"kind": "Deployment", "name": "second", "controller": true}]}})");
  EXPECT_EQ(As<ReplicaSet>(*object).deployment, "first");
}

}  // namespace
}  // namespace ta::kubernetes
