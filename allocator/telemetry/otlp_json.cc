#include "allocator/telemetry/otlp_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "api/json.h"

namespace ta {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Series = OtlpTotals::Series;

// opentelemetry.proto.metrics.v1.AggregationTemporality
constexpr std::uint64_t kDeltaNumber = 1;
constexpr std::uint64_t kCumulativeNumber = 2;

constexpr std::string_view kScopeLabel = "otel_scope_";

struct Scope {
  std::string name;
  std::string version;
  std::string schema_url;
  bool instruments = false;  // of OpenTelemetry, no bridged metrics

  bool operator<(const Scope& other) const {
    return std::tie(name, version, schema_url) <
           std::tie(other.name, other.version, other.schema_url);
  }
};

// All samples of a family are of one scope.
Scope ScopeOf(const MetricFamily& family, const OtlpSender& sender) {
  Scope scope;
  for (const auto& label : family.metric.front().label) {
    if (label.name == "otel_scope_name") scope.name = label.value;
    if (label.name == "otel_scope_version") scope.version = label.value;
    if (label.name == "otel_scope_schema_url") scope.schema_url = label.value;
  }
  scope.instruments = !scope.name.empty();
  if (!scope.instruments) {
    scope.name = "target-allocator";
    scope.version = sender.version;
  }
  return scope;
}

// An instrument of whole numbers in the Go allocator; all but one gauge are.
bool HasWholeNumbers(const MetricFamily& family, const Scope& scope) {
  return scope.instruments && family.name != "opentelemetry_allocator_targets";
}

bool IsDelta(Temporality temporality, MetricType type, const Scope& scope) {
  if (temporality != Temporality::kLowMemory)
    return temporality == Temporality::kDelta;
  // A bridged counter is read when it is asked for: asynchronous.
  return scope.instruments || type == MetricType::Histogram;
}

std::string_view NameOf(const MetricFamily& family, const Scope& scope) {
  std::string_view name = family.name;
  constexpr std::string_view kTotal = "_total";
  if (scope.instruments && family.type == MetricType::Counter &&
      name.ends_with(kTotal))
    name.remove_suffix(kTotal.size());
  return name;
}

std::string KeyOf(const MetricFamily& family, const ClientMetric& metric) {
  std::string key = family.name;
  for (const auto& label : metric.label) {
    key += '\0';
    key += label.name;
    key += '\0';
    key += label.value;
  }
  return key;
}

// What a histogram's cumulative buckets hold each, the one above all bounds
// last.
Series SeriesOf(const ClientMetric::Histogram& histogram) {
  Series out{histogram.sample_count, histogram.sample_sum, {}};
  std::uint64_t below = 0;
  for (const auto& bucket : histogram.bucket) {
    if (std::isinf(bucket.upper_bound)) break;
    out.buckets.push_back(bucket.cumulative_count - below);
    below = bucket.cumulative_count;
  }
  out.buckets.push_back(std::max(histogram.sample_count, below) - below);
  return out;
}

// Nothing where `now` has begun again since.
std::optional<Series> Difference(const Series& now, const Series& before) {
  if (now.buckets.size() != before.buckets.size() || now.count < before.count)
    return std::nullopt;
  if (now.buckets.empty() && now.value < before.value) return std::nullopt;
  Series out{now.count - before.count, now.value - before.value, now.buckets};
  for (std::size_t i = 0; i < out.buckets.size(); ++i) {
    if (out.buckets[i] < before.buckets[i]) return std::nullopt;
    out.buckets[i] -= before.buckets[i];
  }
  return out;
}

class Writer {
 public:
  Writer(const OtlpSender& sender, Temporality temporality,
         const OtlpTotals& sent, std::int64_t unix_nanos)
      : sender_(sender), temporality_(temporality), sent_(sent) {
    totals_.unix_nanos =
        std::max({unix_nanos, sender.start_unix_nanos, sent.unix_nanos});
    since_ = sent.unix_nanos == 0 ? sender.start_unix_nanos : sent.unix_nanos;
  }

  OtlpRequest Write(std::span<const MetricFamily> families) {
    std::map<Scope, std::vector<const MetricFamily*>> scopes;
    for (const MetricFamily& family : families) {
      if (family.metric.empty() || family.name == "target_info" ||
          family.type == MetricType::Untyped)
        continue;
      scopes[ScopeOf(family, sender_)].push_back(&family);
    }
    json_.BeginObject().Key("resourceMetrics").BeginArray().BeginObject();
    json_.Key("resource").BeginObject().Key("attributes").BeginArray();
    for (const auto& [name, value] : sender_.resource) Attribute(name, value);
    json_.EndArray().EndObject().Key("scopeMetrics").BeginArray();
    for (const auto& [scope, members] : scopes) {
      json_.BeginObject().Key("scope").BeginObject();
      json_.Field("name", scope.name);
      if (!scope.version.empty()) json_.Field("version", scope.version);
      json_.EndObject().Key("metrics").BeginArray();
      for (const MetricFamily* family : members) Family(*family, scope);
      json_.EndArray();
      if (!scope.schema_url.empty()) json_.Field("schemaUrl", scope.schema_url);
      json_.EndObject();
    }
    json_.EndArray().EndObject().EndArray().EndObject();
    return {out_.Take(), std::move(totals_)};
  }

