// Metrics of what is asked again and again, with Prometheus's names. Pure.

#pragma once

#include <vector>

#include "api/metric_family.h"
#include "discovery/refresh_counters.h"

namespace ta {

void AddRefreshMetrics(const RefreshCounters::Values& values, FamilyList& out);

// Those that Prometheus shows of the last ten minutes' `values`: NaN without
// any.
std::vector<FamilyList::Quantile> QuantilesOf(std::vector<double> values);

}  // namespace ta
