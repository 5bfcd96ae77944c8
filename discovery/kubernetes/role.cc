#include "discovery/kubernetes/role.h"

#include <utility>

#include "discovery/kubernetes/role_groups.h"

namespace ta::kubernetes {
namespace {

struct RoleInfo {
  std::string_view name;
  std::string_view source;  // what a group's source begins with
  Resource main;
  bool shows_pods;
  bool attaches_nodes;
  bool attaches_namespaces;
};

constexpr std::array<RoleInfo, 6> kRoles = {{
    {"node", "node/", Resource::kNodes, false, false, false},
    {"pod", "pod/", Resource::kPods, true, true, true},
    {"service", "svc/", Resource::kServices, false, false, true},
    {"endpoints", "endpoints/", Resource::kEndpoints, true, true, true},
    {"endpointslice", "endpointslice/", Resource::kEndpointSlices, true, true,
     true},
    {"ingress", "ingress/", Resource::kIngresses, false, false, true},
}};

const RoleInfo& Info(RoleKind kind) {
  return kRoles[static_cast<std::size_t>(kind)];
}

bool ShowsEndpoints(RoleKind kind) {
  return kind == RoleKind::kEndpoints || kind == RoleKind::kEndpointSlice;
}

// What a role of this kind has of what was asked for.
AttachMetadata Applicable(RoleKind kind, AttachMetadata attach) {
  const RoleInfo& info = Info(kind);
  attach.node = attach.node && info.attaches_nodes;
  attach.ns = attach.ns && info.attaches_namespaces;
  attach.deployment = attach.deployment && info.shows_pods;
  attach.job = attach.job && info.shows_pods;
  attach.cron_job = attach.cron_job && info.shows_pods;
  return attach;
}

// The selector that is configured for a role applies to its main resource.
Scope ScopeOf(const RoleConfig& config, Resource resource,
              std::string_view ns) {
  Scope scope{resource};
  if (InfoOf(resource).namespaced) scope.ns = ns;
  for (const auto& [kind, selector] : config.selectors) {
    if (Info(kind).main != resource) continue;
    scope.label_selector = selector.label;
    scope.field_selector = selector.field;
  }
  return scope;
}

// ---- what objects are found by when something that they show changes

using Values = Index::Values;

constexpr Index kByNamespace = {
    "namespace",
    [](const Object& object, const Values& value) { value(object.ns()); }};

constexpr Index kPodsByNode = {"node",
                               [](const Object& object, const Values& value) {
                                 value(As<Pod>(object).node_name());
                               }};

constexpr Index kPodsByReplicaSet = {
    "replica set", [](const Object& object, const Values& value) {
      const std::string key = ControllerKey(As<Pod>(object), "ReplicaSet");
      if (!key.empty()) value(key);
    }};

constexpr Index kPodsByJob = {
    "job", [](const Object& object, const Values& value) {
      const std::string key = ControllerKey(As<Pod>(object), "Job");
      if (!key.empty()) value(key);
    }};

constexpr Index kSlicesByService = {
    "service", [](const Object& object, const Values& value) {
      const std::string& service = As<EndpointSlice>(object).service;
      if (!service.empty()) value(service);
    }};

// Calls do_one(const Endpoint&) for each of Endpoints or of an EndpointSlice.
template <typename Do>
void EachEndpoint(const Object& object, const Do& do_one) {
  if (object.resource == Resource::kEndpointSlices) {
    for (const auto& each : As<EndpointSlice>(object).endpoints) do_one(each);
    return;
  }
  for (const auto& subset : As<Endpoints>(object).subsets) {
    for (const auto& each : subset.ready) do_one(each);
    for (const auto& each : subset.not_ready) do_one(each);
  }
}

constexpr Index kEndpointsByPod = {
    "pod of endpoint", [](const Object& object, const Values& value) {
      EachEndpoint(object, [&](const Endpoint& endpoint) {
        const std::string pod = PodOf(object, endpoint);
        if (!pod.empty()) value(pod);
      });
    }};

constexpr Index kEndpointsByNode = {
    "node of endpoint", [](const Object& object, const Values& value) {
      EachEndpoint(object, [&](const Endpoint& endpoint) {
        const std::string_view node = NodeOf(object, endpoint);
        if (!node.empty()) value(node);
      });
    }};

// Do two objects, or none and one, look alike to groups that show them?
bool LookAlike(const Object* before, const Object* now) {
  if (before == nullptr || now == nullptr) return false;
  switch (now->resource) {
    case Resource::kNodes:
    case Resource::kNamespaces:
      return before->meta == now->meta;
    case Resource::kServices:
      return before->meta == now->meta && As<Service>(*before).primary_family ==
                                              As<Service>(*now).primary_family;
    default:
      return false;  // they were equal as a whole otherwise
  }
}

}  // namespace

std::optional<RoleKind> RoleNamed(std::string_view name) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (kRoles[i].name == name) return static_cast<RoleKind>(i);
  }
  return std::nullopt;
}

