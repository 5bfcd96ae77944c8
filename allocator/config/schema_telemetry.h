// The section `telemetry` as rows. Included by schema_own.cc only. Source: the
// Go allocator's types, of which those marked "ours" are no part, but of
// OpenTelemetry's declarative configuration, whose shape the section has. What
// is kForeign here means nothing to either allocator, and is warned of.

#pragma once

#include <array>
#include <string_view>

#include "allocator/config/schema.h"

namespace ta {

inline constexpr std::array<std::string_view, 4> kTemporalities = {
    "cumulative", "delta", "low_memory", ""};
inline constexpr std::array<std::string_view, 3> kCompressions = {"none",
                                                                  "gzip", ""};

inline constexpr std::array kOtlpHeaderFields = {Field{"name"},
                                                 Field{"value", Type::kSecret}};
inline constexpr Record kOtlpHeader{"a header", kOtlpHeaderFields};

constexpr Field Temporality() {
  return {.name = "temporality_preference",
          .type = Type::kEnum,
          .values = kTemporalities};
}
constexpr Field OtlpHeaders() {
  return {
      .name = "headers", .type = Type::kPlainRecords, .record = &kOtlpHeader};
}

inline constexpr std::array kOtlpGrpcTlsFields = JoinFields(std::array{
    Field{"insecure", Type::kBool},
    Field{"ca_file", Type::kForeign},
    Field{"cert_file", Type::kForeign},
    Field{"key_file", Type::kForeign},
});
inline constexpr Record kOtlpGrpcTls{"otlp_grpc.tls", kOtlpGrpcTlsFields};
inline constexpr std::array kOtlpGrpcFields = JoinFields(std::array{
    Field{"endpoint"},
    OtlpHeaders(),
    Temporality(),
    Field{
        .name = "tls", .type = Type::kOptionalRecord, .record = &kOtlpGrpcTls},
    Field{"compression", Type::kForeign},
    Field{"default_histogram_aggregation", Type::kForeign},
    Field{"headers_list", Type::kForeign},
    Field{"timeout", Type::kForeign},
});
inline constexpr Record kOtlpGrpc{"otlp_grpc", kOtlpGrpcFields};

// Ours.
inline constexpr std::array kOtlpHttpTlsFields = JoinFields(std::array{
    Field{"ca_file"},
    Field{"cert_file"},
    Field{"key_file"},
});
inline constexpr Record kOtlpHttpTls{"otlp_http.tls", kOtlpHttpTlsFields};
inline constexpr std::array kOtlpHttpFields = JoinFields(std::array{
    Field{"endpoint"},
    OtlpHeaders(),
    Temporality(),
    // Ours.
    Field{.name = "compression", .type = Type::kEnum, .values = kCompressions},
    Field{"headers_list", Type::kSecret},
    Field{
        .name = "tls", .type = Type::kOptionalRecord, .record = &kOtlpHttpTls},
    Field{"default_histogram_aggregation", Type::kForeign},
    Field{"encoding", Type::kForeign},
    Field{"timeout", Type::kForeign},
});
inline constexpr Record kOtlpHttp{"otlp_http", kOtlpHttpFields};

inline constexpr std::array kPushExporterFields = JoinFields(std::array{
    Field{.name = "otlp_grpc",
          .type = Type::kOptionalRecord,
          .record = &kOtlpGrpc},
    Field{.name = "otlp_http",
          .type = Type::kOptionalRecord,
          .record = &kOtlpHttp},
    Field{"console", Type::kForeign},
});
inline constexpr Record kPushExporter{"an exporter", kPushExporterFields};

inline constexpr std::array kPeriodicFields = JoinFields(std::array{
    Field{"interval", Type::kInt},  // milliseconds, as the next
    Field{"timeout", Type::kInt},
    Field{.name = "exporter", .type = Type::kRecord, .record = &kPushExporter},
    Field{"cardinality_limits", Type::kForeign},
    Field{"producers", Type::kForeign},
});
inline constexpr Record kPeriodic{"a periodic reader", kPeriodicFields};

inline constexpr std::array kReaderFields = JoinFields(std::array{
    Field{.name = "periodic",
          .type = Type::kOptionalRecord,
          .record = &kPeriodic},
    Field{"pull", Type::kForeign},
});
inline constexpr Record kReader{"a reader", kReaderFields};

inline constexpr std::array kTelemetryMetricsFields = JoinFields(std::array{
    Field{.name = "readers", .type = Type::kPlainRecords, .record = &kReader},
    Field{"exemplar_filter", Type::kForeign},
    Field{"views", Type::kForeign},
});
inline constexpr Record kTelemetryMetrics{"telemetry.metrics",
                                          kTelemetryMetricsFields};
inline constexpr std::array kTelemetryFields = {Field{
    .name = "metrics", .type = Type::kRecord, .record = &kTelemetryMetrics}};
inline constexpr Record kTelemetry{"telemetry", kTelemetryFields};

}  // namespace ta
