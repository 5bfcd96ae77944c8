// Source: buildEndpoints and buildEndpointSlice in
// prometheus/discovery/kubernetes.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/role_groups.h"

namespace ta::kubernetes {
namespace {

// Whose protocol stands beside a container's port: the roles differ.
enum class Protocol { kOfEndpoint, kOfContainer };

// Makes the targets of endpoints, and remembers which ports of which pods they
// cover: each further port of such a pod becomes a target too.
class TargetMaker {
 public:
  TargetMaker(const Object& object, const RoleView& view, Protocol protocol,
              TargetGroup& group)
      : object_(object), view_(view), protocol_(protocol), group_(group) {}

  // One target for each of its addresses and these ports.
  void Add(const Endpoint& endpoint, const std::vector<EndpointPort>& ports) {
    if (ports.empty() || endpoint.addresses.empty()) return;
    Labels base = endpoint.meta;
    if (view_.attach.node) {
      if (const Node* node = view_.stores.Find<Node>(NodeOf(object_, endpoint)))
        base = Labels::Merge(base, node->meta);
    }
    PodEntry* entry = nullptr;
    if (const Pod* pod = view_.stores.Find<Pod>(PodOf(object_, endpoint))) {
      entry = &EntryOf(*pod);
      base = Labels::Merge(base, entry->labels);
    }
    for (const EndpointPort& port : ports) {
      Labels labels = Labels::Merge(base, port.meta);
      if (entry != nullptr) {
        if (port.number) entry->covered.push_back(*port.number);
        labels = WithContainer(labels, *entry->pod, port);
      }
      for (const std::string& host : endpoint.addresses) {
        const std::string address =
            port.number ? JoinHostPort(host, PortText(*port.number)) : host;
        group_.targets.push_back(
            Labels::Merge(labels, Labels::Of({{"__address__", address}})));
      }
    }
  }

  // The ports that no endpoint has named.
  void AddOtherPorts() const {
    for (const PodEntry& entry : pods_) {
      const Pod& pod = *entry.pod;
      if (pod.ip().empty()) continue;
      for (const Container& container : pod.containers) {
        for (const ContainerPort& port : container.ports) {
          if (IsCovered(entry, port.number)) continue;
          const std::string address =
              JoinHostPort(pod.ip(), PortText(port.number));
          group_.targets.push_back(Labels::Merge(
              Labels::Merge(entry.labels, ContainerPortLabels(container, port,
                                                              port.protocol)),
              Labels::Of({{"__address__", address}})));
        }
      }
    }
  }

 private:
  struct PodEntry {
    const Pod* pod;
    Labels labels;
    std::vector<std::int32_t> covered;
  };

  // Lives until the next call.
  PodEntry& EntryOf(const Pod& pod) {
    const auto [found, added] = index_.emplace(&pod, pods_.size());
    if (added) pods_.push_back({&pod, PodLabels(pod, view_), {}});
    return pods_[found->second];
  }

  static bool IsCovered(const PodEntry& entry, std::int32_t number) {
    for (const std::int32_t covered : entry.covered) {
      if (covered == number) return true;
    }
    return false;
  }

  // With the labels of the last container that has such a port.
  Labels WithContainer(const Labels& labels, const Pod& pod,
                       const EndpointPort& port) const {
    const Container* last = nullptr;
    const ContainerPort* match = nullptr;
    for (const Container& container : pod.containers) {
      for (const ContainerPort& each : container.ports) {
        if (!port.number || each.number != *port.number) continue;
        last = &container;
        match = &each;
        break;
      }
    }
    if (last == nullptr) return labels;
    return Labels::Merge(labels,
                         ContainerPortLabels(*last, *match,
                                             protocol_ == Protocol::kOfEndpoint
                                                 ? port.protocol
                                                 : match->protocol));
  }

  const Object& object_;
  const RoleView& view_;
  const Protocol protocol_;
  TargetGroup& group_;
  std::vector<PodEntry> pods_;  // in the order in which they were seen
  std::unordered_map<const Pod*, std::size_t> index_;
};

}  // namespace

void BuildEndpoints(const Endpoints& endpoints, const RoleView& view,
                    TargetGroup& group) {
  group.labels = endpoints.meta;
  // The service of the same name.
  if (const auto* service = view.stores.Find<Service>(endpoints.key))
    group.labels = Labels::Merge(service->meta, group.labels);
  AddNamespace(endpoints, view, group);
  TargetMaker maker(endpoints, view, Protocol::kOfEndpoint, group);
  for (const Endpoints::Subset& subset : endpoints.subsets) {
    for (const Endpoint& each : subset.ready) maker.Add(each, subset.ports);
    for (const Endpoint& each : subset.not_ready) maker.Add(each, subset.ports);
  }
  maker.AddOtherPorts();
  if (endpoints.truncated) {
    group.invalid.push_back(
        {"endpoints " + endpoints.key,
         "addresses above 1,000 were left out by their controller; role "
         "endpointslice has them all"});
  }
}

void BuildEndpointSlice(const EndpointSlice& slice, const RoleView& view,
                        TargetGroup& group) {
  group.labels = slice.meta;
  const auto* service = view.stores.Find<Service>(slice.service);
  if (service != nullptr)
    group.labels = Labels::Merge(group.labels, service->meta);
  AddNamespace(slice, view, group);
  // The other family of a dual-stack service names the same endpoints again.
  if (service != nullptr && !service->primary_family.empty() &&
      service->primary_family != slice.address_type())
    return;
  TargetMaker maker(slice, view, Protocol::kOfContainer, group);
  for (const Endpoint& each : slice.endpoints) maker.Add(each, slice.ports);
  maker.AddOtherPorts();
}

}  // namespace ta::kubernetes
