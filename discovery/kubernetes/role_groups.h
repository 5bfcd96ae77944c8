// The target groups of single objects; Role::Build chooses among them. Each
// adds labels and targets to a group that has its source.

#pragma once

#include "allocator/target_group.h"
#include "discovery/kubernetes/objects.h"
#include "discovery/kubernetes/role.h"

namespace ta::kubernetes {

// What a role looks at besides its main object.
struct RoleView {
  const AttachMetadata& attach;
  const RoleStores& stores;
};

void BuildNode(const Node& node, TargetGroup& group);
void BuildService(const Service& service, const RoleView& view,
                  TargetGroup& group);
void BuildIngress(const Ingress& ingress, const RoleView& view,
                  TargetGroup& group);
void BuildPod(const Pod& pod, const RoleView& view, TargetGroup& group);
void BuildEndpoints(const Endpoints& endpoints, const RoleView& view,
                    TargetGroup& group);
void BuildEndpointSlice(const EndpointSlice& slice, const RoleView& view,
                        TargetGroup& group);

// Adds the labels of the object's namespace, if they are attached.
void AddNamespace(const Object& object, const RoleView& view,
                  TargetGroup& group);
// A pod's labels, and those of what controls its controller.
Labels PodLabels(const Pod& pod, const RoleView& view);
// The labels of a container's port: those of the container and of the port.
Labels ContainerPortLabels(const Container& container,
                           const ContainerPort& port,
                           std::string_view protocol);
// What controls a pod, as a key: "shop/cart-6d5f"; "" if it isn't of `kind`.
std::string ControllerKey(const Pod& pod, std::string_view kind);

}  // namespace ta::kubernetes
