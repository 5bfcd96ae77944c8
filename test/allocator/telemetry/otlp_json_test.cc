#include "allocator/telemetry/otlp_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "api/metric_family.h"

namespace ta {
namespace {

using prometheus::MetricFamily;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kFirst = kStart + 1'000'000'001;
constexpr std::int64_t kSecond = kFirst + 60'000'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

const OtlpSender kSender = {.resource = {{"service.name", "a \"b\""}},
                            .version = "1.2.3",
                            .start_unix_nanos = kStart};

std::string Body(const std::vector<MetricFamily>& families,
                 Temporality temporality = Temporality::kCumulative) {
  return MakeOtlpRequest(families, kSender, temporality, {}, kFirst).body;
}

// The whole request around the metrics of one scope of ours.
std::string InOurScope(const std::string& metrics) {
  return R"({"resourceMetrics":[{"resource":{"attributes":[)"
         R"({"key":"service.name","value":{"stringValue":"a \"b\""}}]},)"
         R"("scopeMetrics":[{"scope":{"name":"target-allocator",)"
         R"("version":"1.2.3"},"metrics":[)" +
         metrics + "]}]}]}";
}

// What stands at a JSON pointer of the only family's only data point.
template <typename T>
T At(const std::string& body, const std::string& pointer) {
  simdjson::dom::parser parser;
  T value{};
  EXPECT_EQ(
      parser.parse(body)
          .at_pointer("/resourceMetrics/0/scopeMetrics/0/metrics/0" + pointer)
          .get(value),
      simdjson::SUCCESS)
      << pointer << " of " << body;
  return value;
}

std::string Text(const std::string& body, const std::string& pointer) {
  simdjson::dom::parser parser;
  std::string_view value;
  EXPECT_EQ(
      parser.parse(body)
          .at_pointer("/resourceMetrics/0/scopeMetrics/0/metrics/0" + pointer)
          .get(value),
      simdjson::SUCCESS)
      << pointer << " of " << body;
  return std::string(value);
}

std::vector<MetricFamily> CounterOf(double value) {
  FamilyList out;
  out.Counter("served_total", "Served.").Sample(value, {{"path", "/a"}});
  return out.Take();
}

std::vector<MetricFamily> HistogramOf(std::array<std::uint64_t, 3> counts,
                                      double sum) {
  FamilyList out;
  out.Histogram("took_seconds", "Took.")
      .Buckets(std::array{0.1, 2.0}, counts, sum);
  return out.Take();
}

TEST(OtlpJsonTest, CounterIsAMonotonicSum) {
  EXPECT_EQ(
      Body(CounterOf(2.5)),
      InOurScope(R"({"name":"served_total","description":"Served.","sum":)"
                 R"({"dataPoints":[{"attributes":[{"key":"path","value":)"
                 R"({"stringValue":"/a"}}],)"
                 R"("startTimeUnixNano":"1700000000000000000",)"
                 R"("timeUnixNano":"1700000001000000001","asDouble":2.5}],)"
                 R"("aggregationTemporality":2,"isMonotonic":true}})"));
}

TEST(OtlpJsonTest, GaugeHasNoStart) {
  FamilyList out;
  out.Gauge("level", "")
      .Sample(-1)
      .Sample(std::numeric_limits<double>::quiet_NaN(), {{"of", "b"}});
  out.Sample(-kInfinity);
  EXPECT_EQ(
      Body(out.Take()),
      InOurScope(R"({"name":"level","gauge":{"dataPoints":[)"
                 R"({"attributes":[],"timeUnixNano":"1700000001000000001",)"
                 R"("asDouble":-1},)"
                 R"({"attributes":[{"key":"of","value":{"stringValue":"b"}}],)"
                 R"("timeUnixNano":"1700000001000000001","asDouble":"NaN"},)"
                 R"({"attributes":[],"timeUnixNano":"1700000001000000001",)"
                 R"("asDouble":"-Infinity"}]}})"));
}

