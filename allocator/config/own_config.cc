#include "allocator/config/own_config.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "allocator/config/collectors_file.h"
#include "allocator/config/pod_selector.h"
#include "allocator/config/scrape_config.h"
#include "allocator/config/telemetry_config.h"

namespace ta {
namespace {

using std::chrono::milliseconds;

StrategyKind StrategyOf(std::string_view name) {
  if (name == "least-weighted") return StrategyKind::kLeastWeighted;
  if (name == "per-node") return StrategyKind::kPerNode;
  if (name == "none") return StrategyKind::kNone;
  return StrategyKind::kConsistentHashing;
}

// "1.05" is 1050. At most three decimals (more only as zeros), from 1 to 10.
std::optional<int> Thousandths(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, dot);
  auto decimals = text.substr(std::min(dot + 1, text.size()));
  while (decimals.size() > 3 && decimals.back() == '0')
    decimals.remove_suffix(1);
  const auto digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(),
                       [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole.empty() || whole.size() > 2 || decimals.size() > 3 ||
      (dot < text.size() && decimals.empty()) || !digits(whole) ||
      !digits(decimals))
    return std::nullopt;
  int value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  for (std::size_t i = 0; i < 3; ++i)
    value = value * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
  if (value < 1000 || value > 10'000) return std::nullopt;
  return value;
}

// `host:port`, as Go's net.Listen takes it, but with a number for the port.
bool IsListenAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return false;
  const auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (!brackets && host.find_first_of(":[] /") != host.npos) return false;
  unsigned number = 0;
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), number);
  return !port.empty() && error == std::errc{} &&
         end == port.data() + port.size() && number <= 65535;
}

class OwnConfig {
 public:
  OwnConfig(const Value& own, const LoadOptions& options,
            const std::string& folder, SchemaReader& reader, Config& config)
      : own_(own),
        options_(options),
        folder_(folder),
        reader_(reader),
        config_(config) {}

  void Apply(DefaultMembers members) {
    ListenAddress();
    config_.kube_config_path = options_.flags.kube_config_path.value_or(
        own_.at("kube_config_file_path").text);
    Members(members);
    Assignment();
    Times();
    Secrets();
    Https();
    NotImplemented();
    Telemetry();
    config_.state_dir = ResolvePath(folder_, own_.at("state_dir").text);
  }

 private:
  void Say(std::string_view field, std::string message) {
    reader_.SayAt(own_, field, Path{}, std::move(message));
  }
  void Warn(const Value& at, const std::string& path, std::string message) {
    Mistake warning{reader_.file(), 0, 0, path, std::move(message), ""};
    if (at.node != nullptr) {
      warning.line = at.node->line;
      warning.column = at.node->column;
    }
    config_.warnings.push_back(warning.ToString());
  }

  void ListenAddress() {
    config_.listen_addr = own_.at("listen_addr").text;
    if (!IsListenAddress(config_.listen_addr))
      Say("listen_addr",
          "expected host:port or :port, got " + Quoted(config_.listen_addr));
    if (!options_.flags.listen_addr) return;
    config_.listen_addr = *options_.flags.listen_addr;
    if (!IsListenAddress(config_.listen_addr))
      reader_.SayAbout(
          {"--listen-addr", 0, 0, "",
           "expected host:port or :port, got " + Quoted(config_.listen_addr),
           ""});
  }

  void Members(DefaultMembers members) {
    const Value& selector = own_.at("collector_selector");
    std::string text =
        PodSelector(selector, Path{nullptr, "collector_selector"}, reader_);
    const Value& collectors = own_.at("collectors");
    if (collectors.bad) return;
    if (!collectors.set) {
      if (members == DefaultMembers::kPolling)
        config_.members = PollingMembers{};
      else
        Pods(std::move(text));
      return;
    }
    const Path path{nullptr, "collectors"};
    const Value& list = collectors.at("static");
    const Value& file = collectors.at("file");
    const Value& polling = collectors.at("polling");
    // What is wrong within each is said as well, in the same round.
    if (list.written + file.written + polling.written != 1)
      Say("collectors", "needs exactly one of static, file, polling");
    if (polling.written) {
      if (polling.at("poll_timeout").integer <= 0 && !polling.bad)
        reader_.SayAt(polling, "poll_timeout", Path{&path, "polling"},
                      "must be more than 0");
      config_.members =
          PollingMembers{milliseconds(polling.at("poll_timeout").integer)};
    }
    if (file.written) {
      if (file.text.empty() && !file.bad)
        reader_.SayAt(collectors, "file", path, "must name a file");
      config_.members = FileMembers{ResolvePath(folder_, file.text)};
    }
    if (list.written) StaticMembersOf(collectors, path);
  }

