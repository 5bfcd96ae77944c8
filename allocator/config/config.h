// The configuration as plain values: what the file, the environment and the
// flags say, validated and with every default filled in. Immutable once loaded
// and shared by pointer; a reload makes a new one.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "allocator/config/http_client_config.h"
#include "allocator/config/telemetry_config.h"
#include "allocator/target_group.h"

namespace ta {

// One relabel_configs entry with Prometheus's defaults filled in.
struct RelabelConfig {
  enum class Action {
    kReplace,
    kKeep,
    kDrop,
    kKeepEqual,
    kDropEqual,
    kHashMod,
    kLabelMap,
    kLabelDrop,
    kLabelKeep,
    kLowercase,
    kUppercase,
  };
  Action action = Action::kReplace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string regex = "(.*)";  // as written, not anchored
  std::uint64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";
  bool legacy_names = false;  // metric_name_validation_scheme: legacy

  bool operator==(const RelabelConfig&) const = default;
};

// One discovery mechanism of a job. Equal keys mean one shared discoverer.
struct StaticDiscovery {
  std::vector<TargetGroup> groups;  // source: index in the list, as Prometheus
};
struct FileDiscovery {
  std::vector<std::string> files;  // globs, resolved against the file's folder
  std::chrono::milliseconds refresh_interval{std::chrono::minutes(5)};
};
struct HttpDiscovery {
  std::string url;  // as written, which may hold a password: never print it
  std::chrono::milliseconds refresh_interval{std::chrono::minutes(1)};
  HttpClientConfig client;
};
struct DnsDiscovery {
  std::vector<std::string> names;
  std::string type = "SRV";  // or A, AAAA, MX, NS
  int port = 0;              // of all but SRV
  std::chrono::milliseconds refresh_interval{std::chrono::seconds(30)};
};
// Which API server: `api_server`, asked as `client` says, or what the file
// `kubeconfig_file` leads to; with neither, what Config::kube_config_path leads
// to, else the cluster that we run in. Holds secrets: never print it.
struct KubernetesDiscovery {
  struct Selector {
    std::string role;
    std::string label;
    std::string field;
    bool operator==(const Selector&) const = default;
  };
  struct AttachMetadata {
    bool node = false;
    bool ns = false;
    bool deployment = false;
    bool job = false;
    bool cronjob = false;
    bool operator==(const AttachMetadata&) const = default;
  };

  std::string role;  // "pod", "node", … as in the file
  std::string api_server;
  std::string kubeconfig_file;   // resolved against the file's folder
  std::string kube_config_path;  // Config's, where neither of them is there
  std::vector<std::string> namespaces;  // none, and not our own: all of them
  bool own_namespace = false;
  std::vector<Selector> selectors;
  AttachMetadata attach_metadata;
  HttpClientConfig client;  // of api_server
};
// Known to Prometheus, validated, served in /scrape_configs, not run by us.
struct UnimplementedDiscovery {};

struct DiscoveryConfig {
  std::string mechanism;  // "static", "file", "http", "kubernetes", ...
  std::string key;        // mechanism and canonical settings; no clear secret
  std::variant<StaticDiscovery, FileDiscovery, HttpDiscovery, DnsDiscovery,
               KubernetesDiscovery, UnimplementedDiscovery>
      settings;
};

// One scrape config, as far as discovery and relabeling need it.
struct ScrapeConfig {
  std::string job_name;
  // Labels set before relabeling where absent or empty (Prometheus's
  // scrape.PopulateDiscoveredLabels): job, __scheme__, __metrics_path__,
  // __scrape_interval__, __scrape_timeout__, __param_*, native histograms.
  Labels seeds;
  std::chrono::milliseconds scrape_interval{};
  std::vector<RelabelConfig> relabel_configs;
  std::vector<DiscoveryConfig> discoveries;
};

enum class StrategyKind { kConsistentHashing, kLeastWeighted, kPerNode, kNone };
enum class FilterStrategy { kRelabelConfig, kNone };
enum class FallbackScope { kNode, kAll };

struct StaticCollector {
  std::string name;
  std::string node;  // "" if not known
  bool operator==(const StaticCollector&) const = default;
};

// Where the members come from: exactly one of these.
struct StaticMembers {
  std::vector<StaticCollector> collectors;
};
struct FileMembers {
  std::string path;
};
struct PollingMembers {
  std::chrono::milliseconds poll_timeout{std::chrono::seconds(90)};
};
// The pods of a namespace that match a selector.
struct PodMembers {
  bool has_selector = false;        // without one no pod is a member
  std::string collector_namespace;  // "": all of them
  // As the API takes it; "" matches every pod.
  std::string selector = {};
  std::string kube_config_path = {};  // Config's
};
using MembersConfig =
    std::variant<PodMembers, StaticMembers, FileMembers, PollingMembers>;

// The additional server over mutual TLS.
struct HttpsConfig {
  bool enabled = false;
  std::string listen_addr = ":8443";
  // PEM files; relative names in the file are seen from its folder, those of
  // flags from the working directory.
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  // client_identity: san. A client may ask for its own targets only.
  bool client_identity = false;

