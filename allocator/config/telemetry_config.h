// Where the process sends its own metrics: the section `telemetry`, as plain
// values. Source: the Go allocator, internal/config (validateTelemetry) and
// internal/telemetry; its shape is that of OpenTelemetry's declarative
// configuration.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "allocator/config/http_client_config.h"
#include "allocator/config/otel_environment.h"

namespace ta {

class SchemaReader;
struct Mistake;
struct Value;

// What counters and histograms are sent as: totals since the start, or what
// came since the last push. kLowMemory: deltas of what is counted as it
// happens, totals of what is only read when it is asked for.
enum class Temporality : std::uint8_t { kCumulative, kDelta, kLowMemory };

// A periodic reader with an OTLP exporter over HTTP. Holds secrets: never print
// it.
struct OtlpReaderConfig {
  int index = 0;  // in `readers`, from 0, those that are not run counted, too
  std::chrono::milliseconds interval{std::chrono::minutes(1)};
  std::chrono::milliseconds timeout{std::chrono::seconds(30)};  // of one push
  std::string url;  // references replaced, with the path `…/v1/metrics`
  Temporality temporality = Temporality::kCumulative;
  bool gzip = false;
  HttpClientConfig client;  // headers, TLS, the environment's proxies

  bool operator==(const OtlpReaderConfig&) const = default;
};

struct TelemetryConfig {
  std::vector<OtlpReaderConfig> readers;
  // The environment's; empty without readers.
  ResourceAttributes resource;

  bool operator==(const TelemetryConfig&) const = default;
};

// Of the record `telemetry`, at the path of that name. Says every mistake; what
// is accepted but means nothing here (gRPC among it) is a warning, each once.
TelemetryConfig TelemetryConfigOf(const Value& telemetry,
                                  const Environment& environment,
                                  const std::string& folder,
                                  SchemaReader& reader,
                                  std::vector<Mistake>& warnings);

}  // namespace ta
