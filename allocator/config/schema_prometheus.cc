// Prometheus's language as tables, and nothing but tables; long because the
// language is. Source: prometheus/prometheus v3.14 (config, discovery/*,
// model/relabel) and prometheus/common v0.70.1 (config): a row has a struct
// field's name, type and default, and Omit::kNever where Go's tag lacks
// `omitempty`. Rules across fields are in schema_rules.cc.

#include "allocator/config/schema.h"
#include "allocator/config/schema_discovery.h"
#include "allocator/config/schema_http_client.h"
#include "allocator/config/schema_rules.h"

namespace ta {
namespace {

using enum Type;
using Names = std::string_view;

// --- Relabeling -------------------------------------------------------------

constexpr std::array<Names, 11> kActions = {
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};
constexpr std::array kRelabelFields = JoinFields(std::array{
    Field{"source_labels", kLabelNames},
    Field{"separator", kString, ";", Omit::kNever},
    Field{"regex", kRegex, "(.*)"},
    Field{"modulus", kUint},
    Field{"target_label"},
    Field{"replacement", kString, "$1", Omit::kNever},
    Field{.name = "action",
          .type = kEnumAnyCase,
          .fallback = "replace",
          .values = kActions},
});
constexpr Record kRelabel{"a relabel rule", kRelabelFields};

// --- Scrape configs and the file --------------------------------------------

constexpr std::array<Names, 6> kProtocols = {
    "PrometheusProto",     "OpenMetricsText0.0.1", "OpenMetricsText1.0.0",
    "PrometheusText0.0.4", "PrometheusText1.0.0",  ""};
constexpr std::array<Names, 3> kValidationSchemes = {"legacy", "utf8", ""};
constexpr std::array<Names, 5> kEscapingSchemes = {"allow-utf-8", "underscores",
                                                   "dots", "values", ""};

// In both `global` and a scrape config, which inherits them.
constexpr std::array kLimitFields = {
    Field{"scrape_protocols", kStrings},
    Field{"scrape_failure_log_file"},
    Field{"body_size_limit", kBytes},
    Field{"sample_limit", kUint},
    Field{"target_limit", kUint},
    Field{"label_limit", kUint},
    Field{"label_name_length_limit", kUint},
    Field{"label_value_length_limit", kUint},
    Field{"keep_dropped_targets", kUint},
    Field{.name = "metric_name_validation_scheme",
          .type = kEnum,
          .values = kValidationSchemes},
    Field{.name = "metric_name_escaping_scheme",
          .type = kEnum,
          .values = kEscapingSchemes},
    Field{"scrape_native_histograms", kOptionalBool},
    Field{"extra_scrape_metrics", kOptionalBool},
};

constexpr std::array kGlobalFields = JoinFields(
    kLimitFields, std::array{
                      Field{"scrape_interval", kDuration, "1m"},
                      Field{"scrape_timeout", kDuration},
                      Field{"evaluation_interval", kDuration, "1m"},
                      Field{"rule_query_offset", kDuration},
                      Field{"query_log_file"},
                      Field{"external_labels", kLabels},
                      Field{"convert_classic_histograms_to_nhcb", kBool},
                      Field{"always_scrape_classic_histograms", kBool},
                  });
constexpr Record kGlobal{"global", kGlobalFields};

constexpr std::array kScrapeConfigFields = JoinFields(
    kLimitFields, kHttpClientFields, kMechanismFields,
    std::array{
        Field{"job_name", kString, {}, Omit::kNever},
        Field{"honor_labels", kBool},
        Field{"honor_timestamps", kBool, "true", Omit::kNever},
        Field{"track_timestamps_staleness", kBool, {}, Omit::kNever},
        Field{"params", kStringsMap},
        Field{"scrape_interval", kDuration},
        Field{"scrape_timeout", kDuration},
        Field{.name = "fallback_scrape_protocol",
              .type = kEnum,
              .values = kProtocols},
        Field{"convert_classic_histograms_to_nhcb", kOptionalBool},
        Field{"always_scrape_classic_histograms", kOptionalBool},
        Field{"metrics_path", kString, "/metrics"},
        Field{"scheme", kString, "http"},
        Field{"enable_compression", kBool, "true", Omit::kNever},
        Field{"native_histogram_bucket_limit", kUint},
        Field{"native_histogram_min_bucket_factor", kFloat},
        Field{.name = "relabel_configs", .type = kRecords, .record = &kRelabel},
        Field{.name = "metric_relabel_configs",
              .type = kRecords,
              .record = &kRelabel},
    });
constexpr Record kScrapeConfig{"a scrape config", kScrapeConfigFields,
                               CheckScrapeConfig};

constexpr std::array kPrometheusFields = JoinFields(std::array{
    Field{.name = "global", .type = kRecord, .record = &kGlobal},
    Field{"scrape_configs", kNodes},
    Field{"scrape_config_files", kStrings},
    Field{"alerting", kForeign},
    Field{"rule_files", kForeign},
    Field{"remote_write", kForeign},
    Field{"remote_read", kForeign},
    Field{"storage", kForeign},
    Field{"tracing", kForeign},
    Field{"otlp", kForeign},
    Field{"runtime", kForeign},
});
constexpr Record kPrometheus{"Prometheus's configuration", kPrometheusFields};

constexpr std::array kScrapeConfigFileFields = {
    Field{"scrape_configs", kNodes}};
constexpr Record kScrapeConfigFile{"a scrape config file",
                                   kScrapeConfigFileFields};

}  // namespace

const Record& PrometheusRecord() { return kPrometheus; }
const Record& ScrapeConfigFileRecord() { return kScrapeConfigFile; }
const Record& GlobalRecord() { return kGlobal; }
const Record& ScrapeConfigRecord() { return kScrapeConfig; }

}  // namespace ta
