// Prometheus's language as tables, and nothing but tables; long because the
// language is. Source: prometheus/prometheus v3.14 (config, discovery/*,
// model/relabel) and prometheus/common v0.70.1 (config): a row has a struct
// field's name, type and default, and Omit::kNever where Go's tag lacks
// `omitempty`. Rules across fields are in schema_rules.cc.

#include "allocator/config/schema.h"
#include "allocator/config/schema_rules.h"

namespace ta {
namespace {

using enum Type;
using Names = std::string_view;

// --- HTTP client ------------------------------------------------------------

constexpr std::array kBasicAuthFields = JoinFields(std::array{
    Field{"username"},
    Field{"username_file"},
    Field{"username_ref"},
    Field{"password", kSecret},
    Field{"password_file"},
    Field{"password_ref"},
});
constexpr Record kBasicAuth{"basic_auth", kBasicAuthFields, CheckBasicAuth};

constexpr std::array kAuthorizationFields = JoinFields(std::array{
    Field{"type"},
    Field{"credentials", kSecret},
    Field{"credentials_file"},
    Field{"credentials_ref"},
});
constexpr Record kAuthorization{"authorization", kAuthorizationFields,
                                CheckAuthorization};

constexpr std::array<Names, 5> kTlsVersions = {"TLS10", "TLS11", "TLS12",
                                               "TLS13", ""};
constexpr std::array kTlsFields = JoinFields(std::array{
    Field{"ca"},
    Field{"cert"},
    Field{"key", kSecret},
    Field{"ca_file"},
    Field{"cert_file"},
    Field{"key_file"},
    Field{"ca_ref"},
    Field{"cert_ref"},
    Field{"key_ref"},
    Field{"server_name"},
    Field{"insecure_skip_verify", kBool, {}, Omit::kNever},
    Field{.name = "min_version",
          .type = kEnum,
          .values = std::span(kTlsVersions).first(4)},
    Field{.name = "max_version",
          .type = kEnum,
          .values = std::span(kTlsVersions).first(4)},
});
constexpr Record kTls{"tls_config", kTlsFields, CheckTls};

constexpr std::array kProxyFields = {
    Field{"proxy_url", kUrl},
    Field{"no_proxy"},
    Field{"proxy_from_environment", kBool},
    Field{"proxy_connect_header", kSecretsMap},
};

constexpr std::array kOauth2Fields = JoinFields(
    kProxyFields,
    std::array{
        Field{"client_id"},
        Field{"client_secret", kSecret},
        Field{"client_secret_file"},
        Field{"client_secret_ref"},
        Field{"client_certificate_key_id"},
        Field{"client_certificate_key", kSecret},
        Field{"client_certificate_key_file"},
        Field{"client_certificate_key_ref"},
        Field{"grant_type"},
        Field{"signature_algorithm"},
        Field{"iss"},
        Field{"audience"},
        Field{"claims", kAnyMap},
        Field{"scopes", kStrings},
        Field{"token_url"},
        Field{"endpoint_params", kStringMap},
        Field{.name = "tls_config", .type = kRecord, .record = &kTls},
    });
constexpr Record kOauth2{"oauth2", kOauth2Fields, CheckOauth2};

constexpr std::array kHeaderFields = JoinFields(std::array{
    Field{"values", kStrings},
    Field{"secrets", kSecrets},
    Field{"files", kStrings},
});
constexpr Record kHeader{"http_headers", kHeaderFields};

// Inline wherever there is an HTTP client.
constexpr std::array kHttpClientFields = JoinFields(
    kProxyFields,
    std::array{
        Field{.name = "basic_auth",
              .type = kOptionalRecord,
              .record = &kBasicAuth},
        Field{.name = "authorization",
              .type = kOptionalRecord,
              .record = &kAuthorization},
        Field{.name = "oauth2", .type = kOptionalRecord, .record = &kOauth2},
        Field{"bearer_token", kSecret},
        Field{"bearer_token_file"},
        Field{.name = "tls_config", .type = kRecord, .record = &kTls},
        Field{"follow_redirects", kBool, "true", Omit::kNever},
        Field{"enable_http2", kBool, "true", Omit::kNever},
        Field{.name = "http_headers", .type = kRecordMap, .record = &kHeader},
    });

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

// --- Service discovery ------------------------------------------------------

constexpr std::array kStaticFields = JoinFields(std::array{
    Field{"targets", kStrings, {}, Omit::kNever},
    Field{"labels", kLabels},
});
constexpr Record kStatic{"static_configs", kStaticFields};

constexpr std::array kFileSdFields = JoinFields(std::array{
    Field{"files", kStrings, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "5m"},
});
constexpr Record kFileSd{"file_sd_configs", kFileSdFields, CheckFileSd};

constexpr std::array kHttpSdFields = JoinFields(
    kHttpClientFields, std::array{
                           Field{"refresh_interval", kDuration, "1m"},
                           Field{"url", kString, {}, Omit::kNever},
                       });
constexpr Record kHttpSd{"http_sd_configs", kHttpSdFields, CheckHttpSd};

constexpr std::array kDnsSdFields = JoinFields(std::array{
    Field{"names", kStrings, {}, Omit::kNever},
    Field{"refresh_interval", kDuration, "30s"},
    Field{"type", kString, "SRV", Omit::kNever},
    Field{"port", kInt, {}, Omit::kNever},
});
constexpr Record kDnsSd{"dns_sd_configs", kDnsSdFields, CheckDnsSd};

constexpr std::array<Names, 6> kRoles = {
    "pod", "service", "endpoints", "endpointslice", "node", "ingress"};
constexpr std::array kSelectorFields = JoinFields(std::array{
    Field{.name = "role", .type = kEnum, .values = kRoles},
    Field{"label"},
    Field{"field"},
});
constexpr Record kSelector{"selectors", kSelectorFields};
constexpr std::array kNamespacesFields = JoinFields(std::array{
    Field{"own_namespace", kBool, {}, Omit::kNever},
    Field{"names", kStrings, {}, Omit::kNever},
});
constexpr Record kNamespaces{"namespaces", kNamespacesFields};
constexpr std::array kAttachFields = JoinFields(std::array{
    Field{"node", kBool, {}, Omit::kNever},
    Field{"namespace", kBool, {}, Omit::kNever},
    Field{"deployment", kBool, {}, Omit::kNever},
    Field{"job", kBool, {}, Omit::kNever},
    Field{"cronjob", kBool, {}, Omit::kNever},
});
constexpr Record kAttach{"attach_metadata", kAttachFields};
constexpr std::array kKubernetesSdFields = JoinFields(
    kHttpClientFields,
    std::array{
        Field{"api_server", kUrl},
        Field{.name = "role",
              .type = kEnum,
              .omit = Omit::kNever,
              .values = kRoles},
        Field{"kubeconfig_file", kString, {}, Omit::kNever},
        Field{.name = "namespaces", .type = kRecord, .record = &kNamespaces},
        Field{.name = "selectors", .type = kRecords, .record = &kSelector},
        Field{.name = "attach_metadata", .type = kRecord, .record = &kAttach},
    });
constexpr Record kKubernetesSd{"kubernetes_sd_configs", kKubernetesSdFields,
                               CheckKubernetesSd};

// Mechanisms whose settings are not described yet: lists of maps, served as
// they are written.
constexpr std::array kOtherSdFields = {
    Field{"aws_sd_configs", kNodes},
    Field{"azure_sd_configs", kNodes},
    Field{"consul_sd_configs", kNodes},
    Field{"digitalocean_sd_configs", kNodes},
    Field{"docker_sd_configs", kNodes},
    Field{"dockerswarm_sd_configs", kNodes},
    Field{"ec2_sd_configs", kNodes},
    Field{"ecs_sd_configs", kNodes},
    Field{"elasticache_sd_configs", kNodes},
    Field{"eureka_sd_configs", kNodes},
    Field{"gce_sd_configs", kNodes},
    Field{"hetzner_sd_configs", kNodes},
    Field{"ionos_sd_configs", kNodes},
    Field{"kuma_sd_configs", kNodes},
    Field{"lightsail_sd_configs", kNodes},
    Field{"linode_sd_configs", kNodes},
    Field{"marathon_sd_configs", kNodes},
    Field{"msk_sd_configs", kNodes},
    Field{"nerve_sd_configs", kNodes},
    Field{"nomad_sd_configs", kNodes},
    Field{"oci_sd_configs", kNodes},
    Field{"openstack_sd_configs", kNodes},
    Field{"outscale_sd_configs", kNodes},
    Field{"ovhcloud_sd_configs", kNodes},
    Field{"puppetdb_sd_configs", kNodes},
    Field{"rds_sd_configs", kNodes},
    Field{"scaleway_sd_configs", kNodes},
    Field{"serverset_sd_configs", kNodes},
    Field{"stackit_sd_configs", kNodes},
    Field{"triton_sd_configs", kNodes},
    Field{"uyuni_sd_configs", kNodes},
    Field{"vultr_sd_configs", kNodes},
};

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
    kLimitFields, kHttpClientFields, kOtherSdFields,
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
        Field{.name = "static_configs", .type = kRecords, .record = &kStatic},
        Field{.name = "file_sd_configs", .type = kRecords, .record = &kFileSd},
        Field{.name = "http_sd_configs", .type = kRecords, .record = &kHttpSd},
        Field{.name = "dns_sd_configs", .type = kRecords, .record = &kDnsSd},
        Field{.name = "kubernetes_sd_configs",
              .type = kRecords,
              .record = &kKubernetesSd},
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
