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
// Known to Prometheus, validated, served in /scrape_configs, not run by us.
struct UnimplementedDiscovery {};

struct DiscoveryConfig {
  std::string mechanism;  // "static", "file", "http", "kubernetes", ...
  std::string key;        // mechanism and canonical settings; no clear secret
  std::variant<StaticDiscovery, FileDiscovery, UnimplementedDiscovery> settings;
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
// Pods by selector; running them is not implemented yet. Kept so that the file
// is validated and the error can say what to write instead.
struct PodMembers {
  bool has_selector = false;
  std::string collector_namespace;
};
using MembersConfig =
    std::variant<PodMembers, StaticMembers, FileMembers, PollingMembers>;

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
  std::string state_dir;  // "" when nothing is to be remembered
  bool allow_insecure_auth_secrets = false;
  // prometheus_cr.enabled: resources are not implemented; see DESIGN.md.
  bool custom_resources_enabled = false;

  // Patterns of scrape_config_files, resolved: what a watcher watches too.
  std::vector<std::string> scrape_config_files;

  // By name, ascending; names are unique.
  std::vector<std::shared_ptr<const ScrapeConfig>> jobs;
  // The body of /scrape_configs, rendered once: job name -> scrape config,
  // sorted, no newline at its end. Secrets masked, unless opted in.
  std::string scrape_configs_json;

  // Said once at load, one line each: unknown keys, unimplemented parts.
  std::vector<std::string> warnings;
  int unknown_keys = 0;
  // Mechanisms used but not implemented, sorted, with how many jobs use each.
  std::map<std::string, int> unimplemented_mechanisms;
};

}  // namespace ta