 private:
  void Family(const MetricFamily& family, const Scope& scope) {
    json_.BeginObject().Field("name", NameOf(family, scope));
    if (!family.help.empty()) json_.Field("description", family.help);
    const bool delta = IsDelta(temporality_, family.type, scope);
    const bool whole = HasWholeNumbers(family, scope);
    switch (family.type) {
      case MetricType::Counter:
        Open("sum");
        for (const auto& metric : family.metric)
          Counter(family, metric, delta, whole);
        json_.EndArray();
        SayTemporality(delta);
        json_.Field("isMonotonic", true);
        break;
      case MetricType::Histogram:
        Open("histogram");
        for (const auto& metric : family.metric)
          Histogram(family, metric, delta);
        json_.EndArray();
        SayTemporality(delta);
        break;
      case MetricType::Summary:
        Open("summary");
        for (const auto& metric : family.metric) Summary(metric);
        json_.EndArray();
        break;
      default:
        Open("gauge");
        for (const auto& metric : family.metric) {
          BeginPoint(metric, std::nullopt);
          Value(metric.gauge.value, whole);
          json_.EndObject();
        }
        json_.EndArray();
    }
    json_.EndObject().EndObject();
  }

  void Open(std::string_view kind) {
    json_.Key(kind).BeginObject().Key("dataPoints").BeginArray();
  }

  void SayTemporality(bool delta) {
    json_.Field("aggregationTemporality",
                delta ? kDeltaNumber : kCumulativeNumber);
  }

  void Counter(const MetricFamily& family, const ClientMetric& metric,
               bool delta, bool whole) {
    const Series now{0, metric.counter.value, {}};
    const auto [since, value] = Since(family, metric, now, delta);
    BeginPoint(metric, since);
    Value(value.value, whole);
    json_.EndObject();
  }

  void Histogram(const MetricFamily& family, const ClientMetric& metric,
                 bool delta) {
    const auto [since, value] =
        Since(family, metric, SeriesOf(metric.histogram), delta);
    BeginPoint(metric, since);
    Whole("count", value.count);
    json_.Key("sum");
    Number(value.value);
    json_.Key("bucketCounts").BeginArray();
    for (const std::uint64_t count : value.buckets)
      json_.String(std::to_string(count));
    json_.EndArray().Key("explicitBounds").BeginArray();
    for (std::size_t i = 0; i + 1 < value.buckets.size(); ++i)
      Number(metric.histogram.bucket[i].upper_bound);
    json_.EndArray().EndObject();
  }

  void Summary(const ClientMetric& metric) {
    BeginPoint(metric, sender_.start_unix_nanos);
    Whole("count", metric.summary.sample_count);
    json_.Key("sum");
    Number(metric.summary.sample_sum);
    json_.Key("quantileValues").BeginArray();
    for (const auto& quantile : metric.summary.quantile) {
      json_.BeginObject().Key("quantile");
      Number(quantile.quantile);
      json_.Key("value");
      Number(quantile.value);
      json_.EndObject();
    }
    json_.EndArray().EndObject();
  }

  // What is sent of a series, and since when it counts.
  std::pair<std::int64_t, Series> Since(const MetricFamily& family,
                                        const ClientMetric& metric,
                                        const Series& now, bool delta) {
    if (!delta) return {sender_.start_unix_nanos, now};
    const std::string key = KeyOf(family, metric);
    std::pair<std::int64_t, Series> out{since_, now};
    if (const auto before = sent_.series.find(key);
        before != sent_.series.end()) {
      if (auto difference = Difference(now, before->second))
        out.second = *std::move(difference);
    }
    totals_.series.emplace(key, now);
    return out;
  }

  void BeginPoint(const ClientMetric& metric,
                  std::optional<std::int64_t> since) {
    json_.BeginObject().Key("attributes").BeginArray();
    for (const auto& label : metric.label) {
      if (!label.name.starts_with(kScopeLabel))
        Attribute(label.name, label.value);
    }
    json_.EndArray();
    if (since) json_.Field("startTimeUnixNano", std::to_string(*since));
    json_.Field("timeUnixNano", std::to_string(totals_.unix_nanos));
  }

  void Attribute(std::string_view name, std::string_view value) {
    json_.BeginObject().Field("key", name).Key("value").BeginObject();
    json_.Field("stringValue", value).EndObject().EndObject();
  }

  void Value(double value, bool whole) {
    if (whole) {
      json_.Field("asInt", std::to_string(std::llround(value)));
    } else {
      json_.Key("asDouble");
      Number(value);
    }
  }

  void Whole(std::string_view key, std::uint64_t value) {
    json_.Field(key, std::to_string(value));
  }

  void Number(double value) {
    if (std::isnan(value)) {
      json_.String("NaN");
    } else if (std::isinf(value)) {
      json_.String(value > 0 ? "Infinity" : "-Infinity");
    } else {
      json_.Double(value);
    }
  }

  const OtlpSender& sender_;
  const Temporality temporality_;
  const OtlpTotals& sent_;
  std::int64_t since_ = 0;
  OtlpTotals totals_;
  ByteBuffer out_;
  JsonWriter json_{out_};
};

}  // namespace

OtlpRequest MakeOtlpRequest(std::span<const MetricFamily> families,
                            const OtlpSender& sender, Temporality temporality,
                            const OtlpTotals& sent, std::int64_t unix_nanos) {
  return Writer(sender, temporality, sent, unix_nanos).Write(families);
}

}  // namespace ta