TEST(OtlpJsonTest, HistogramHasABucketMoreThanBounds) {
  EXPECT_EQ(
      Body(HistogramOf({3, 0, 2}, 12.25)),
      InOurScope(R"({"name":"took_seconds","description":"Took.","histogram":)"
                 R"({"dataPoints":[{"attributes":[],)"
                 R"("startTimeUnixNano":"1700000000000000000",)"
                 R"("timeUnixNano":"1700000001000000001","count":"5",)"
                 R"("sum":12.25,"bucketCounts":["3","0","2"],)"
                 R"("explicitBounds":[0.1,2]}],"aggregationTemporality":2}})"));
}

TEST(OtlpJsonTest, SummaryHasQuantiles) {
  FamilyList out;
  out.Summary("age_seconds", "")
      .Quantiles({{0.5, 1}, {0.9, std::numeric_limits<double>::quiet_NaN()}}, 7,
                 8);
  EXPECT_EQ(
      Body(out.Take(), Temporality::kDelta),
      InOurScope(R"({"name":"age_seconds","summary":{"dataPoints":[)"
                 R"({"attributes":[],)"
                 R"("startTimeUnixNano":"1700000000000000000",)"
                 R"("timeUnixNano":"1700000001000000001","count":"7","sum":8,)"
                 R"("quantileValues":[{"quantile":0.5,"value":1},)"
                 R"({"quantile":0.9,"value":"NaN"}]}]}})"));
}

// As the Go allocator sends them: its instruments' names and numbers, and the
// scope instead of labels.
TEST(OtlpJsonTest, InstrumentsOfTheGoAllocatorAreInItsScope) {
  FamilyList out;
  out.Counter("opentelemetry_allocator_events_total", "")
      .With(OtelScope())
      .Sample(3, {{"source", "x"}});
  out.Gauge("opentelemetry_allocator_targets", "").With(OtelScope()).Sample(4);
  out.Gauge("opentelemetry_allocator_targets_remaining", "")
      .With(OtelScope())
      .Sample(5);
  out.Gauge("target_info", "").Sample(1);
  out.Gauge("left_out", "without samples");
  EXPECT_EQ(
      Body(out.Take()),
      R"({"resourceMetrics":[{"resource":{"attributes":[)"
      R"({"key":"service.name","value":{"stringValue":"a \"b\""}}]},)"
      R"("scopeMetrics":[{"scope":{"name":"targetallocator"},"metrics":[)"
      R"({"name":"opentelemetry_allocator_events","sum":{"dataPoints":[)"
      R"({"attributes":[{"key":"source","value":{"stringValue":"x"}}],)"
      R"("startTimeUnixNano":"1700000000000000000",)"
      R"("timeUnixNano":"1700000001000000001","asInt":"3"}],)"
      R"("aggregationTemporality":2,"isMonotonic":true}},)"
      R"({"name":"opentelemetry_allocator_targets","gauge":{"dataPoints":[)"
      R"({"attributes":[],"timeUnixNano":"1700000001000000001",)"
      R"("asDouble":4}]}},)"
      R"({"name":"opentelemetry_allocator_targets_remaining","gauge":)"
      R"({"dataPoints":[{"attributes":[],)"
      R"("timeUnixNano":"1700000001000000001","asInt":"5"}]}}]}]}]})");
}

TEST(OtlpJsonTest, DeltasAreFromWhatWasSent) {
  const auto first =
      MakeOtlpRequest(CounterOf(5), kSender, Temporality::kDelta, {}, kFirst);
  // From the start on, so that nothing is missing.
  EXPECT_EQ(At<double>(first.body, "/sum/dataPoints/0/asDouble"), 5);
  EXPECT_EQ(At<std::uint64_t>(first.body, "/sum/aggregationTemporality"), 1u);
  EXPECT_EQ(Text(first.body, "/sum/dataPoints/0/startTimeUnixNano"),
            std::to_string(kStart));
  const auto second = MakeOtlpRequest(
      CounterOf(7.5), kSender, Temporality::kDelta, first.totals, kSecond);
  EXPECT_EQ(At<double>(second.body, "/sum/dataPoints/0/asDouble"), 2.5);
  EXPECT_EQ(Text(second.body, "/sum/dataPoints/0/startTimeUnixNano"),
            std::to_string(kFirst));
  EXPECT_EQ(Text(second.body, "/sum/dataPoints/0/timeUnixNano"),
            std::to_string(kSecond));
}

