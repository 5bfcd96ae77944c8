// Targets as Kubernetes gives them, for benchmarks: what role endpoints finds
// with pods behind services, 42 labels a target, of which five pairs are its
// own. Equal for equal numbers, in every run.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/labels.h"

namespace ta::bench {

struct DiscoveredTarget {
  Labels group;  // shared by the 20 targets of a service
  Labels own;
};
std::vector<DiscoveredTarget> KubernetesTargets(std::size_t count);

// What Prometheus seeds in a job called `job`.
Labels Seeds(const std::string& job);

// The ten rules of a ServiceMonitor, as the Prometheus Operator writes them;
// all targets are kept.
std::vector<RelabelConfig> ServiceMonitorRules();
// The eleven rules of the kubernetes-pods job that charts have: annotations,
// an address regex, two labelmaps.
std::vector<RelabelConfig> AnnotationRules();

}  // namespace ta::bench
