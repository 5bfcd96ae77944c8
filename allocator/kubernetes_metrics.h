// Metrics of Kubernetes discovery: those of Prometheus, and one series for each
// watch. Pure.

#pragma once

#include "api/metric_family.h"
#include "discovery/kubernetes/hub.h"

namespace ta {

void AddKubernetesMetrics(const kubernetes::Hub::Status& status,
                          FamilyList& out);

}  // namespace ta
