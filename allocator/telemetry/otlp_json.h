// Metric families as a request to an OTLP receiver, in OTLP's JSON encoding
// (ExportMetricsServiceRequest). Pure. Source: opentelemetry-proto 1.11,
// metrics.proto, and the specification's "JSON Protobuf Encoding": 64-bit
// integers are strings, times are nanoseconds since 1970, enumerations numbers.
//
// A metric's name is what the Go allocator sends it under, so that a dashboard
// need not care who sends. There it has two scopes, and here, too:
//
// 1. Its own metrics (`otel_scope_name` on /metrics) are instruments of the
//    scope that these labels name; a counter's `_total` is the Prometheus
//    exporter's addition and goes. Whole numbers are integers.
// 2. All others come from Prometheus's library, through a bridge that keeps
//    names and makes every number a double. Their scope is ours,
//    `target-allocator`.
//
// `target_info` is the resource, so it is no metric. There are no units, as
// there.

#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/config/telemetry_config.h"

namespace ta {

// Who sends. The same for all requests of a process.
struct OtlpSender {
  ResourceAttributes resource;
  std::string version;                // of the scope `target-allocator`
  std::int64_t start_unix_nanos = 0;  // since when totals count
};

// Totals at one time, from which the next deltas are. Value type; only series
// that are sent as deltas are in it, so it grows with these and no further.
struct OtlpTotals {
  struct Series {
    std::uint64_t count = 0;
    double value = 0;                    // a histogram's sum
    std::vector<std::uint64_t> buckets;  // not cumulative
  };
  std::int64_t unix_nanos = 0;  // 0: nothing was ever sent
  std::unordered_map<std::string, Series> series;
};

struct OtlpRequest {
  std::string body;
  // To be the next request's `sent` if this one arrived; if it did not, that
  // gets what this one got, so that what was counted meanwhile is not lost.
  OtlpTotals totals;
};

// `families` at `unix_nanos` (never taken for earlier than what was sent
// before). A delta is what came since `sent`; of a series that has begun again
// (its total has fallen, as of a job that left and came back) or that is new,
// all it has. Gauges and summaries have no deltas. Families without samples, or
// of a type that OTLP has not, are left out. O(bytes written).
OtlpRequest MakeOtlpRequest(std::span<const prometheus::MetricFamily> families,
                            const OtlpSender& sender, Temporality temporality,
                            const OtlpTotals& sent, std::int64_t unix_nanos);

}  // namespace ta
