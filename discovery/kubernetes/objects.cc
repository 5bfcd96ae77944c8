#include "discovery/kubernetes/objects.h"

namespace ta::kubernetes {
namespace {

template <typename T>
bool SameAs(const Object& a, const Object& b) {
  return As<T>(a) == As<T>(b);
}

// What an endpoint refers to, by the labels of its role.
struct Reference {
  std::string_view kind;
  std::string_view name;
};

bool IsOfSlice(const Object& object) {
  return object.resource == Resource::kEndpointSlices;
}

Reference ReferenceOf(const Object& object, const Labels& meta) {
  if (IsOfSlice(object)) {
    return {meta.Get("__meta_kubernetes_endpointslice_address_target_kind"),
            meta.Get("__meta_kubernetes_endpointslice_address_target_name")};
  }
  return {meta.Get("__meta_kubernetes_endpoint_address_target_kind"),
          meta.Get("__meta_kubernetes_endpoint_address_target_name")};
}

}  // namespace

bool Same(const Object& a, const Object& b) {
  assert(a.resource == b.resource);
  switch (a.resource) {
    case Resource::kPods:
      return SameAs<Pod>(a, b);
    case Resource::kNodes:
      return SameAs<Node>(a, b);
    case Resource::kServices:
      return SameAs<Service>(a, b);
    case Resource::kEndpoints:
      return SameAs<Endpoints>(a, b);
    case Resource::kEndpointSlices:
      return SameAs<EndpointSlice>(a, b);
    case Resource::kIngresses:
      return SameAs<Ingress>(a, b);
    case Resource::kNamespaces:
      return SameAs<Namespace>(a, b);
    case Resource::kReplicaSets:
      return SameAs<ReplicaSet>(a, b);
    case Resource::kJobs:
      return SameAs<Job>(a, b);
  }
  return false;
}

std::string_view Pod::ip() const {
  return meta.Get("__meta_kubernetes_pod_ip");
}
std::string_view Pod::phase() const {
  return meta.Get("__meta_kubernetes_pod_phase");
}
std::string_view Pod::ready() const {
  return meta.Get("__meta_kubernetes_pod_ready");
}
std::string_view Pod::node_name() const {
  return meta.Get("__meta_kubernetes_pod_node_name");
}
std::string_view Pod::uid() const {
  return meta.Get("__meta_kubernetes_pod_uid");
}
std::string_view Pod::controller_kind() const {
  return meta.Get("__meta_kubernetes_pod_controller_kind");
}
std::string_view Pod::controller_name() const {
  return meta.Get("__meta_kubernetes_pod_controller_name");
}

std::string PodOf(const Object& object, const Endpoint& endpoint) {
  if (!endpoint.foreign_pod.empty()) return endpoint.foreign_pod;
  const Reference reference = ReferenceOf(object, endpoint.meta);
  if (reference.kind != "Pod") return {};
  std::string key(object.ns());
  return key.append("/").append(reference.name);
}

// Where both are there, slices follow the reference and Endpoints the field.
std::string_view NodeOf(const Object& object, const Endpoint& endpoint) {
  const Reference reference = ReferenceOf(object, endpoint.meta);
  const bool refers = reference.kind == "Node";
  if (IsOfSlice(object)) {
    return refers ? reference.name
                  : endpoint.meta.Get(
                        "__meta_kubernetes_endpointslice_endpoint_node_name");
  }
  const auto node = endpoint.meta.Find("__meta_kubernetes_endpoint_node_name");
  if (node) return *node;
  return refers ? reference.name : std::string_view();
}

std::string_view EndpointSlice::address_type() const {
  return meta.Get("__meta_kubernetes_endpointslice_address_type");
}

}  // namespace ta::kubernetes