  bool operator==(const HttpsConfig&) const = default;
};

struct HandOverConfig {
  bool enabled = true;  // policy: overlap or none
  std::chrono::milliseconds timeout{std::chrono::minutes(2)};
};

struct Config {
  std::string path;  // the file it came from
  std::string listen_addr = ":8080";
  MembersConfig members;
  std::chrono::milliseconds collector_not_ready_grace_period{
      std::chrono::seconds(30)};
  StrategyKind strategy = StrategyKind::kConsistentHashing;
  StrategyKind fallback_strategy = StrategyKind::kConsistentHashing;
  FallbackScope fallback_scope = FallbackScope::kNode;
  FilterStrategy filter_strategy = FilterStrategy::kRelabelConfig;
  int max_load_ratio_thousandths = 1050;  // 1000 to 10000
  std::chrono::milliseconds coalesce_interval{50};
  std::chrono::milliseconds sync_timeout{std::chrono::seconds(60)};
  HandOverConfig hand_over;
  // The kubeconfig file that collectors and discovery use where nothing else is
  // said: as written, seen from the working directory. "": ~/.kube/config if it
  // is there, else the cluster that we run in, which is also where a file leads
  // that isn't there.
  std::string kube_config_path;
  std::string state_dir;  // "" when nothing is to be remembered
  bool allow_insecure_auth_secrets = false;
  HttpsConfig https;
  // prometheus_cr.enabled: resources are not implemented; see DESIGN.md.
  bool custom_resources_enabled = false;

  // Patterns of scrape_config_files, resolved: what a watcher watches too.
  std::vector<std::string> scrape_config_files;

  TelemetryConfig telemetry;
  // By name, ascending; names are unique.
  std::vector<std::shared_ptr<const ScrapeConfig>> jobs;
  // The body of /scrape_configs, rendered once: job name -> scrape config,
  // sorted, no newline at its end. Secrets masked, unless opted in.
  std::string scrape_configs_json;
  // The same with secrets, for who asks over HTTPS. Empty where nobody can, or
  // where there is no secret to tell.
  std::string secret_scrape_configs_json;
  // The same with secrets masked, for people to look at, where
  // scrape_configs_json tells some. Else empty.
  std::string masked_scrape_configs_json;
  const std::string& MaskedScrapeConfigs() const {
    return masked_scrape_configs_json.empty() ? scrape_configs_json
                                              : masked_scrape_configs_json;
  }

  // Said once at load, one line each: unknown keys, unimplemented parts.
  std::vector<std::string> warnings;
  int unknown_keys = 0;
  // Mechanisms used but not implemented, sorted, with how many jobs use each.
  std::map<std::string, int> unimplemented_mechanisms;
};

}  // namespace ta
