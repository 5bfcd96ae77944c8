#include "allocator/discovery_metrics.h"

#include <string>
#include <utility>

#include "allocator/kubernetes_metrics.h"
#include "allocator/refresh_metrics.h"
#include "api/metric_family.h"
#include "api/stage_metrics.h"

namespace ta {

std::vector<prometheus::MetricFamily> DiscoveryMetrics::Collect() const {
  const FileDiscoveryCounters::Values files = manager_.file_values();
  const FileWatch::Stats watch = manager_.watch().stats();
  FamilyList out;
  out.Counter("prometheus_sd_file_read_errors_total",
              "The number of File-SD read errors.")
      .Sample(files.read_errors);
  out.Counter("prometheus_sd_file_watcher_errors_total",
              "The number of File-SD errors caused by filesystem watch "
              "failures.")
      .Sample(watch.errors);
  out.Gauge("prometheus_sd_file_mtime_seconds",
            "Timestamp (mtime) of files read by FileSD. Timestamp is set at "
            "read time.");
  for (const auto& [path, seconds] : files.modified_seconds) {
    out.Sample(seconds, {{"filename", path}});
  }
  out.Summary("prometheus_sd_file_scan_duration_seconds",
              "The duration of the File-SD scan in seconds.")
      .Quantiles(QuantilesOf(files.recent_scan_seconds), files.scans,
                 files.scan_seconds);
  out.Gauge("target_allocator_watched_directories",
            "Directories watched for changed files.")
      .Sample(watch.watched_directories);
  out.Gauge("target_allocator_file_watch_polled",
            "Users of files that are looked at by interval, because watching "
            "them failed.")
      .Sample(watch.polled_clients);
  AddRefreshMetrics(manager_.refresh_counters().values(), out);
  const auto stage = [](std::string mechanism) -> MetricLabels {
    return {{"stage", "discovery"}, {"mechanism", std::move(mechanism)}};
  };
  const RefreshCounters& refresh = manager_.refresh_counters();
  AddStages({{stage("file"), manager_.file_counters().reading()},
             {stage("http"), refresh.http_answers()},
             {stage("dns"), refresh.dns_answers()},
             {stage("kubernetes"), manager_.hub().stage()}},
            out);
  AddKubernetesMetrics(manager_.hub().status(), out);
  return out.Take();
}

}  // namespace ta