std::string_view NameOf(RoleKind kind) { return Info(kind).name; }

Resource MainResource(RoleKind kind) { return Info(kind).main; }

std::vector<Scope> ScopesOf(const RoleConfig& config, std::string_view ns) {
  const AttachMetadata attach = Applicable(config.kind, config.attach);
  std::vector<Scope> scopes;
  const auto add = [&](Resource resource) {
    scopes.push_back(ScopeOf(config, resource, ns));
  };
  add(MainResource(config.kind));
  if (ShowsEndpoints(config.kind)) {
    add(Resource::kServices);
    add(Resource::kPods);
  }
  if (attach.node) add(Resource::kNodes);
  if (attach.ns) add(Resource::kNamespaces);
  if (attach.deployment) add(Resource::kReplicaSets);
  if (attach.cron_job) add(Resource::kJobs);
  return scopes;
}

Role::Role(RoleKind kind, const AttachMetadata& attach,
           const RoleStores& stores)
    : kind_(kind), attach_(Applicable(kind, attach)), stores_(stores) {
  Store& main = *stores_[MainResource(kind)];
  if (attach_.ns) main.AddIndex(kByNamespace);
  if (kind == RoleKind::kPod && attach_.node) main.AddIndex(kPodsByNode);
  if (attach_.deployment) stores_[Resource::kPods]->AddIndex(kPodsByReplicaSet);
  if (attach_.cron_job) stores_[Resource::kPods]->AddIndex(kPodsByJob);
  if (!ShowsEndpoints(kind)) return;
  main.AddIndex(kEndpointsByPod);
  if (attach_.node) main.AddIndex(kEndpointsByNode);
  if (kind == RoleKind::kEndpointSlice) main.AddIndex(kSlicesByService);
}

bool Role::synced() const {
  for (const Store* store : stores_.stores) {
    if (store != nullptr && !store->synced()) return false;
  }
  return true;
}

void Role::TouchedByPod(const Object& pod, const OnKey& on_key) const {
  if (kind_ == RoleKind::kPod) return on_key(pod.key);
  for (const auto key : main().ByIndex(kEndpointsByPod, pod.key)) on_key(key);
}

void Role::Touched(const Object* before, const Object* now,
                   const OnKey& on_key) const {
  const Object& object = now != nullptr ? *now : *before;
  if (object.resource == MainResource(kind_)) return on_key(object.key);
  if (LookAlike(before, now)) return;
  const auto each = [&](const Index& index, std::string_view value) {
    for (const auto key : main().ByIndex(index, value)) on_key(key);
  };
  const auto each_pod = [&](const Index& index) {
    const Store& pods = *stores_[Resource::kPods];
    for (const auto key : pods.ByIndex(index, object.key)) {
      if (const Object* pod = pods.Find(key)) TouchedByPod(*pod, on_key);
    }
  };
  switch (object.resource) {
    case Resource::kPods:
      return TouchedByPod(object, on_key);
    case Resource::kServices:
      // Endpoints have the name of their service.
      if (kind_ == RoleKind::kEndpoints) return on_key(object.key);
      return each(kSlicesByService, object.key);
    case Resource::kNodes:
      return each(kind_ == RoleKind::kPod ? kPodsByNode : kEndpointsByNode,
                  object.key);
    case Resource::kNamespaces:
      return each(kByNamespace, object.key);
    case Resource::kReplicaSets:
      return each_pod(kPodsByReplicaSet);
    case Resource::kJobs:
      return each_pod(kPodsByJob);
    case Resource::kEndpoints:
    case Resource::kEndpointSlices:
    case Resource::kIngresses:
      return;
  }
}

std::string Role::SourceOf(std::string_view key) const {
  return std::string(Info(kind_).source).append(key);
}

TargetGroup Role::Build(std::string_view key) const {
  TargetGroup group;
  group.source = SourceOf(key);
  const Object* object = main().Find(key);
  if (object == nullptr) return group;
  const RoleView view{attach_, stores_};
  switch (kind_) {
    case RoleKind::kNode:
      BuildNode(As<Node>(*object), group);
      break;
    case RoleKind::kPod:
      BuildPod(As<Pod>(*object), view, group);
      break;
    case RoleKind::kService:
      BuildService(As<Service>(*object), view, group);
      break;
    case RoleKind::kEndpoints:
      BuildEndpoints(As<Endpoints>(*object), view, group);
      break;
    case RoleKind::kEndpointSlice:
      BuildEndpointSlice(As<EndpointSlice>(*object), view, group);
      break;
    case RoleKind::kIngress:
      BuildIngress(As<Ingress>(*object), view, group);
      break;
  }
  return group;
}

}  // namespace ta::kubernetes
