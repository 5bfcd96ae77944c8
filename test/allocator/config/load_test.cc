#include "allocator/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

namespace ta {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The mistakes of a text as one would read them, or none.
std::vector<std::string> MistakesOf(std::string_view text,
                                    const LoadOptions& options = {}) {
  std::vector<std::string> out;
  const auto config = LoadConfig("dir/ta.yaml", text, options);
  if (config) return out;
  for (const auto& mistake : config.error()) out.push_back(mistake.ToString());
  return out;
}

Config Loaded(std::string_view text, const LoadOptions& options = {}) {
  auto config = LoadConfig("dir/ta.yaml", text, options);
  if (config) return std::move(*config);
  for (const auto& mistake : config.error())
    ADD_FAILURE() << mistake.ToString();
  return {};
}

constexpr std::string_view kSmall = R"(
collectors:
  static: [collector-0, {name: collector-1, node: node-1}]
config:
  scrape_configs:
  - job_name: web
    static_configs:
    - targets: [a:80, b:80]
      labels: {env: prod}
    file_sd_configs:
    - files: [targets/*.json]
)";

TEST(LoadConfigTest, AllocatorsFileGivesJobsAndMembers) {
  const Config config = Loaded(kSmall);
  const auto& members = std::get<StaticMembers>(config.members).collectors;
  EXPECT_THAT(members, ElementsAre(StaticCollector{"collector-0", ""},
                                   StaticCollector{"collector-1", "node-1"}));
  ASSERT_EQ(config.jobs.size(), 1u);
  const ScrapeConfig& job = *config.jobs[0];
  EXPECT_EQ(job.job_name, "web");
  EXPECT_EQ(job.scrape_interval, std::chrono::minutes(1));
  ASSERT_EQ(job.discoveries.size(), 2u);
  const auto& groups =
      std::get<StaticDiscovery>(job.discoveries[0].settings).groups;
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].source, "0");
  EXPECT_EQ(groups[0].labels, Labels::Of({{"env", "prod"}}));
  EXPECT_THAT(groups[0].targets,
              ElementsAre(Labels::Of({{"__address__", "a:80"}}),
                          Labels::Of({{"__address__", "b:80"}})));
  const auto& files = std::get<FileDiscovery>(job.discoveries[1].settings);
  EXPECT_THAT(files.files, ElementsAre("dir/targets/*.json"));
  EXPECT_EQ(files.refresh_interval, std::chrono::minutes(5));
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(LoadConfigTest, SeedsAreWhatPrometheusPopulates) {
  const Config config = Loaded(R"(
collectors: {polling: {}}
config:
  global: {scrape_interval: 90s}
  scrape_configs:
  - job_name: web
    params: {module: [http_2xx, other], empty: []}
)");
  EXPECT_EQ(config.jobs.at(0)->seeds,
            Labels::Of({{"job", "web"},
                        {"__scheme__", "http"},
                        {"__metrics_path__", "/metrics"},
                        {"__scrape_interval__", "1m30s"},
                        {"__scrape_timeout__", "10s"},
                        {"__param_module", "http_2xx"},
                        {"__convert_classic_histograms_to_nhcb__", "false"},
                        {"__always_scrape_classic_histograms__", "false"},
                        {"__scrape_native_histograms__", "false"}}));
}

TEST(LoadConfigTest, PrometheusFileHasPollingMembers) {
  const Config config =
      Loaded("scrape_configs: [{job_name: a}]\nalerting: {}\n");
  EXPECT_TRUE(std::holds_alternative<PollingMembers>(config.members));
  EXPECT_THAT(
      config.warnings,
      ElementsAre(HasSubstr("not used here, and not checked: alerting")));
}

TEST(LoadConfigTest, AllMistakesAreSaidAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(MistakesOf("collectors: {static: [a, a]}\n"
                         "config:\n"
                         "  scrape_configs:\n"
                         "  - job_name: x\n"
                         "    scrape_interval: 30\n"
                         "  - job_name: x\n"),
              ElementsAre(HasSubstr("dir/ta.yaml:1:26: collectors.static[1]: "),
                          HasSubstr("dir/ta.yaml:5:22: "
                                    "config.scrape_configs[0].scrape_interval"),
                          HasSubstr("dir/ta.yaml:6:15: "
                                    "config.scrape_configs[1].job_name")));
}

TEST(LoadConfigTest, UnknownKeysWarnUnlessStrict) {
  const std::string text = "collectors: {polling: {}}\nsync_timeot: 5s\n";
  const Config config = Loaded(text);
  EXPECT_EQ(config.unknown_keys, 1);
  EXPECT_THAT(config.warnings[0],
              HasSubstr("dir/ta.yaml:2:1: sync_timeot: unknown key in the "
                        "allocator's configuration (did you mean "
                        "\"sync_timeout\"?)"));
  EXPECT_THAT(MistakesOf(text, {.strict = true}),
              ElementsAre(HasSubstr("sync_timeot")));
}

TEST(LoadConfigTest, LeftOutCollectorsArePods) {
  const Config config = Loaded("config: {}\n");
  const auto& pods = std::get<PodMembers>(config.members);
  EXPECT_FALSE(pods.has_selector);
  EXPECT_THAT(config.warnings,
              Contains(HasSubstr("collector_selector: is not set, so that no "
                                 "pod is a collector")));
}

TEST(LoadConfigTest, OurSettingsHaveTheirDefaults) {
  const Config config = Loaded("collectors: {polling: {}}\nconfig: {}\n");
  EXPECT_EQ(config.listen_addr, ":8080");
  EXPECT_EQ(std::get<PollingMembers>(config.members).poll_timeout,
            std::chrono::seconds(90));
  EXPECT_EQ(config.collector_not_ready_grace_period, std::chrono::seconds(30));
  EXPECT_EQ(config.strategy, StrategyKind::kConsistentHashing);
  EXPECT_EQ(config.fallback_strategy, StrategyKind::kConsistentHashing);
  EXPECT_EQ(config.fallback_scope, FallbackScope::kNode);
  EXPECT_EQ(config.filter_strategy, FilterStrategy::kRelabelConfig);
  EXPECT_EQ(config.max_load_ratio_thousandths, 1050);
  EXPECT_EQ(config.coalesce_interval, milliseconds(50));
  EXPECT_EQ(config.sync_timeout, std::chrono::seconds(60));
  EXPECT_TRUE(config.hand_over.enabled);
  EXPECT_EQ(config.hand_over.timeout, std::chrono::minutes(2));
  EXPECT_EQ(config.state_dir, "");
  EXPECT_FALSE(config.allow_insecure_auth_secrets);
  EXPECT_FALSE(config.custom_resources_enabled);
}

TEST(LoadConfigTest, OurSettingsAreRead) {
  const Config config = Loaded(R"(
listen_addr: 127.0.0.1:9090
kube_config_file_path: /home/x/.kube/config
collector_selector:
  matchLabels: {app: collector}
  matchexpressions: [{key: a, operator: In, values: [b]}]
collector_namespace: ns
collector_not_ready_grace_period: 0
allocation_strategy: per-node
allocation_fallback_strategy: none
allocation_fallback_scope: all
filter_strategy: none
max_load_ratio: 1.5
coalesce_interval: 1m0.5s
sync_timeout: 5s
hand_over: {policy: none, timeout: 10s}
state_dir: state
collectors: {file: members.yaml}
config: {scrape_configs: [{job_name: a}]}
)");
  EXPECT_EQ(config.listen_addr, "127.0.0.1:9090");
  EXPECT_EQ(std::get<FileMembers>(config.members).path, "dir/members.yaml");
  EXPECT_EQ(config.collector_not_ready_grace_period, milliseconds(0));
  EXPECT_EQ(config.strategy, StrategyKind::kPerNode);
  EXPECT_EQ(config.fallback_strategy, StrategyKind::kNone);
  EXPECT_EQ(config.fallback_scope, FallbackScope::kAll);
  EXPECT_EQ(config.filter_strategy, FilterStrategy::kNone);
  EXPECT_EQ(config.max_load_ratio_thousandths, 1500);
  EXPECT_EQ(config.coalesce_interval, milliseconds(60500));
  EXPECT_FALSE(config.hand_over.enabled);
  EXPECT_EQ(config.hand_over.timeout, std::chrono::seconds(10));
  EXPECT_EQ(config.state_dir, "dir/state");
  EXPECT_EQ(config.unknown_keys, 0);
}

TEST(LoadConfigTest, LoadRatioIsReadExactly) {
  const auto ratio = [](const std::string& text) {
    const auto config = LoadConfig(
        "f", "collectors: {polling: {}}\nmax_load_ratio: " + text, {});
    return config ? config->max_load_ratio_thousandths : -1;
  };
  EXPECT_EQ(ratio("1"), 1000);
  EXPECT_EQ(ratio("1.0"), 1000);
  EXPECT_EQ(ratio("1.001"), 1001);
  EXPECT_EQ(ratio("1.25"), 1250);
  EXPECT_EQ(ratio("1.100000"), 1100);
  EXPECT_EQ(ratio("10"), 10000);
  for (const auto* bad : {"0.999", "10.001", "1.0001", "1e0", "-1", "+1", "1.",
                          ".5", "x", "100", "01.5x"})
    EXPECT_EQ(ratio(bad), -1) << bad;
}

TEST(LoadConfigTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string text =
      "listen_addr: :1\nallow_insecure_auth_secrets: false\n"
      "collector_namespace: file\ncollector_selector: {}\nconfig: {}\n";
  LoadOptions options;
  EXPECT_EQ(
      std::get<PodMembers>(Loaded(text, options).members).collector_namespace,
      "file");
  options.environment = {{"OTELCOL_NAMESPACE", "environment"},
                         {"ALLOW_INSECURE_AUTH_SECRETS", "true"}};
  Config config = Loaded(text, options);
  EXPECT_EQ(std::get<PodMembers>(config.members).collector_namespace,
            "environment");
  EXPECT_TRUE(std::get<PodMembers>(config.members).has_selector);
  EXPECT_TRUE(config.allow_insecure_auth_secrets);
  options.environment["ALLOW_INSECURE_AUTH_SECRETS"] = "1";  // only "true" is
  EXPECT_FALSE(Loaded(text, options).allow_insecure_auth_secrets);
  options.environment["ALLOW_INSECURE_AUTH_SECRETS"] = "true";
  options.flags.allow_insecure_auth_secrets = false;
  options.flags.listen_addr = "localhost:2";
  options.flags.prometheus_cr_enabled = true;
  config = Loaded(text, options);
  EXPECT_FALSE(config.allow_insecure_auth_secrets);
  EXPECT_EQ(config.listen_addr, "localhost:2");
  EXPECT_TRUE(config.custom_resources_enabled);
  options.flags.listen_addr = "2";
  EXPECT_THAT(MistakesOf(text, options),
              ElementsAre(HasSubstr("--listen-addr: expected host:port")));
}

TEST(LoadConfigTest, WhatIsAcceptedButNotImplementedIsSaid) {
  const Config config = Loaded(R"(
collectors: {polling: {}}
telemetry: {metrics: {readers: [{periodic: {exporter: {otlp_grpc: {endpoint: x}}}}]}}
prometheus_cr: {enabled: true, pod_monitor_selector: {}, scrape_interval: 30s}
config:
  scrape_configs:
  - job_name: a
    consul_sd_configs: [{server: x}]
    nomad_sd_configs: [{server: x}, {server: y}]
  - job_name: b
    consul_sd_configs: [{server: y}]
)");
  EXPECT_THAT(
      config.warnings,
      ElementsAre(HasSubstr("prometheus_cr.enabled: custom resources"),
                  HasSubstr("OTLP over gRPC is not implemented"),
                  HasSubstr("consul_sd_configs is not implemented: job \"a\" "
                            "and 1 more"),
                  HasSubstr("nomad_sd_configs is not implemented: job "
                            "\"a\" gets no targets")));
  EXPECT_EQ(config.unimplemented_mechanisms,
            (std::map<std::string, int>{{"consul", 2}, {"nomad", 1}}));
  EXPECT_EQ(config.unknown_keys, 0);
}

TEST(LoadConfigTest, PerNodeWithoutNodesIsSaid) {
  EXPECT_THAT(
      Loaded("collectors: {static: [a]}\nallocation_strategy: per-node\n"
             "config: {scrape_configs: [{job_name: a}]}\n")
          .warnings,
      ElementsAre(HasSubstr("no collector has a node")));
}

TEST(LoadConfigTest, NoScrapeConfigsIsAWarning) {
  const Config config = Loaded("scrape_configs: []\n");
  EXPECT_EQ(config.scrape_configs_json, "{}");
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("there are no scrape configs")));
}

// The warning said that collectors would be told to scrape nothing.
TEST(LoadConfigTest, OnlyCustomResourcesAreOneWarning) {
  const Config config =
      Loaded("collectors: {static: [a]}\nprometheus_cr: {enabled: true}\n");
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("prometheus_cr.enabled")));
}

TEST(LoadConfigTest, EmptyFilesAreMistakes) {
  for (const auto* text : {"", "\n", "# comment\n", "---\n", "~", "null"})
    EXPECT_THAT(MistakesOf(text), ElementsAre("dir/ta.yaml: the file is empty"))
        << text;
}

TEST(LoadConfigTest, SecretsAreMaskedUnlessAllowed) {
  const std::string text =
      "scrape_configs:\n- job_name: a\n  basic_auth: {password: hunter2}\n"
      "  consul_sd_configs: [{server: s, token: hunter2, basic_auth: "
      "{password: hunter2}, proxy_url: 'http://u:hunter2@p'}]\n";
  LoadOptions options;
  const Config masked = Loaded(text, options);
  EXPECT_THAT(masked.scrape_configs_json, ::testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(masked.scrape_configs_json,
              HasSubstr(R"("password":"\u003csecret\u003e")"));
  for (const auto& discovery : masked.jobs[0]->discoveries)
    EXPECT_THAT(discovery.key, ::testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(masked.masked_scrape_configs_json, "") << "it would be the same";
  options.flags.allow_insecure_auth_secrets = true;
  const Config open = Loaded(text, options);
  EXPECT_THAT(open.scrape_configs_json, HasSubstr(R"("password":"hunter2")"));
  EXPECT_EQ(open.masked_scrape_configs_json, masked.scrape_configs_json);
}

// One discoverer serves all jobs with the same settings, and only those.
TEST(LoadConfigTest, DiscoveryKeysAreEqualForEqualSettings) {
  const Config config = Loaded(R"(
scrape_configs:
- job_name: a
  file_sd_configs: [{files: [x.json], refresh_interval: 300s}]
  static_configs: [{targets: [t:1], labels: {b: c, a: b}}]
  http_sd_configs: [{url: "http://h", basic_auth: {password: p1}}]
  nomad_sd_configs: [{proxy_url: "http://u:p1@proxy"}]
- job_name: b
  file_sd_configs: [{files: [./y/../x.json]}]
  static_configs: [{labels: {a: b, b: c}, targets: ["t:1"]}]
  http_sd_configs: [{url: "http://h", basic_auth: {password: p1}}]
  nomad_sd_configs: [{region: global, proxy_url: "http://u:p1@proxy"}]
- job_name: c
  file_sd_configs: [{files: [x.json], refresh_interval: 1m}]
  static_configs: [{targets: [t:2]}]
  http_sd_configs: [{url: "http://h", basic_auth: {password: p2}}]
  nomad_sd_configs: [{proxy_url: "http://u:p2@proxy"}]
)");
  ASSERT_EQ(config.jobs.size(), 3u);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& a = config.jobs[0]->discoveries.at(i);
    const auto& b = config.jobs[1]->discoveries.at(i);
    const auto& c = config.jobs[2]->discoveries.at(i);
    EXPECT_EQ(a.key, b.key) << a.mechanism;
    EXPECT_NE(a.key, c.key) << a.mechanism;
    EXPECT_TRUE(a.key.starts_with(a.mechanism + " "));
  }
}

TEST(LoadConfigTest, RelabelRulesHaveTheirDefaults) {
  const Config config = Loaded(R"(
global: {metric_name_validation_scheme: legacy}
scrape_configs:
- job_name: a
  relabel_configs:
  - target_label: x
  - {action: HashMod, source_labels: [a, b], modulus: 8, target_label: y}
  - {action: keep, regex: , separator: , source_labels: [z]}
)");
  const auto& rules = config.jobs[0]->relabel_configs;
  ASSERT_EQ(rules.size(), 3u);
  RelabelConfig expected;
  expected.target_label = "x";
  expected.legacy_names = true;
  EXPECT_EQ(rules[0], expected);
  expected.action = RelabelConfig::Action::kHashMod;
  expected.source_labels = {"a", "b"};
  expected.modulus = 8;
  expected.target_label = "y";
  EXPECT_EQ(rules[1], expected);
  EXPECT_EQ(rules[2].regex, "");
  EXPECT_EQ(rules[2].separator, "");
}

TEST(LoadConfigTest, ScrapeConfigFilesAreReadFromTheFilesFolder) {
  std::vector<std::string> patterns;
  LoadOptions options;
  options.read_files =
      [&](const std::string& pattern) -> Result<std::vector<MatchedFile>> {
    patterns.push_back(pattern);
    return std::vector<MatchedFile>{
        {"dir/jobs/b.yml",
         "scrape_configs:\n- job_name: b\n"
         "  file_sd_configs: [{files: [b.json]}]\n"}};
  };
  const std::string text =
      "global: {scrape_interval: 7s}\nscrape_config_files: [jobs/*.yml]\n"
      "scrape_configs: [{job_name: a}]\n";
  const Config config = Loaded(text, options);
  EXPECT_THAT(patterns, ElementsAre("dir/jobs/*.yml"));
  EXPECT_THAT(config.scrape_config_files, ElementsAre("dir/jobs/*.yml"));
  ASSERT_EQ(config.jobs.size(), 2u);
  EXPECT_EQ(config.jobs[1]->scrape_interval, std::chrono::seconds(7));
  EXPECT_THAT(
      std::get<FileDiscovery>(config.jobs[1]->discoveries[0].settings).files,
      ElementsAre("dir/jobs/b.json"));
}

TEST(LoadConfigTest, MistakesInScrapeConfigFilesAreReportedThere) {
  LoadOptions options{.strict = true};
  options.read_files =
      [](const std::string&) -> Result<std::vector<MatchedFile>> {
    return std::vector<MatchedFile>{
        {"dir/a.yml",
         "scrape_configs:\n- job_name: a\n- job_name: c\n  x: y\n"},
        {"dir/b.yml", "scrape_configs: [{job_name: c}]\nglobal: {}\n"},
        {"dir/c.yml", "[broken"},
        {"dir/d.yml", Reject("cannot be read")}};
  };
  EXPECT_THAT(
      MistakesOf("scrape_config_files: ['*.yml']\n"
                 "scrape_configs: [{job_name: a}]\n",
                 options),
      ElementsAre(
          HasSubstr("dir/a.yml:2:13: scrape_configs[0].job_name: there "
                    "is already a scrape config with job name \"a\", at "
                    "dir/ta.yaml:2"),
          HasSubstr("dir/a.yml:4:3: scrape_configs[1].x: unknown key"),
          HasSubstr("dir/b.yml:1:29: "),
          HasSubstr("dir/b.yml:2:1: global: unknown key"),
          HasSubstr("dir/c.yml:"), HasSubstr("dir/d.yml: cannot be read")));
}

// Whatever stands where a value should, all that happens is mistakes.
TEST(LoadConfigTest, AnyShapeInAnyPlaceIsSurvived) {
  const std::vector<std::string> shapes = {
      "~",   "x",  "''",     "[]",   "[~]",      "[[]]",
      "[x]", "{}", "{x: y}", "[{}]", "[{x: ~}]", "{~: ~}",
      "1",   "-1", "true",   "1.5",  "!!int x",  "{a: [~]}"};
  const std::vector<std::string> keys = {"job_name",
                                         "params",
                                         "scrape_interval",
                                         "body_size_limit",
                                         "basic_auth",
                                         "authorization",
                                         "oauth2",
                                         "tls_config",
                                         "http_headers",
                                         "proxy_url",
                                         "proxy_connect_header",
                                         "relabel_configs",
                                         "static_configs",
                                         "file_sd_configs",
                                         "http_sd_configs",
                                         "dns_sd_configs",
                                         "kubernetes_sd_configs",
                                         "consul_sd_configs",
                                         "scrape_protocols",
                                         "honor_labels",
                                         "sample_limit",
                                         "metric_name_validation_scheme"};
  for (const auto& shape : shapes) {
    for (const auto& key : keys) {
      for (const bool strict : {false, true}) {
        (void)LoadConfig(
            "f", "scrape_configs: [{job_name: a, " + key + ": " + shape + "}]",
            {.strict = strict});
      }
    }
    for (const auto& key : {"global", "scrape_configs", "scrape_config_files",
                            "config", "collectors", "hand_over", "https",
                            "telemetry", "prometheus_cr", "collector_selector",
                            "max_load_ratio", "listen_addr", "sync_timeout"}) {
      (void)LoadConfig("f", std::string(key) + ": " + shape, {});
      (void)LoadConfig("f", "config: {" + std::string(key) + ": " + shape + "}",
                       {});
      (void)LoadConfig("f", "collectors: {static: " + shape + "}", {});
    }
  }
}

}  // namespace
}  // namespace ta
