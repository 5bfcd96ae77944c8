// Source: podLabels and buildPod in prometheus/discovery/kubernetes/pod.go.

#include <string>
#include <vector>

#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/role_groups.h"

namespace ta::kubernetes {

std::string ControllerKey(const Pod& pod, std::string_view kind) {
  if (pod.controller_kind() != kind) return {};
  std::string key(pod.ns());
  return key.append("/").append(pod.controller_name());
}

Labels PodLabels(const Pod& pod, const RoleView& view) {
  const AttachMetadata& attach = view.attach;
  std::vector<LabelPair> more;
  if (attach.deployment) {
    const auto* set =
        view.stores.Find<ReplicaSet>(ControllerKey(pod, "ReplicaSet"));
    if (set != nullptr && set->deployment)
      more.push_back(
          {"__meta_kubernetes_pod_deployment_name", *set->deployment});
  }
  if (attach.job && pod.controller_kind() == "Job")
    more.push_back({"__meta_kubernetes_pod_job_name", pod.controller_name()});
  if (attach.cron_job) {
    const auto* job = view.stores.Find<Job>(ControllerKey(pod, "Job"));
    if (job != nullptr && job->cron_job)
      more.push_back({"__meta_kubernetes_pod_cronjob_name", *job->cron_job});
  }
  if (more.empty()) return pod.meta;
  return Labels::Merge(pod.meta, Labels::Of(std::move(more)));
}

Labels ContainerPortLabels(const Container& container,
                           const ContainerPort& port,
                           std::string_view protocol) {
  const std::string number = PortText(port.number);
  return Labels::Merge(
      container.meta,
      Labels::Of(
          {{"__meta_kubernetes_pod_container_port_name", port.name},
           {"__meta_kubernetes_pod_container_port_number", number},
           {"__meta_kubernetes_pod_container_port_protocol", protocol}}));
}

void BuildPod(const Pod& pod, const RoleView& view, TargetGroup& group) {
  if (pod.ip().empty()) return;  // it starts, or was evicted
  const Node* node = view.stores.Find<Node>(pod.node_name());
  // A selector of nodes selects their pods too.
  if (view.attach.node && node == nullptr) return;

  group.labels =
      Labels::Merge(PodLabels(pod, view),
                    Labels::Of({{"__meta_kubernetes_namespace", pod.ns()}}));
  if (view.attach.node) group.labels = Labels::Merge(group.labels, node->meta);
  AddNamespace(pod, view, group);

  for (const Container& container : pod.containers) {
    // Without a port there is still a target: its user adds one by a rule.
    if (container.ports.empty()) {
      group.targets.push_back(
          Labels::Merge(Labels::Merge(container.meta, container.id),
                        Labels::Of({{"__address__", pod.ip()}})));
    }
    for (const ContainerPort& port : container.ports) {
      const std::string address = JoinHostPort(pod.ip(), PortText(port.number));
      group.targets.push_back(Labels::Merge(
          Labels::Merge(ContainerPortLabels(container, port, port.protocol),
                        container.id),
          Labels::Of({{"__address__", address}})));
    }
  }
}

}  // namespace ta::kubernetes
