#include "allocator/refresh_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace ta {

std::vector<FamilyList::Quantile> QuantilesOf(std::vector<double> values) {
  std::ranges::sort(values);
  std::vector<FamilyList::Quantile> quantiles;
  for (const double rank : {0.5, 0.9, 0.99}) {
    // Nearest rank.
    const auto at = static_cast<std::size_t>(
        std::ceil(rank * static_cast<double>(values.size())));
    quantiles.push_back({rank, values.empty()
                                   ? std::numeric_limits<double>::quiet_NaN()
                                   : values[at - 1]});
  }
  return quantiles;
}

void AddRefreshMetrics(const RefreshCounters::Values& values, FamilyList& out) {
  out.Counter("prometheus_sd_refresh_failures_total",
              "Number of refresh failures for the given SD mechanism.");
  for (const auto& series : values.series) {
    out.Sample(series.failures,
               {{"config", series.config}, {"mechanism", series.mechanism}});
  }
  out.Summary("prometheus_sd_refresh_duration_seconds",
              "The duration of a refresh in seconds for the given SD "
              "mechanism.");
  for (const auto& series : values.series) {
    out.Quantiles(QuantilesOf(series.recent_seconds), series.count,
                  series.seconds,
                  {{"config", series.config}, {"mechanism", series.mechanism}});
  }
  out.Histogram("prometheus_sd_refresh_duration_histogram_seconds",
                "The duration of a refresh for the given SD mechanism.");
  for (const auto& [mechanism, durations] : values.durations) {
    out.Buckets(RefreshCounters::kBounds, durations.counts, durations.seconds,
                {{"mechanism", mechanism}});
  }
  out.Counter("prometheus_sd_http_failures_total",
              "Number of HTTP service discovery refresh failures.")
      .Sample(values.http_failures);
  out.Counter("prometheus_sd_dns_lookups_total",
              "The number of DNS-SD lookups.")
      .Sample(values.dns_lookups);
  out.Counter("prometheus_sd_dns_lookup_failures_total",
              "The number of DNS-SD lookup failures.")
      .Sample(values.dns_lookup_failures);
}

}  // namespace ta
