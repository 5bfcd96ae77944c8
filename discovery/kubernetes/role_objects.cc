// The roles whose targets hang on one object alone, so that they were made when
// it was parsed: parse_node.cc, parse_service.cc.

#include "discovery/kubernetes/role_groups.h"

namespace ta::kubernetes {

void BuildNode(const Node& node, TargetGroup& group) {
  // Prometheus sends nothing then, and goes on with an older group if it has
  // one; ours is a function of the node as it is.
  if (node.target.empty()) {
    group.invalid.push_back({std::string(node.name()), "it has no address"});
    return;
  }
  group.labels = Labels::Merge(node.status, node.meta);
  group.targets.push_back(node.target);
}

void BuildService(const Service& service, const RoleView& view,
                  TargetGroup& group) {
  group.labels = service.meta;
  AddNamespace(service, view, group);
  group.targets = service.targets;
}

void BuildIngress(const Ingress& ingress, const RoleView& view,
                  TargetGroup& group) {
  group.labels = ingress.meta;
  AddNamespace(ingress, view, group);
  group.targets = ingress.targets;
}

void AddNamespace(const Object& object, const RoleView& view,
                  TargetGroup& group) {
  if (const auto* ns = view.stores.Find<Namespace>(object.ns()))
    group.labels = Labels::Merge(group.labels, ns->meta);
}

}  // namespace ta::kubernetes
