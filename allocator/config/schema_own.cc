// The allocator's own file as tables: the Go allocator's keys with its names
// and types (cmd/otel-allocator/internal/config in the OpenTelemetry Operator),
// and ours. Rules across fields are in own_config.cc.

#include "allocator/config/schema.h"
#include "allocator/config/schema_telemetry.h"

namespace ta {
namespace {

using enum Type;
using Names = std::string_view;

constexpr std::array<Names, 3> kStrategies = {"consistent-hashing",
                                              "least-weighted", "per-node"};
// An empty name is the default strategy, as in the Go allocator.
constexpr std::array<Names, 5> kFallbacks = {
    "consistent-hashing", "least-weighted", "per-node", "none", ""};
// The Go allocator filters only for "relabel-config".
constexpr std::array<Names, 3> kFilters = {"relabel-config", "none", ""};
constexpr std::array<Names, 2> kScopes = {"node", "all"};
constexpr std::array<Names, 2> kPolicies = {"overlap", "none"};
constexpr std::array<Names, 2> kIdentities = {"none", "san"};
constexpr std::array<Names, 4> kOperators = {"In", "NotIn", "Exists",
                                             "DoesNotExist"};

// Kubernetes's LabelSelector, with both spellings that are in use.
constexpr std::array kExpressionFields = JoinFields(std::array{
    Field{"key"},
    Field{.name = "operator", .type = kEnum, .values = kOperators},
    Field{"values", kStrings},
});
constexpr Record kExpression{"a label selector's expression",
                             kExpressionFields};
constexpr std::array kSelectorFields = JoinFields(std::array{
    Field{"matchlabels", kStringMap},
    Field{"matchLabels", kStringMap},
    Field{.name = "matchexpressions", .type = kRecords, .record = &kExpression},
    Field{.name = "matchExpressions", .type = kRecords, .record = &kExpression},
});
constexpr Record kSelector{"a label selector", kSelectorFields};

constexpr Field Selector(std::string_view name) {
  return {.name = name, .type = kOptionalRecord, .record = &kSelector};
}

constexpr std::array kCustomResourcesFields = JoinFields(std::array{
    Field{"enabled", kBool},
    Field{"allow_namespaces", kStrings},
    Field{"deny_namespaces", kStrings},
    Field{"secret_namespaces", kStrings},
    Selector("pod_monitor_selector"),
    Selector("pod_monitor_namespace_selector"),
    Selector("service_monitor_selector"),
    Selector("service_monitor_namespace_selector"),
    Selector("scrape_config_selector"),
    Selector("scrape_config_namespace_selector"),
    Selector("probe_selector"),
    Selector("probe_namespace_selector"),
    Field{"scrape_interval", kGoDuration, "30s"},
    Field{"evaluation_interval", kGoDuration},
    Field{"scrape_protocols", kStrings},
    Field{"scrape_classes", kNodes},
    Field{"deny_fs_access_through_sms", kBool},
});
constexpr Record kCustomResources{"prometheus_cr", kCustomResourcesFields};

constexpr std::array kHttpsFields = JoinFields(std::array{
    Field{"enabled", kBool},
    Field{"listen_addr", kString, ":8443"},
    Field{"ca_file_path"},
    Field{"tls_cert_file_path"},
    Field{"tls_key_file_path"},
    // Ours.
    Field{.name = "client_identity",
          .type = kEnum,
          .fallback = "none",
          .values = kIdentities},
});
constexpr Record kHttps{"https", kHttpsFields};

constexpr std::array kPollingFields = {
    Field{"poll_timeout", kGoDuration, "90s"}};
constexpr Record kPolling{"collectors.polling", kPollingFields};
constexpr std::array kCollectorsFields = JoinFields(std::array{
    Field{"static", kNodes},
    Field{"file"},
    Field{.name = "polling", .type = kRecord, .record = &kPolling},
});
constexpr Record kCollectors{"collectors", kCollectorsFields};

constexpr std::array kHandOverFields = JoinFields(std::array{
    Field{.name = "policy",
          .type = kEnum,
          .fallback = "overlap",
          .values = kPolicies},
    Field{"timeout", kGoDuration, "2m"},
});
constexpr Record kHandOver{"hand_over", kHandOverFields};

constexpr std::array kOwnFields = JoinFields(std::array{
    // The Go allocator's.
    Field{"listen_addr", kString, ":8080"},
    Field{"kube_config_file_path"},
    Selector("collector_selector"),
    Field{"collector_namespace"},
    Field{"config", kAny},
    Field{.name = "allocation_strategy",
          .type = kEnum,
          .fallback = "consistent-hashing",
          .values = kStrategies},
    Field{.name = "allocation_fallback_strategy",
          .type = kEnum,
          .values = kFallbacks},
    Field{.name = "filter_strategy",
          .type = kEnum,
          .fallback = "relabel-config",
          .values = kFilters},
    Field{
        .name = "prometheus_cr", .type = kRecord, .record = &kCustomResources},
    Field{.name = "https", .type = kRecord, .record = &kHttps},
    Field{.name = "telemetry", .type = kRecord, .record = &kTelemetry},
    Field{"collector_not_ready_grace_period", kGoDuration, "30s"},
    Field{"allow_insecure_auth_secrets", kBool},
    // Ours.
    Field{
        .name = "collectors", .type = kOptionalRecord, .record = &kCollectors},
    Field{"max_load_ratio", kString, "1.05"},
    Field{"coalesce_interval", kGoDuration, "50ms"},
    Field{"sync_timeout", kGoDuration, "60s"},
    Field{.name = "hand_over", .type = kRecord, .record = &kHandOver},
    Field{.name = "allocation_fallback_scope",
          .type = kEnum,
          .fallback = "node",
          .values = kScopes},
    Field{"state_dir"},
});
constexpr Record kOwn{"the allocator's configuration", kOwnFields};

}  // namespace

const Record& OwnRecord() { return kOwn; }

}  // namespace ta