TEST(OtlpJsonTest, ACounterThatBeganAgainSendsAllItHas) {
  const auto first =
      MakeOtlpRequest(CounterOf(5), kSender, Temporality::kDelta, {}, kFirst);
  const auto second = MakeOtlpRequest(
      CounterOf(3), kSender, Temporality::kDelta, first.totals, kSecond);
  EXPECT_EQ(At<double>(second.body, "/sum/dataPoints/0/asDouble"), 3);
  EXPECT_EQ(Text(second.body, "/sum/dataPoints/0/startTimeUnixNano"),
            std::to_string(kFirst));
}

TEST(OtlpJsonTest, HistogramsHaveDeltasBucketByBucket) {
  const auto first = MakeOtlpRequest(HistogramOf({1, 2, 3}, 10), kSender,
                                     Temporality::kDelta, {}, kFirst);
  auto second = MakeOtlpRequest(HistogramOf({1, 4, 4}, 12.5), kSender,
                                Temporality::kDelta, first.totals, kSecond);
  EXPECT_THAT(
      second.body,
      HasSubstr(R"("count":"3","sum":2.5,"bucketCounts":["0","2","1"])"));
  // More in all, but less in one bucket: another histogram of the same name.
  second = MakeOtlpRequest(HistogramOf({0, 9, 9}, 1), kSender,
                           Temporality::kDelta, first.totals, kSecond);
  EXPECT_THAT(
      second.body,
      HasSubstr(R"("count":"18","sum":1,"bucketCounts":["0","9","9"])"));
}

TEST(OtlpJsonTest, TotalsForgetWhatIsGone) {
  const auto first =
      MakeOtlpRequest(CounterOf(5), kSender, Temporality::kDelta, {}, kFirst);
  EXPECT_EQ(first.totals.series.size(), 1u);
  const auto second =
      MakeOtlpRequest({}, kSender, Temporality::kDelta, first.totals, kSecond);
  EXPECT_TRUE(second.totals.series.empty());
}

TEST(OtlpJsonTest, LowMemoryKeepsTotalsOfWhatIsReadWhenAskedFor) {
  const auto temporality = [](const std::vector<MetricFamily>& families,
                              const std::string& kind) {
    const auto request =
        MakeOtlpRequest(families, kSender, Temporality::kLowMemory, {}, kFirst);
    const auto number =
        At<std::uint64_t>(request.body, "/" + kind + "/aggregationTemporality");
    EXPECT_EQ(request.totals.series.size(), number == 1 ? 1u : 0u);
    return number;
  };
  EXPECT_EQ(temporality(CounterOf(1), "sum"), 2u);
  EXPECT_EQ(temporality(HistogramOf({1, 0, 0}, 1), "histogram"), 1u);
  FamilyList instrument;
  instrument.Counter("opentelemetry_allocator_events_total", "")
      .With(OtelScope())
      .Sample(1);
  EXPECT_EQ(temporality(instrument.Take(), "sum"), 1u);
}

TEST(OtlpJsonTest, TimeNeverGoesBack) {
  OtlpTotals sent;
  sent.unix_nanos = kSecond;
  const auto request =
      MakeOtlpRequest(CounterOf(1), kSender, Temporality::kDelta, sent, kFirst);
  EXPECT_EQ(Text(request.body, "/sum/dataPoints/0/timeUnixNano"),
            std::to_string(kSecond));
}

TEST(OtlpJsonTest, NoLabelOfAScopeIsAnAttribute) {
  FamilyList out;
  out.Gauge("a", "").With(OtelScope()).Sample(1);
  EXPECT_THAT(Body(out.Take()), Not(HasSubstr("otel_scope")));
}

}  // namespace
}  // namespace ta
