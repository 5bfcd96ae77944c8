// Source: podLabels, podReady and buildPod in prometheus/discovery/kubernetes.

#include <charconv>
#include <utility>

#include "allocator/go_text.h"
#include "discovery/kubernetes/meta_labels.h"
#include "discovery/kubernetes/parse_object.h"

namespace ta::kubernetes {
namespace {

// "2026-11-21T09:30:00Z", with or without a fraction, as Kubernetes writes it.
std::optional<std::chrono::sys_seconds> ParseTime(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  const year_month_day day(
      year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
      std::chrono::day(static_cast<unsigned>(number(8, 2))));
  if (!day.ok()) return std::nullopt;
  return sys_days(day) + hours(number(11, 2)) + minutes(number(14, 2)) +
         seconds(number(17, 2));
}

void FillReadiness(const JsonValue& status, Pod& pod, MetaLabels& labels) {
  std::string ready = "unknown";
  bool found = false;
  status["conditions"].Each([&](const JsonValue& condition) {
    if (found || condition["type"].text() != "Ready") return;
    found = true;
    ready.clear();
    AppendGoLower(condition["status"].text(), ready);
    pod.ready_since = ParseTime(condition["lastTransitionTime"].text());
  });
  labels.Add("__meta_kubernetes_pod_ready", labels.Keep(std::move(ready)));
}

// The id of the first status with this name.
std::string_view ContainerId(const JsonValue& statuses, std::string_view name) {
  std::string_view id;
  bool found = false;
  statuses.Each([&](const JsonValue& status) {
    if (found || status["name"].text() != name) return;
    found = true;
    id = status["containerID"].text();
  });
  return id;
}

void FillContainers(const JsonValue& containers, const JsonValue& statuses,
                    std::string_view init, Pod& pod) {
  containers.Each([&](const JsonValue& json) {
    Container container;
    const std::string_view name = json["name"].text();
    MetaLabels labels;
    labels.Add("__meta_kubernetes_pod_container_name", name);
    labels.Add("__meta_kubernetes_pod_container_image", json["image"].text());
    labels.Add("__meta_kubernetes_pod_container_init", init);
    container.meta = labels.Build();
    container.id = Labels::Of(
        {{"__meta_kubernetes_pod_container_id", ContainerId(statuses, name)}});
    json["ports"].Each([&](const JsonValue& port) {
      container.ports.push_back({std::string(port["name"].text()),
                                 port["containerPort"].number(),
                                 std::string(port["protocol"].text())});
    });
    pod.containers.push_back(std::move(container));
  });
}

}  // namespace

void FillPod(const JsonValue& root, Pod& pod) {
  const JsonValue metadata = root["metadata"];
  const JsonValue spec = root["spec"];
  const JsonValue status = root["status"];
  MetaLabels labels;
  labels.Add("__meta_kubernetes_pod_name", pod.name());
  labels.Add("__meta_kubernetes_pod_ip", status["podIP"].text());
  labels.Add("__meta_kubernetes_pod_phase", status["phase"].text());
  labels.Add("__meta_kubernetes_pod_node_name", spec["nodeName"].text());
  labels.Add("__meta_kubernetes_pod_host_ip", status["hostIP"].text());
  labels.Add("__meta_kubernetes_pod_uid", metadata["uid"].text());
  FillReadiness(status, pod, labels);
  labels.AddLabelsAndAnnotations(metadata, "pod");
  if (const auto owner = ControllerOf(metadata)) {
    if (!owner->kind.empty())
      labels.Add("__meta_kubernetes_pod_controller_kind", owner->kind);
    if (!owner->name.empty())
      labels.Add("__meta_kubernetes_pod_controller_name", owner->name);
  }
  pod.meta = labels.Build();
  pod.deleted = metadata["deletionTimestamp"].there();
  FillContainers(spec["containers"], status["containerStatuses"], "false", pod);
  FillContainers(spec["initContainers"], status["initContainerStatuses"],
                 "true", pod);
}

}  // namespace ta::kubernetes
