// Source: serviceLabels, buildService, nonPrimaryIPFamilySlice, ingressLabels
// and buildIngress in prometheus/discovery/kubernetes.

#include <string>
#include <utility>

#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/parse_object.h"

namespace ta::kubernetes {
namespace {

Labels ServiceTarget(const Service& service, const JsonValue& spec,
                     const JsonValue& port) {
  const std::string number = std::to_string(port["port"].number());
  const std::string_view type = spec["type"].text();
  MetaLabels labels;
  std::string host(service.name());
  host.append(".").append(service.ns()).append(".svc");
  labels.Add("__address__", labels.Keep(JoinHostPort(host, number)));
  labels.Add("__meta_kubernetes_service_port_name", port["name"].text());
  labels.Add("__meta_kubernetes_service_port_number", number);
  labels.Add("__meta_kubernetes_service_port_protocol",
             port["protocol"].text());
  labels.Add("__meta_kubernetes_service_type", type);
  if (type == "ExternalName") {
    labels.Add("__meta_kubernetes_service_external_name",
               spec["externalName"].text());
  } else {
    labels.Add("__meta_kubernetes_service_cluster_ip",
               spec["clusterIP"].text());
  }
  if (type == "LoadBalancer") {
    labels.Add("__meta_kubernetes_service_loadbalancer_ip",
               spec["loadBalancerIP"].text());
  }
  return labels.Build();
}

// The first family of a service that has two: slices of the other one name the
// same endpoints again.
std::string PrimaryFamily(const JsonValue& spec) {
  const std::string_view policy = spec["ipFamilyPolicy"].text();
  std::optional<std::string_view> first;
  spec["ipFamilies"].Each([&](const JsonValue& family) {
    if (!first) first = family.text();
  });
  const bool dual = policy == "PreferDualStack" || policy == "RequireDualStack";
  return dual && first ? std::string(*first) : std::string();
}

// "*.example.com" matches one further label; anything else only itself.
bool MatchesHost(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (pattern != "*" && !pattern.starts_with("*.")) return false;
  const auto dot = host.find('.');
  if (pattern == "*") return dot == std::string_view::npos;
  return dot != std::string_view::npos && host.substr(dot) == pattern.substr(1);
}

bool HasTls(const JsonValue& spec, std::string_view host) {
  bool found = false;
  spec["tls"].Each([&](const JsonValue& tls) {
    tls["hosts"].Each([&](const JsonValue& pattern) {
      found = MatchesHost(pattern.text(), host) || found;
    });
  });
  return found;
}

Labels IngressTarget(std::string_view scheme, std::string_view host,
                     std::string_view path) {
  return Labels::Of({{"__address__", host},
                     {"__meta_kubernetes_ingress_scheme", scheme},
                     {"__meta_kubernetes_ingress_host", host},
                     {"__meta_kubernetes_ingress_path", path}});
}

}  // namespace

void FillService(const JsonValue& root, Service& service) {
  const JsonValue spec = root["spec"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_namespace", service.ns());
  labels.Add("__meta_kubernetes_service_name", service.name());
  labels.AddLabelsAndAnnotations(root["metadata"], "service");
  service.meta = labels.Build();
  spec["ports"].Each([&](const JsonValue& port) {
    service.targets.push_back(ServiceTarget(service, spec, port));
  });
  service.primary_family = PrimaryFamily(spec);
}

void FillIngress(const JsonValue& root, Ingress& ingress) {
  const JsonValue spec = root["spec"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_namespace", ingress.ns());
  labels.Add("__meta_kubernetes_ingress_name", ingress.name());
  if (const auto name = spec["ingressClassName"].maybe_text())
    labels.Add("__meta_kubernetes_ingress_class_name", *name);
  labels.AddLabelsAndAnnotations(root["metadata"], "ingress");
  ingress.meta = labels.Build();
  spec["rules"].Each([&](const JsonValue& rule) {
    const std::string_view host = rule["host"].text();
    const std::string_view scheme = HasTls(spec, host) ? "https" : "http";
    const JsonValue http = rule["http"];
    // A rule without `http` is for every path; one with no path in it for none.
    if (!http.there())
      ingress.targets.push_back(IngressTarget(scheme, host, "/"));
    http["paths"].Each([&](const JsonValue& each) {
      const std::string_view path = each["path"].text();
      ingress.targets.push_back(
          IngressTarget(scheme, host, path.empty() ? "/" : path));
    });
  });
}

}  // namespace ta::kubernetes
