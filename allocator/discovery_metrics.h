// Metrics of discovery, with Prometheus's own names, and of the watch of files
// and the Kubernetes hub that it runs on. Beside api/metrics.h, which may not
// know discovery.

#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "discovery/manager.h"

namespace ta {

// `manager` must outlive it. Thread-safe.
class DiscoveryMetrics final : public prometheus::Collectable {
 public:
  explicit DiscoveryMetrics(DiscoveryManager& manager) : manager_(manager) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  DiscoveryManager& manager_;
};

}  // namespace ta
