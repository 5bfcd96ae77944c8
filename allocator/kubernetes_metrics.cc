#include "allocator/kubernetes_metrics.h"

#include <chrono>
#include <string>
#include <utility>

namespace ta {
namespace {

using kubernetes::Resource;
using kubernetes::WatchStatus;
using kubernetes::WatchTotals;

// Those that Prometheus counts events of, by its names of roles.
constexpr std::pair<const char*, Resource> kRoles[] = {
    {"endpointslice", Resource::kEndpointSlices},
    {"endpoints", Resource::kEndpoints},
    {"node", Resource::kNodes},
    {"pod", Resource::kPods},
    {"service", Resource::kServices},
    {"ingress", Resource::kIngresses},
};
constexpr std::pair<const char*, WatchTotals::Event> kEvents[] = {
    {"add", WatchTotals::kAdd},
    {"delete", WatchTotals::kDelete},
    {"update", WatchTotals::kUpdate},
};

MetricLabels LabelsOf(const WatchStatus& watch) {
  std::string selector = watch.scope.label_selector;
  if (!watch.scope.field_selector.empty()) {
    if (!selector.empty()) selector += ';';
    selector += watch.scope.field_selector;
  }
  return {{"namespace", watch.scope.ns},
          {"resource",
           std::string(kubernetes::InfoOf(watch.scope.resource).plural)},
          {"selector", selector},
          {"server", watch.server}};
}

}  // namespace

void AddKubernetesMetrics(const kubernetes::Hub::Status& status,
                          FamilyList& out) {
  out.Counter("prometheus_sd_kubernetes_events_total",
              "The number of Kubernetes events handled.");
  for (const auto& [role, resource] : kRoles) {
    for (const auto& [name, event] : kEvents) {
      out.Sample(
          status.totals.changes[static_cast<std::size_t>(resource)][event],
          {{"event", name}, {"role", role}});
    }
  }
  out.Counter("prometheus_sd_kubernetes_failures_total",
              "The number of failed WATCH/LIST requests.")
      .Sample(status.totals.failures);
  out.Gauge("target_allocator_kubernetes_connections",
            "API servers that are looked at, each as one identity.")
      .Sample(status.connections);
  const auto for_each = [&](const auto& value_of) {
    for (const WatchStatus& watch : status.watches) {
      out.Sample(value_of(watch), LabelsOf(watch));
    }
  };
  out.Gauge("target_allocator_kubernetes_watch_synced",
            "Whether a whole list of the watched objects is in.");
  for_each([](const WatchStatus& watch) { return watch.synced ? 1 : 0; });
  out.Gauge("target_allocator_kubernetes_watch_age_seconds",
            "Time since the API server was last heard on a watch; bookmarks "
            "come once a minute.");
  for (const WatchStatus& watch : status.watches) {
    if (!watch.age) continue;
    out.Sample(std::chrono::duration<double>(*watch.age).count(),
               LabelsOf(watch));
  }
  out.Gauge("target_allocator_kubernetes_watch_objects",
            "Objects known of a watch.");
  for_each([](const WatchStatus& watch) { return watch.objects; });
  out.Gauge("target_allocator_kubernetes_watch_left_out_objects",
            "Objects of a watch that cannot be read and are left out.");
  for_each([](const WatchStatus& watch) { return watch.bad_now; });
  out.Gauge("target_allocator_kubernetes_watch_problem",
            "1 while the last request of a watch has failed.");
  for_each(
      [](const WatchStatus& watch) { return watch.problem.empty() ? 0 : 1; });
  out.Counter("target_allocator_kubernetes_watch_events_total",
              "Events of a watch, bookmarks not counted.");
  for_each([](const WatchStatus& watch) { return watch.events; });
  out.Counter("target_allocator_kubernetes_watch_lists_total",
              "Complete lists of a watch.");
  for_each([](const WatchStatus& watch) { return watch.lists; });
  out.Counter("target_allocator_kubernetes_watch_failures_total",
              "Failed requests of a watch.");
  for_each([](const WatchStatus& watch) { return watch.failures; });
}

}  // namespace ta