  void StaticMembersOf(const Value& collectors, const Path& path) {
    const Value& list = collectors.at("static");
    if (list.bad) return;
    if (list.node->IsNull() || list.node->items.empty())
      return reader_.SayAt(collectors, "static", path,
                           "must name at least one collector");
    StaticMembers members{
        ReadCollectors(*list.node, Path{&path, "static"}, reader_)};
    const bool no_node = std::all_of(
        members.collectors.begin(), members.collectors.end(),
        [](const auto& collector) { return collector.node.empty(); });
    if (no_node && own_.at("allocation_strategy").text == "per-node")
      Warn(list, "collectors.static",
           "no collector has a node, so that strategy per-node finds none: "
           "write {name: …, node: …}");
    config_.members = std::move(members);
  }

  void Pods(std::string selector) {
    PodMembers pods;
    pods.has_selector = own_.at("collector_selector").set;
    pods.selector = std::move(selector);
    pods.kube_config_path = config_.kube_config_path;
    pods.collector_namespace = own_.at("collector_namespace").text;
    const auto found = options_.environment.find("OTELCOL_NAMESPACE");
    if (found != options_.environment.end())
      pods.collector_namespace = found->second;
    if (!pods.has_selector)
      Warn(own_, "collector_selector",
           "is not set, so that no pod is a collector; {} selects every pod");
    config_.members = std::move(pods);
  }

  void Assignment() {
    config_.strategy = StrategyOf(own_.at("allocation_strategy").text);
    if (own_.at("allocation_strategy").text.empty())
      Say("allocation_strategy",
          "must be one of consistent-hashing, least-weighted, per-node");
    config_.fallback_strategy =
        StrategyOf(own_.at("allocation_fallback_strategy").text);
    if (config_.fallback_strategy == StrategyKind::kPerNode)
      Say("allocation_fallback_strategy",
          "per-node cannot be its own fallback: expected one of "
          "consistent-hashing, least-weighted, none");
    config_.fallback_scope = own_.at("allocation_fallback_scope").text == "all"
                                 ? FallbackScope::kAll
                                 : FallbackScope::kNode;
    config_.filter_strategy =
        own_.at("filter_strategy").text == "relabel-config"
            ? FilterStrategy::kRelabelConfig
            : FilterStrategy::kNone;
    const Value& ratio = own_.at("max_load_ratio");
    if (ratio.bad) return;
    if (const auto thousandths = Thousandths(ratio.text))
      config_.max_load_ratio_thousandths = *thousandths;
    else
      Say("max_load_ratio",
          "expected a number from 1 to 10 with at most three decimals, got " +
              Quoted(ratio.text));
  }

  milliseconds Time(const Value& owner, std::string_view name, const Path& path,
                    bool zero_is_good) {
    const Value& value = owner.at(name);
    if (value.bad) return milliseconds(0);
    if (value.integer < 0)
      reader_.SayAt(owner, name, path, "cannot be negative");
    else if (value.integer == 0 && !zero_is_good)
      reader_.SayAt(owner, name, path, "must be more than 0");
    return milliseconds(value.integer);
  }

  void Times() {
    config_.collector_not_ready_grace_period =
        Time(own_, "collector_not_ready_grace_period", Path{}, true);
    config_.coalesce_interval = Time(own_, "coalesce_interval", Path{}, true);
    config_.sync_timeout = Time(own_, "sync_timeout", Path{}, false);
    const Value& hand_over = own_.at("hand_over");
    if (hand_over.bad) return;
    config_.hand_over.enabled = hand_over.at("policy").text != "none";
    config_.hand_over.timeout =
        Time(hand_over, "timeout", Path{nullptr, "hand_over"}, false);
  }

