#include "allocator/config/scrape_config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/config/discovery_config.h"
#include "allocator/config/relabel_config.h"
#include "allocator/config/units.h"
#include "allocator/go_text.h"

namespace ta {
namespace {

constexpr std::array<std::string_view, 5> kProtocols = {
    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusProto",
    "PrometheusText0.0.4", "PrometheusText1.0.0"};
constexpr std::array<std::string_view, 4> kDefaultProtocols = {
    "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0",
    "PrometheusText0.0.4"};
// Native histograms need protobuf, so it comes first then.
constexpr std::array<std::string_view, 5> kProtoFirst = {
    "PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1",
    "PrometheusText1.0.0", "PrometheusText0.0.4"};

// What upstream's validateAcceptScrapeProtocols wants.
void CheckProtocols(const Value& owner, const Path& path,
                    SchemaReader& reader) {
  const Value& protocols = owner.at("scrape_protocols");
  if (!protocols.set || protocols.bad) return;
  if (protocols.items.empty())
    return reader.SayAt(owner, "scrape_protocols", path, "cannot be empty");
  const Path list{&path, "scrape_protocols"};
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < protocols.items.size(); ++i) {
    const Value& protocol = protocols.items[i];
    if (protocol.bad) continue;
    const Path at{&list, {}, static_cast<int>(i)};
    const YamlNode* node = protocol.node ? protocol.node : protocols.node;
    std::string name = AsciiLower(protocol.text);
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      reader.Say(node, at, "is there twice: " + Quoted(protocol.text));
    seen.push_back(std::move(name));
    if (std::find(kProtocols.begin(), kProtocols.end(), protocol.text) ==
        kProtocols.end())
      reader.Say(node, at,
                 "expected one of OpenMetricsText0.0.1, OpenMetricsText1.0.0, "
                 "PrometheusProto, PrometheusText0.0.4, PrometheusText1.0.0, "
                 "got " +
                     Quoted(protocol.text));
  }
}

template <std::size_t N>
void SetProtocols(Value& value,
                  const std::array<std::string_view, N>& protocols) {
  value.set = true;
  for (const auto protocol : protocols)
    value.items.emplace_back().text = protocol;
}

void SetFlag(Value& value, bool flag) {
  if (value.set) return;
  value.set = true;
  value.flag = flag;
}

// ScrapeConfig.Validate's metric name schemes.
void InheritNameSchemes(Value& config, const Value& global, const Path& path,
                        SchemaReader& reader) {
  std::string& validation = config.at("metric_name_validation_scheme").text;
  std::string& escaping = config.at("metric_name_escaping_scheme").text;
  const auto& global_validation =
      global.at("metric_name_validation_scheme").text;
  std::string global_escaping = global.at("metric_name_escaping_scheme").text;
  const auto natural = [](std::string_view scheme) {
    return scheme == "legacy" ? "underscores" : "allow-utf-8";
  };
  if (global_escaping.empty()) global_escaping = natural(global_validation);
  const bool inherits = validation.empty();
  if (inherits) validation = global_validation;
  if (escaping.empty())
    escaping = inherits ? global_escaping : natural(validation);
  if (escaping == "allow-utf-8" && validation != "utf8")
    reader.SayAt(config, "metric_name_escaping_scheme", path,
                 "allow-utf-8 needs metric_name_validation_scheme utf8");
}

// Everything that ScrapeConfig.Validate takes from `global`.
void Inherit(Value& config, const Value& global, const Path& path,
             SchemaReader& reader) {
  Value& interval = config.at("scrape_interval");
  Value& timeout = config.at("scrape_timeout");
  if (interval.integer == 0)
    interval.integer = global.at("scrape_interval").integer;
  if (timeout.integer > interval.integer && !interval.bad && !timeout.bad)
    reader.SayAt(config, "scrape_timeout", path,
                 "is longer than the scrape interval of " +
                     FormatPrometheusDuration(
                         std::chrono::milliseconds(interval.integer)));
  if (timeout.integer == 0)
    timeout.integer =
        std::min(global.at("scrape_timeout").integer, interval.integer);
  if (config.at("body_size_limit").integer == 0)
    config.at("body_size_limit").integer = global.at("body_size_limit").integer;
  for (const std::string_view limit :
       {"sample_limit", "target_limit", "label_limit",
        "label_name_length_limit", "label_value_length_limit",
        "keep_dropped_targets"}) {
    if (config.at(limit).natural == 0)
      config.at(limit).natural = global.at(limit).natural;
  }
  if (config.at("scrape_failure_log_file").text.empty())
    config.at("scrape_failure_log_file").text =
        global.at("scrape_failure_log_file").text;
  for (const std::string_view flag :
       {"scrape_native_histograms", "extra_scrape_metrics",
        "convert_classic_histograms_to_nhcb",
        "always_scrape_classic_histograms"})
    SetFlag(config.at(flag), global.at(flag).flag);
  Value& protocols = config.at("scrape_protocols");
  CheckProtocols(config, path, reader);
  if (!protocols.set) {
    if (global.at("scrape_protocols").set) {
      protocols.items = global.at("scrape_protocols").items;
      protocols.set = true;
    } else if (config.at("scrape_native_histograms").flag) {
      SetProtocols(protocols, kProtoFirst);
    } else {
      SetProtocols(protocols, kDefaultProtocols);
    }
  }
  InheritNameSchemes(config, global, path, reader);
}

// scrape.PopulateDiscoveredLabels.
Labels SeedsOf(const Value& config) {
  const auto duration = [&](std::string_view name) {
    return FormatPrometheusDuration(
        std::chrono::milliseconds(config.at(name).integer));
  };
  const auto flag = [&](std::string_view name) {
    return config.at(name).flag ? "true" : "false";
  };
  const std::string interval = duration("scrape_interval");
  const std::string timeout = duration("scrape_timeout");
  std::vector<LabelPair> seeds = {
      {"job", config.at("job_name").text},
      {"__scrape_interval__", interval},
      {"__scrape_timeout__", timeout},
      {"__metrics_path__", config.at("metrics_path").text},
      {"__scheme__", config.at("scheme").text},
      {"__convert_classic_histograms_to_nhcb__",
       flag("convert_classic_histograms_to_nhcb")},
      {"__always_scrape_classic_histograms__",
       flag("always_scrape_classic_histograms")},
      {"__scrape_native_histograms__", flag("scrape_native_histograms")},
  };
  const Value& params = config.at("params");
  std::vector<std::string> names;
  names.reserve(params.keys.size());  // the views below must stay
  for (std::size_t i = 0; i < params.keys.size(); ++i) {
    if (params.items[i].items.empty()) continue;
    names.push_back("__param_" + std::string(params.keys[i]));
    seeds.push_back({names.back(), params.items[i].items[0].text});
  }
  std::erase_if(seeds,
                [](const LabelPair& pair) { return pair.value.empty(); });
  return Labels::Of(std::move(seeds));
}

}  // namespace

