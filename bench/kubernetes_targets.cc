#include "bench/kubernetes_targets.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace ta::bench {
namespace {

using Action = RelabelConfig::Action;

constexpr std::size_t kTargetsOfService = 20;

// splitmix64: uids and pod suffixes that look random.
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

template <typename... Values>
std::string Format(const char* format, Values... values) {
  std::array<char, 128> text;
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

Labels ServiceLabels(std::size_t service) {
  const std::string name = Format("service-%zu", service);
  const std::string space = Format("namespace-%zu", service % 50);
  return Labels::Of({
      {"__meta_kubernetes_namespace", space},
      {"__meta_kubernetes_endpoints_name", name},
      {"__meta_kubernetes_endpoints_label_app_kubernetes_io_name", name},
      {"__meta_kubernetes_endpoints_labelpresent_app_kubernetes_io_name",
       "true"},
      {"__meta_kubernetes_service_name", name},
      {"__meta_kubernetes_service_label_app_kubernetes_io_name", "exporter"},
      {"__meta_kubernetes_service_labelpresent_app_kubernetes_io_name", "true"},
      {"__meta_kubernetes_service_label_app_kubernetes_io_instance", name},
      {"__meta_kubernetes_service_labelpresent_app_kubernetes_io_instance",
       "true"},
      {"__meta_kubernetes_service_annotation_prometheus_io_scrape", "true"},
      {"__meta_kubernetes_service_annotationpresent_prometheus_io_scrape",
       "true"},
  });
}

Labels PodLabels(std::size_t target) {
  const std::size_t service = target / kTargetsOfService;
  const std::uint64_t random = Mix(target);
  const auto low = static_cast<unsigned>(random & 0xffffffff);
  const auto high = static_cast<unsigned>(random >> 32);
  const std::string ip = Format("10.%zu.%zu.%zu", target >> 16 & 255,
                                target >> 8 & 255, target & 255);
  const std::string address = ip + ":9100";
  const std::string pod =
      Format("service-%zu-%08x-%05x", service, low, high & 0xfffff);
  const std::string uid = Format("%08x-%04x-4%03x-a%03x-%012zx", low,
                                 high >> 16, high & 0xfff, low & 0xfff, target);
  const std::string node = Format("node-%zu.cluster.internal", target / 30);
  const std::string host =
      Format("192.168.%zu.%zu", target / 30 >> 8 & 255, target / 30 & 255);
  const std::string set =
      Format("service-%zu-%08x", service, static_cast<unsigned>(Mix(service)));
  const std::string hash = Format("%08x", static_cast<unsigned>(Mix(service)));
  const std::string app = Format("service-%zu", service);
  return Labels::Of({
      {"__address__", address},
      {"__meta_kubernetes_endpoint_address_target_kind", "Pod"},
      {"__meta_kubernetes_endpoint_address_target_name", pod},
      {"__meta_kubernetes_endpoint_node_name", node},
      {"__meta_kubernetes_endpoint_port_name", "metrics"},
      {"__meta_kubernetes_endpoint_port_protocol", "TCP"},
      {"__meta_kubernetes_endpoint_ready", "true"},
      {"__meta_kubernetes_pod_name", pod},
      {"__meta_kubernetes_pod_ip", ip},
      {"__meta_kubernetes_pod_uid", uid},
      {"__meta_kubernetes_pod_host_ip", host},
      {"__meta_kubernetes_pod_node_name", node},
      {"__meta_kubernetes_pod_phase", "Running"},
      {"__meta_kubernetes_pod_ready", "true"},
      {"__meta_kubernetes_pod_controller_kind", "ReplicaSet"},
      {"__meta_kubernetes_pod_controller_name", set},
      {"__meta_kubernetes_pod_container_name", "exporter"},
      {"__meta_kubernetes_pod_container_image",
       "registry.example.com/team/exporter:v1.9.0"},
      {"__meta_kubernetes_pod_container_port_name", "metrics"},
      {"__meta_kubernetes_pod_container_port_number", "9100"},
      {"__meta_kubernetes_pod_container_port_protocol", "TCP"},
      {"__meta_kubernetes_pod_container_init", "false"},
      {"__meta_kubernetes_pod_label_app_kubernetes_io_name", app},
      {"__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name", "true"},
      {"__meta_kubernetes_pod_label_app_kubernetes_io_component", "exporter"},
      {"__meta_kubernetes_pod_labelpresent_app_kubernetes_io_component",
       "true"},
      {"__meta_kubernetes_pod_label_pod_template_hash", hash},
      {"__meta_kubernetes_pod_labelpresent_pod_template_hash", "true"},
      {"__meta_kubernetes_pod_annotation_prometheus_io_scrape", "true"},
      {"__meta_kubernetes_pod_annotationpresent_prometheus_io_scrape", "true"},
      {"__meta_kubernetes_pod_annotation_prometheus_io_port", "9100"},
  });
}

}  // namespace

std::vector<DiscoveredTarget> KubernetesTargets(std::size_t count) {
  std::vector<DiscoveredTarget> targets(count);
  for (std::size_t i = 0; i < count; ++i) {
    targets[i].group = i % kTargetsOfService == 0
                           ? ServiceLabels(i / kTargetsOfService)
                           : targets[i - 1].group;
    targets[i].own = PodLabels(i);
  }
  return targets;
}

Labels Seeds(const std::string& job) {
  return Labels::Of({{"job", job},
                     {"__scrape_interval__", "30s"},
                     {"__scrape_timeout__", "10s"},
                     {"__metrics_path__", "/metrics"},
                     {"__scheme__", "http"},
                     {"__convert_classic_histograms_to_nhcb__", "false"},
                     {"__always_scrape_classic_histograms__", "false"},
                     {"__scrape_native_histograms__", "false"}});
}

std::vector<RelabelConfig> ServiceMonitorRules() {
  const std::string kind = "__meta_kubernetes_endpoint_address_target_kind";
  const std::string name = "__meta_kubernetes_endpoint_address_target_name";
  return {
      {.action = Action::kKeep,
       .source_labels =
           {"__meta_kubernetes_service_label_app_kubernetes_io_name",
            "__meta_kubernetes_service_labelpresent_app_kubernetes_io_name"},
       .regex = "(exporter);true"},
      {.action = Action::kKeep,
       .source_labels = {"__meta_kubernetes_endpoint_port_name"},
       .regex = "metrics"},
      {.source_labels = {kind, name},
       .regex = "Node;(.*)",
       .target_label = "node",
       .replacement = "${1}"},
      {.source_labels = {kind, name},
       .regex = "Pod;(.*)",
       .target_label = "pod",
       .replacement = "${1}"},
      {.source_labels = {"__meta_kubernetes_namespace"},
       .target_label = "namespace"},
      {.source_labels = {"__meta_kubernetes_service_name"},
       .target_label = "service"},
      {.source_labels = {"__meta_kubernetes_pod_container_name"},
       .target_label = "container"},
      {.action = Action::kDrop,
       .source_labels = {"__meta_kubernetes_pod_phase"},
       .regex = "(Failed|Succeeded)"},
      {.source_labels = {"__meta_kubernetes_service_name"},
       .target_label = "job",
       .replacement = "${1}"},
      {.target_label = "endpoint", .replacement = "metrics"},
  };
}

std::vector<RelabelConfig> AnnotationRules() {
  const std::string pod = "__meta_kubernetes_pod_";
  return {
      {.action = Action::kKeep,
       .source_labels = {pod + "annotation_prometheus_io_scrape"},
       .regex = "true"},
      {.action = Action::kDrop,
       .source_labels = {pod + "annotation_prometheus_io_scrape_slow"},
       .regex = "true"},
      {.source_labels = {pod + "annotation_prometheus_io_scheme"},
       .regex = "(https?)",
       .target_label = "__scheme__"},
      {.source_labels = {pod + "annotation_prometheus_io_path"},
       .regex = "(.+)",
       .target_label = "__metrics_path__"},
      {.source_labels = {"__address__", pod + "annotation_prometheus_io_port"},
       .regex = "(.+?)(?::\\d+)?;(\\d+)",
       .target_label = "__address__",
       .replacement = "$1:$2"},
      {.action = Action::kLabelMap,
       .regex = pod + "annotation_prometheus_io_param_(.+)",
       .replacement = "__param_$1"},
      {.action = Action::kLabelMap, .regex = pod + "label_(.+)"},
      {.source_labels = {"__meta_kubernetes_namespace"},
       .target_label = "namespace"},
      {.source_labels = {pod + "name"}, .target_label = "pod"},
      {.action = Action::kDrop,
       .source_labels = {pod + "phase"},
       .regex = "Pending|Succeeded|Failed|Completed"},
      {.source_labels = {pod + "node_name"}, .target_label = "node"},
  };
}

}  // namespace ta::bench
