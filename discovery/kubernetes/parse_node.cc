// Source: nodeLabels, nodeAddress and buildNode in
// prometheus/discovery/kubernetes.

#include <algorithm>
#include <array>
#include <utility>

#include "allocator/go_text.h"
#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/parse_object.h"

namespace ta::kubernetes {
namespace {

struct Address {
  std::string_view type;
  std::string_view value;
};

// The first address of each type, the largest type first: where two types
// sanitize to one name the smallest wins, as it is added last.
std::vector<Address> AddressesOf(const JsonValue& status) {
  std::vector<Address> addresses;
  status["addresses"].Each([&](const JsonValue& json) {
    addresses.push_back({json["type"].text(), json["address"].text()});
  });
  std::stable_sort(
      addresses.begin(), addresses.end(),
      [](const Address& a, const Address& b) { return a.type > b.type; });
  const auto same_type = [](const Address& a, const Address& b) {
    return a.type == b.type;
  };
  addresses.erase(std::unique(addresses.begin(), addresses.end(), same_type),
                  addresses.end());
  return addresses;
}

std::optional<std::string_view> Preferred(
    const std::vector<Address>& addresses) {
  constexpr std::array<std::string_view, 6> kInOrder = {
      "InternalIP",  "InternalDNS",  "ExternalIP",
      "ExternalDNS", "LegacyHostIP", "Hostname"};
  for (const std::string_view type : kInOrder) {
    for (const Address& address : addresses) {
      if (address.type == type) return address.value;
    }
  }
  return std::nullopt;
}

Labels TargetOf(const JsonValue& status, std::string_view name) {
  const std::vector<Address> addresses = AddressesOf(status);
  const auto address = Preferred(addresses);
  const JsonValue endpoints = status["daemonEndpoints"];
  const JsonValue kubelet = endpoints["kubeletEndpoint"];
  const std::int32_t port = kubelet["Port"].number();
  if (!address) return {};
  MetaLabels labels;
  labels.Add("__address__",
             labels.Keep(JoinHostPort(*address, std::to_string(port))));
  labels.Add("instance", name);
  for (const Address& each : addresses) {
    labels.AddSanitized("__meta_kubernetes_node_address_", each.type,
                        each.value);
  }
  return labels.Build();
}

}  // namespace

void FillNode(const JsonValue& root, Node& node) {
  const JsonValue metadata = root["metadata"];
  const JsonValue spec = root["spec"];
  const JsonValue status = root["status"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_node_name", node.name());
  labels.AddLabelsAndAnnotations(metadata, "node");
  node.meta = labels.Build();

  MetaLabels state;
  state.Add("__meta_kubernetes_node_provider_id", spec["providerID"].text());
  status["conditions"].Each([&](const JsonValue& condition) {
    std::string type;
    std::string value;
    AppendGoLower(condition["type"].text(), type);
    AppendGoLower(condition["status"].text(), value);
    state.AddSanitized("__meta_kubernetes_node_condition_", type,
                       state.Keep(std::move(value)));
  });
  node.status = state.Build();
  node.target = TargetOf(status, node.name());
}

}  // namespace ta::kubernetes
