// Source: buildEndpoints and buildEndpointSlice in
// prometheus/discovery/kubernetes.

#include <string>
#include <utility>

#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/parse_object.h"

namespace ta::kubernetes {
namespace {

// What an endpoint refers to.
struct Reference {
  bool there = false;
  std::string_view kind;
  std::string_view name;
  std::string foreign_pod;  // see Endpoint
};

Reference ReadReference(const JsonValue& json, std::string_view own_ns) {
  if (!json.there()) return {};
  Reference reference{true, json["kind"].text(), json["name"].text(), ""};
  const std::string_view ns = json["namespace"].text();
  if (reference.kind == "Pod" && ns != own_ns) {
    reference.foreign_pod = ns;
    reference.foreign_pod.append("/").append(reference.name);
  }
  return reference;
}

Endpoint ReadAddress(const JsonValue& json, std::string_view own_ns,
                     std::string_view ready) {
  const Reference reference = ReadReference(json["targetRef"], own_ns);
  const auto node = json["nodeName"].maybe_text();
  const std::string_view hostname = json["hostname"].text();
  MetaLabels labels;
  labels.Add("__meta_kubernetes_endpoint_ready", ready);
  if (reference.there) {
    labels.Add("__meta_kubernetes_endpoint_address_target_kind",
               reference.kind);
    labels.Add("__meta_kubernetes_endpoint_address_target_name",
               reference.name);
  }
  if (node) labels.Add("__meta_kubernetes_endpoint_node_name", *node);
  if (!hostname.empty())
    labels.Add("__meta_kubernetes_endpoint_hostname", hostname);

  Endpoint endpoint;
  endpoint.addresses.emplace_back(json["ip"].text());
  endpoint.meta = labels.Build();
  endpoint.foreign_pod = reference.foreign_pod;
  return endpoint;
}

EndpointPort ReadPort(const JsonValue& json) {
  EndpointPort port;
  MetaLabels labels;
  labels.Add("__meta_kubernetes_endpoint_port_name", json["name"].text());
  labels.Add("__meta_kubernetes_endpoint_port_protocol",
             json["protocol"].text());
  port.meta = labels.Build();
  port.number = json["port"].number();
  port.protocol = json["protocol"].text();
  return port;
}

void AddFlag(const JsonValue& flag, std::string_view name, MetaLabels& labels) {
  if (const auto value = flag.flag())
    labels.Add(name, *value ? "true" : "false");
}

void AddText(const JsonValue& text, std::string_view name, MetaLabels& labels) {
  if (const auto value = text.maybe_text()) labels.Add(name, *value);
}

Endpoint ReadEndpoint(const JsonValue& json, std::string_view own_ns) {
  const Reference reference = ReadReference(json["targetRef"], own_ns);
  const JsonValue conditions = json["conditions"];
  constexpr std::string_view kTopology =
      "__meta_kubernetes_endpointslice_endpoint_topology_";
  constexpr std::string_view kTopologyPresent =
      "__meta_kubernetes_endpointslice_endpoint_topology_present_";
  MetaLabels labels;
  AddFlag(conditions["ready"],
          "__meta_kubernetes_endpointslice_endpoint_conditions_ready", labels);
  AddFlag(conditions["serving"],
          "__meta_kubernetes_endpointslice_endpoint_conditions_serving",
          labels);
  AddFlag(conditions["terminating"],
          "__meta_kubernetes_endpointslice_endpoint_conditions_terminating",
          labels);
  AddText(json["hostname"], "__meta_kubernetes_endpointslice_endpoint_hostname",
          labels);
  AddText(json["nodeName"],
          "__meta_kubernetes_endpointslice_endpoint_node_name", labels);
  AddText(json["zone"], "__meta_kubernetes_endpointslice_endpoint_zone",
          labels);
  if (reference.there) {
    labels.Add("__meta_kubernetes_endpointslice_address_target_kind",
               reference.kind);
    labels.Add("__meta_kubernetes_endpointslice_address_target_name",
               reference.name);
  }
  labels.AddMap(json["deprecatedTopology"], kTopology, kTopologyPresent);

  Endpoint endpoint;
  json["addresses"].Each([&](const JsonValue& address) {
    endpoint.addresses.emplace_back(address.text());
  });
  endpoint.meta = labels.Build();
  endpoint.addresses.shrink_to_fit();
  endpoint.foreign_pod = reference.foreign_pod;
  return endpoint;
}

EndpointPort ReadSlicePort(const JsonValue& json) {
  EndpointPort port;
  port.number = json["port"].maybe_number();
  port.protocol = json["protocol"].text();
  MetaLabels labels;
  AddText(json["name"], "__meta_kubernetes_endpointslice_port_name", labels);
  AddText(json["protocol"], "__meta_kubernetes_endpointslice_port_protocol",
          labels);
  AddText(json["appProtocol"],
          "__meta_kubernetes_endpointslice_port_app_protocol", labels);
  if (port.number)
    labels.Add("__meta_kubernetes_endpointslice_port",
               labels.Keep(PortText(*port.number)));
  port.meta = labels.Build();
  return port;
}

// A label's value as it stands, if it is there.
std::optional<std::string_view> LabelOf(const JsonValue& metadata,
                                        std::string_view key) {
  std::optional<std::string_view> found;
  metadata["labels"].EachText(
      [&](std::string_view name, std::string_view value) {
        if (name == key) found = value;
      });
  return found;
}

}  // namespace

void FillEndpoints(const JsonValue& root, Endpoints& endpoints) {
  const JsonValue metadata = root["metadata"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_namespace", endpoints.ns());
  labels.Add("__meta_kubernetes_endpoints_name", endpoints.name());
  labels.AddLabelsAndAnnotations(metadata, "endpoints");
  endpoints.meta = labels.Build();
  root["subsets"].Each([&](const JsonValue& json) {
    Endpoints::Subset subset;
    json["addresses"].Each([&](const JsonValue& address) {
      subset.ready.push_back(ReadAddress(address, endpoints.ns(), "true"));
    });
    json["notReadyAddresses"].Each([&](const JsonValue& address) {
      subset.not_ready.push_back(ReadAddress(address, endpoints.ns(), "false"));
    });
    subset.ready.shrink_to_fit();
    subset.not_ready.shrink_to_fit();
    json["ports"].Each(
        [&](const JsonValue& port) { subset.ports.push_back(ReadPort(port)); });
    endpoints.subsets.push_back(std::move(subset));
  });
  // Its controller says so in an annotation; Prometheus looks for a label.
  const auto is_truncated = [&](const JsonValue& map) {
    map.EachText([&](std::string_view name, std::string_view value) {
      if (name == "endpoints.kubernetes.io/over-capacity")
        endpoints.truncated = value == "truncated";
    });
  };
  is_truncated(metadata["labels"]);
  is_truncated(metadata["annotations"]);
}

void FillEndpointSlice(const JsonValue& root, EndpointSlice& slice) {
  const JsonValue metadata = root["metadata"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_namespace", slice.ns());
  labels.Add("__meta_kubernetes_endpointslice_name", slice.name());
  labels.Add("__meta_kubernetes_endpointslice_address_type",
             root["addressType"].text());
  labels.AddLabelsAndAnnotations(metadata, "endpointslice");
  slice.meta = labels.Build();
  if (const auto name = LabelOf(metadata, "kubernetes.io/service-name")) {
    slice.service = slice.ns();
    slice.service.append("/").append(*name);
  }
  root["endpoints"].Each([&](const JsonValue& json) {
    slice.endpoints.push_back(ReadEndpoint(json, slice.ns()));
  });
  slice.endpoints.shrink_to_fit();
  root["ports"].Each([&](const JsonValue& json) {
    slice.ports.push_back(ReadSlicePort(json));
  });
}

}  // namespace ta::kubernetes
