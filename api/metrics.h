// The metrics page. Values are computed from the snapshot and the counters when
// they are scraped: nothing is kept twice, and a collector that is gone leaves
// no stale series. Names, types and labels of the Go allocator
// (`opentelemetry_allocator_…`, `prometheus_sd_…`, `process_…`) stand beside
// ours (`target_allocator_…`).

#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <string>
#include <vector>

#include "allocator/service_stats.h"
#include "allocator/snapshot.h"
#include "api/body_cache.h"
#include "api/byte_budget.h"
#include "api/router.h"
#include "api/stats.h"

namespace ta {

// What the snapshot says: assignment, members, discovery, configuration.
// `snapshots` must outlive it. Thread-safe.
class SnapshotMetrics final : public prometheus::Collectable {
 public:
  explicit SnapshotMetrics(const SnapshotHolder& snapshots)
      : snapshots_(snapshots) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const SnapshotHolder& snapshots_;
};

// What the server counts about itself. All must outlive it. Thread-safe.
class ServerMetrics final : public prometheus::Collectable {
 public:
  ServerMetrics(const ServerStats& stats, const Router& router)
      : stats_(stats),
        cache_(router.cache()),
        budget_(router.budget()),
        rendering_(router.rendering()) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const ServerStats& stats_;
  const BodyCache& cache_;
  const ByteBudget& budget_;
  const StageStats& rendering_;
};

// What the HTTPS server counts; nothing where there is none. `stats` must
// outlive it. Thread-safe.
class TlsMetrics final : public prometheus::Collectable {
 public:
  explicit TlsMetrics(const TlsStats& stats) : stats_(stats) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const TlsStats& stats_;
};

// What the service counts about itself. `stats` and `snapshots`, which names
// the strategy, must outlive it. Thread-safe.
class ServiceMetrics final : public prometheus::Collectable {
 public:
  ServiceMetrics(const ServiceStats& stats, const SnapshotHolder& snapshots)
      : stats_(stats), snapshots_(snapshots) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const ServiceStats& stats_;
  const SnapshotHolder& snapshots_;
};

// process_* under the names of Prometheus's own clients, from /proc; and the
// build's version. What can't be read is left out. Thread-safe.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  explicit ProcessMetrics(std::string version) : version_(std::move(version)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string version_;
};

using MetricSources =
    std::vector<std::shared_ptr<const prometheus::Collectable>>;

// The families of all `sources` that have samples, sorted by name so that two
// scrapes can be compared; those of one name are one family. In label values,
// bytes that are no UTF-8 become U+FFFD.
std::vector<prometheus::MetricFamily> GatherMetrics(
    const MetricSources& sources);

// The same in Prometheus's text format.
std::string MetricsText(const MetricSources& sources);

}  // namespace ta