  void Secrets() {
    config_.allow_insecure_auth_secrets =
        own_.at("allow_insecure_auth_secrets").flag;
    const auto found = options_.environment.find("ALLOW_INSECURE_AUTH_SECRETS");
    if (found != options_.environment.end() && found->second == "true")
      config_.allow_insecure_auth_secrets = true;
    if (options_.flags.allow_insecure_auth_secrets)
      config_.allow_insecure_auth_secrets =
          *options_.flags.allow_insecure_auth_secrets;
    if (config_.allow_insecure_auth_secrets)
      Warn(own_.at("allow_insecure_auth_secrets"),
           "allow_insecure_auth_secrets",
           "/scrape_configs shows secrets over plain HTTP");
  }

  void Https() {
    const Value& https = own_.at("https");
    if (https.bad) return;
    const ConfigFlags& flags = options_.flags;
    HttpsConfig& out = config_.https;
    out.enabled = flags.https_enabled.value_or(https.at("enabled").flag);
    out.client_identity = https.at("client_identity").text == "san";
    const Path path{nullptr, "https"};
    out.listen_addr = https.at("listen_addr").text;
    if (!IsListenAddress(out.listen_addr))
      reader_.SayAt(
          https, "listen_addr", path,
          "expected host:port or :port, got " + Quoted(out.listen_addr));
    if (flags.https_listen_addr) out.listen_addr = *flags.https_listen_addr;
    const auto file = [&](std::string_view name, const char* what,
                          const std::optional<std::string>& flag,
                          const char* flag_name) {
      if (flag && !flag->empty()) return *flag;
      const Value& value = https.at(name);
      if (out.enabled && value.text.empty() && !value.bad)
        reader_.SayAt(https, name, path,
                      "must name " + std::string(what) +
                          " where https is enabled; or say " + flag_name);
      return ResolvePath(folder_, value.text);
    };
    out.ca_file = file("ca_file_path", "the CA of the clients' certificates",
                       flags.https_ca_file, "--https-ca-file");
    out.cert_file = file("tls_cert_file_path", "the server's certificate",
                         flags.https_cert_file, "--https-tls-cert-file");
    out.key_file = file("tls_key_file_path", "the certificate's key",
                        flags.https_key_file, "--https-tls-key-file");
  }

  // What the Go allocator does and we don't yet: accepted, and said.
  void NotImplemented() {
    const Value& resources = own_.at("prometheus_cr");
    if (!resources.bad && !resources.at("allow_namespaces").items.empty() &&
        !resources.at("deny_namespaces").items.empty())
      reader_.SayAt(resources, "deny_namespaces",
                    Path{nullptr, "prometheus_cr"},
                    "cannot be set together with allow_namespaces");
    config_.custom_resources_enabled =
        options_.flags.prometheus_cr_enabled.value_or(
            !resources.bad && resources.at("enabled").flag);
    if (config_.custom_resources_enabled)
      Warn(resources, "prometheus_cr.enabled",
           "custom resources (ServiceMonitor, PodMonitor, …) are not "
           "implemented: only the scrape configs of the file are served, and "
           "nothing at all if it has none");
  }

  void Telemetry() {
    Mistakes warnings;
    config_.telemetry = TelemetryConfigOf(
        own_.at("telemetry"), options_.environment, folder_, reader_, warnings);
    for (const Mistake& warning : warnings)
      config_.warnings.push_back(warning.ToString());
  }

  const Value& own_;
  const LoadOptions& options_;
  const std::string& folder_;
  SchemaReader& reader_;
  Config& config_;
};

}  // namespace

void ApplyOwnConfig(const Value& own, DefaultMembers members,
                    const LoadOptions& options, const std::string& folder,
                    SchemaReader& reader, Config& config) {
  OwnConfig(own, options, folder, reader, config).Apply(members);
}

}  // namespace ta
