// Kubernetes objects, cut down to what discovery uses. A pod of 10 kB of JSON
// becomes a few hundred bytes: the labels that stand for it in target groups
// are made once, while it is parsed, and interned (Labels), so that a group is
// put together by merging lists of integers.
//
// Two objects are equal (==) if no role and no member can tell them apart; a
// new resource version or heartbeat alone makes no difference.

#pragma once

#include <cassert>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/labels.h"
#include "discovery/kubernetes/resource.h"

namespace ta::kubernetes {

// Immutable once parsed, and shared by all that use it.
struct Object {
  explicit Object(Resource of) : resource(of) {}
  virtual ~Object() = default;
  Object(const Object&) = default;
  Object& operator=(const Object&) = delete;

  // "namespace/name", or "name" where there are no namespaces.
  std::string_view ns() const {
    const auto slash = key.find('/');
    return slash == std::string::npos ? std::string_view()
                                      : std::string_view(key).substr(0, slash);
  }
  std::string_view name() const {
    return std::string_view(key).substr(key.find('/') + 1);
  }
  bool operator==(const Object&) const = default;

  const Resource resource;
  std::string key;
  // What it adds to the labels of a group or target; see the kinds below. Where
  // two label or annotation keys sanitize to one name, the value is that of the
  // smaller key (Prometheus: of either, by chance).
  Labels meta;
};
using ObjectPtr = std::shared_ptr<const Object>;

// `object` as what it is. REQUIRES: object.resource == T::kResource
template <typename T>
const T& As(const Object& object) {
  assert(object.resource == T::kResource);
  return static_cast<const T&>(object);
}
// Are two objects of one resource equal?
bool Same(const Object& a, const Object& b);

struct ContainerPort {
  std::string name;
  std::int32_t number = 0;
  std::string protocol;

  bool operator==(const ContainerPort&) const = default;
};

struct Container {
  Labels meta;  // pod_container_name, _image, _init
  Labels id;    // pod_container_id, alone; the endpoints roles don't show it
  std::vector<ContainerPort> ports;

  bool operator==(const Container&) const = default;
};

struct Pod final : Object {
  static constexpr Resource kResource = Resource::kPods;
  Pod() : Object(kResource) {}
  bool operator==(const Pod&) const = default;

  // meta: all that Prometheus says of a pod by itself: pod_name, _ip, _ready,
  // _phase, _node_name, _host_ip, _uid, _controller_kind, _controller_name,
  // labels and annotations. Not its namespace.
  std::string_view ip() const;
  std::string_view phase() const;  // "Running", …
  std::string_view ready() const;  // "true", "false" or "unknown"
  std::string_view node_name() const;
  std::string_view uid() const;
  std::string_view controller_kind() const;
  std::string_view controller_name() const;

  std::vector<Container> containers;  // the init containers come last
  bool deleted = false;               // it has a deletion timestamp
  // When its readiness changed last, if it was said in RFC 3339 and UTC.
  std::optional<std::chrono::sys_seconds> ready_since;
};

struct Node final : Object {
  static constexpr Resource kResource = Resource::kNodes;
  Node() : Object(kResource) {}
  bool operator==(const Node&) const = default;

  // meta: node_name, labels and annotations: what is attached to others.
  Labels status;  // node_provider_id, node_condition_…
  Labels target;  // its one target; empty if it has no address
};

struct Service final : Object {
  static constexpr Resource kResource = Resource::kServices;
  Service() : Object(kResource) {}
  bool operator==(const Service&) const = default;

  // meta: namespace, service_name, labels and annotations.
  std::vector<Labels> targets;  // one a port
  // Of a dual-stack service the address type whose slices are used ("IPv4"); ""
  // for any other service: all are.
  std::string primary_family;
};

// One address of Endpoints, or one endpoint of an EndpointSlice. There is one
// for each target, so it doesn't say again what its labels or its object say.
struct Endpoint {
  std::vector<std::string> addresses;  // of Endpoints exactly one
  Labels meta;  // ready, hostname, node, conditions, target reference, …
  // Key of the pod that it refers to, if that isn't in its object's namespace;
  // no API server has such a one.
  std::string foreign_pod;

  bool operator==(const Endpoint&) const = default;
};
// Of an endpoint in `object`, which is Endpoints or an EndpointSlice: the key
// of the pod that it refers to, "" if none.
std::string PodOf(const Object& object, const Endpoint& endpoint);
// The node whose labels may be attached, "" if none; lives as long as its meta.
std::string_view NodeOf(const Object& object, const Endpoint& endpoint);

struct EndpointPort {
  Labels meta;  // endpoint_port_name, …; endpointslice_port_name, …
  std::optional<std::int32_t> number;
  std::string protocol;

  bool operator==(const EndpointPort&) const = default;
};

struct Endpoints final : Object {
  static constexpr Resource kResource = Resource::kEndpoints;
  Endpoints() : Object(kResource) {}
  bool operator==(const Endpoints&) const = default;

  // meta: namespace, endpoints_name, labels and annotations.
  struct Subset {
    std::vector<Endpoint> ready;
    std::vector<Endpoint> not_ready;
    std::vector<EndpointPort> ports;

    bool operator==(const Subset&) const = default;
  };
  std::vector<Subset> subsets;
  bool truncated = false;  // its controller has left out some of over 1000
};

struct EndpointSlice final : Object {
  static constexpr Resource kResource = Resource::kEndpointSlices;
  EndpointSlice() : Object(kResource) {}
  bool operator==(const EndpointSlice&) const = default;

  // meta: namespace, endpointslice_name, _address_type, labels, annotations.
  std::string_view address_type() const;  // "IPv4", "IPv6", "FQDN"

  std::string service;  // key of the service that it belongs to, "" if none
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
};

struct Ingress final : Object {
  static constexpr Resource kResource = Resource::kIngresses;
  Ingress() : Object(kResource) {}
  bool operator==(const Ingress&) const = default;

  // meta: namespace, ingress_name, _class_name, labels and annotations.
  std::vector<Labels> targets;  // one a path of each rule
};

struct Namespace final : Object {
  static constexpr Resource kResource = Resource::kNamespaces;
  Namespace() : Object(kResource) {}
  bool operator==(const Namespace&) const = default;
  // meta: namespace_label_… and namespace_annotation_…, without its name.
};

// What owns pods, for its own owner.
struct ReplicaSet final : Object {
  static constexpr Resource kResource = Resource::kReplicaSets;
  ReplicaSet() : Object(kResource) {}
  bool operator==(const ReplicaSet&) const = default;

  std::optional<std::string> deployment;  // that controls it
};

struct Job final : Object {
  static constexpr Resource kResource = Resource::kJobs;
  Job() : Object(kResource) {}
  bool operator==(const Job&) const = default;

  std::optional<std::string> cron_job;  // that controls it
};

}  // namespace ta::kubernetes
