// Shorthand for building metric families; inside api/ only.

#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/metrics.h"

namespace ta {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

// Collects families in the order in which they are named.
class FamilyList {
 public:
  // Begins a family; the samples that follow belong to it.
  FamilyList& Gauge(std::string name, std::string help) {
    return Begin(std::move(name), std::move(help),
                 prometheus::MetricType::Gauge);
  }
  FamilyList& Counter(std::string name, std::string help) {
    return Begin(std::move(name), std::move(help),
                 prometheus::MetricType::Counter);
  }
  FamilyList& Histogram(std::string name, std::string help) {
    return Begin(std::move(name), std::move(help),
                 prometheus::MetricType::Histogram);
  }
  FamilyList& Summary(std::string name, std::string help) {
    return Begin(std::move(name), std::move(help),
                 prometheus::MetricType::Summary);
  }
  // Labels that every sample of the current family has, too.
  FamilyList& With(MetricLabels labels) {
    common_ = std::move(labels);
    return *this;
  }

  template <typename T>
  FamilyList& Sample(T value, MetricLabels labels = {}) {
    prometheus::ClientMetric& metric = Add(std::move(labels));
    // Both: which one is written depends on the family's type.
    metric.gauge.value = static_cast<double>(value);
    metric.counter.value = static_cast<double>(value);
    return *this;
  }
  // `counts` has one more than `bounds`: what is above all of them.
  FamilyList& Buckets(std::span<const double> bounds,
                      std::span<const std::uint64_t> counts, double sum,
                      MetricLabels labels = {}) {
    prometheus::ClientMetric& metric = Add(std::move(labels));
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      total += counts[i];
      metric.histogram.bucket.push_back(
          {total, i < bounds.size() ? bounds[i]
                                    : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = sum;
    return *this;
  }

  template <typename Bounds>
  FamilyList& Durations(const BasicAtomicHistogram<Bounds>& histogram,
                        MetricLabels labels = {}) {
    std::array<std::uint64_t, Bounds::kSeconds.size() + 1> counts;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = histogram.count(i);
    }
    return Buckets(Bounds::kSeconds, counts, histogram.sum_seconds(),
                   std::move(labels));
  }

  using Quantile = prometheus::ClientMetric::Quantile;
  // For a summary: of the latest observations, and the count and sum of all.
  FamilyList& Quantiles(std::vector<Quantile> quantiles, std::uint64_t count,
                        double sum, MetricLabels labels = {}) {
    prometheus::ClientMetric& metric = Add(std::move(labels));
    metric.summary = {count, sum, std::move(quantiles)};
    return *this;
  }

  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  FamilyList& Begin(std::string name, std::string help,
                    prometheus::MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    common_.clear();
    return *this;
  }
  prometheus::ClientMetric& Add(MetricLabels labels) {
    auto& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    metric.label.insert(metric.label.end(), common_.begin(), common_.end());
    return metric;
  }

  std::vector<prometheus::MetricFamily> families_;
  MetricLabels common_;
};

// What OpenTelemetry's exporter adds to each of the Go allocator's own metrics.
inline MetricLabels OtelScope() {
  return {{"otel_scope_name", "targetallocator"},
          {"otel_scope_schema_url", ""},
          {"otel_scope_version", ""}};
}

}  // namespace ta