void FinishGlobal(Value& global, const Path& path, SchemaReader& reader) {
  constexpr std::int64_t kDefaultIntervalMs = 60'000;
  constexpr std::int64_t kDefaultTimeoutMs = 10'000;
  Value& interval = global.at("scrape_interval");
  Value& timeout = global.at("scrape_timeout");
  if (interval.integer == 0) interval.integer = kDefaultIntervalMs;
  if (timeout.integer > interval.integer && !interval.bad && !timeout.bad)
    reader.SayAt(global, "scrape_timeout", path,
                 "is longer than the scrape interval of " +
                     FormatPrometheusDuration(
                         std::chrono::milliseconds(interval.integer)));
  if (timeout.integer == 0)
    timeout.integer = std::min(kDefaultTimeoutMs, interval.integer);
  SetFlag(global.at("scrape_native_histograms"), false);
  SetFlag(global.at("extra_scrape_metrics"), false);
  Value& evaluation = global.at("evaluation_interval");
  if (evaluation.integer == 0) evaluation.integer = kDefaultIntervalMs;
  std::string& scheme = global.at("metric_name_validation_scheme").text;
  if (scheme.empty()) scheme = "utf8";
  // Upstream's default, which a `global` with anything in it does not get.
  if (global.node == nullptr || global.node->IsNull())
    global.at("metric_name_escaping_scheme").text = "allow-utf-8";
  CheckProtocols(global, path, reader);
  const Value& labels = global.at("external_labels");
  const Path below{&path, "external_labels"};
  for (std::size_t i = 0; i < labels.keys.size(); ++i) {
    if (!IsValidUtf8(labels.items[i].text))
      reader.Say(labels.items[i].node, Path{&below, labels.keys[i]},
                 "the value is not valid UTF-8");
    if (scheme == "legacy" && !IsLegacyLabelName(labels.keys[i]))
      reader.Say(labels.items[i].node, Path{&below, labels.keys[i]},
                 Quoted(labels.keys[i]) + " is not a valid label name");
  }
}

ReadScrapeConfigResult ReadScrapeConfig(const YamlNode& node,
                                        const ScrapeConfigContext& context,
                                        const Path& path,
                                        SchemaReader& reader) {
  ReadScrapeConfigResult out;
  if (node.IsNull()) {
    reader.Say(&node, path, "empty or null scrape config");
    return out;
  }
  Value value = reader.Read(&node, ScrapeConfigRecord(), path);
  Inherit(value, *context.global, path, reader);
  const bool legacy =
      value.at("metric_name_validation_scheme").text == "legacy";
  CheckRelabelConfigs(value, "metric_relabel_configs", legacy, path, reader);
  const bool rules_ok =
      CheckRelabelConfigs(value, "relabel_configs", legacy, path, reader);

  if (context.inspect) context.inspect(value.at("job_name").text, value);
  auto config = std::make_shared<ScrapeConfig>();
  config->job_name = value.at("job_name").text;
  config->seeds = SeedsOf(value);
  config->scrape_interval =
      std::chrono::milliseconds(value.at("scrape_interval").integer);
  if (rules_ok)
    config->relabel_configs =
        RelabelConfigsOf(value.at("relabel_configs"), legacy);
  config->discoveries =
      DiscoveriesOf(value, context.folder, context.kube_config_path);
  out.config = std::move(config);
  out.job_name = value.at("job_name").node;
  AppendJson(value, Secrets::kMasked, out.json);
  if (context.with_secret_json)
    AppendJson(value, Secrets::kShown, out.secret_json);
  return out;
}

std::string ResolvePath(std::string_view folder, std::string_view path) {
  if (path.empty() || path.front() == '/') return std::string(path);
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

}  // namespace ta
