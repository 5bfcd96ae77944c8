#include "allocator/config/discovery_config.h"

#include <xxhash.h>

#include <array>
#include <chrono>
#include <utility>

#include "allocator/base/ascii.h"
#include "allocator/config/go_url.h"
#include "allocator/config/schema_json.h"
#include "allocator/config/scrape_config.h"
#include "allocator/config/units.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/json_string.h"

namespace ta {
namespace {

constexpr std::string_view kSuffix = "_sd_configs";

// Long settings are told apart by a hash of 128 bits.
constexpr std::size_t kLongestKey = 200;

std::string KeyOf(std::string_view mechanism, std::string_view settings) {
  std::string key(mechanism);
  key += ' ';
  if (settings.size() <= kLongestKey) return key += settings;
  const XXH128_hash_t hash = XXH3_128bits(settings.data(), settings.size());
  static constexpr char kHex[] = "0123456789abcdef";
  key += "xxh3:";
  for (const std::uint64_t half : {hash.high64, hash.low64}) {
    for (int shift = 60; shift >= 0; shift -= 4)
      key += kHex[(half >> shift) & 15];
  }
  return key;
}

// All static_configs of a job are one mechanism, a group each.
DiscoveryConfig StaticOf(const Value& configs) {
  StaticDiscovery settings;
  std::string text = "[";
  for (std::size_t i = 0; i < configs.items.size(); ++i) {
    const Value& config = configs.items[i];
    TargetGroup& group = settings.groups.emplace_back();
    group.source = std::to_string(i);
    if (config.record == nullptr) continue;  // was a mistake
    const Value& labels = config.at("labels");
    std::vector<LabelPair> pairs;
    for (std::size_t k = 0; k < labels.keys.size(); ++k)
      pairs.push_back({labels.keys[k], labels.items[k].text});
    group.labels = Labels::Of(std::move(pairs));
    for (const Value& target : config.at("targets").items)
      group.targets.push_back(Labels::Of({{"__address__", target.text}}));
    if (i > 0) text += ',';
    AppendJson(config, Secrets::kHashed, text);
  }
  text += ']';
  return {"static", KeyOf("static", text), std::move(settings)};
}

DiscoveryConfig FileOf(const Value& config, const std::string& folder) {
  FileDiscovery settings;
  settings.refresh_interval =
      std::chrono::milliseconds(config.at("refresh_interval").integer);
  std::string text = "[";
  for (const Value& file : config.at("files").items) {
    settings.files.push_back(ResolvePath(folder, file.text));
    if (text.size() > 1) text += ',';
    AppendJsonString(settings.files.back(), text);
  }
  text += "] every " + FormatPrometheusDuration(settings.refresh_interval);
  return {"file", KeyOf("file", text), std::move(settings)};
}

DiscoveryConfig HttpOf(const Value& config, const std::string& folder) {
  HttpDiscovery settings;
  settings.url = config.at("url").text;
  settings.refresh_interval =
      std::chrono::milliseconds(config.at("refresh_interval").integer);
  settings.client = HttpClientConfigOf(config, folder);
  std::string text;
  // To the schema nothing in a URL is a secret.
  Value shown = config;
  if (auto url = ParseGoUrl(settings.url);
      url && (url->has_password || !url->query.empty())) {
    AppendHashed(settings.url, text);
    url->query.clear();
    shown.at("url").text = url->Redacted();
  }
  AppendJson(shown, Secrets::kHashed, text);
  // What relative file names lead to.
  text += " in ";
  AppendJsonString(folder, text);
  return {"http", KeyOf("http", text), std::move(settings)};
}

DiscoveryConfig DnsOf(const Value& config) {
  DnsDiscovery settings;
  for (const Value& name : config.at("names").items) {
    settings.names.push_back(name.text);
  }
  settings.type = AsciiUpper(config.at("type").text);
  settings.port = static_cast<int>(config.at("port").integer);
  settings.refresh_interval =
      std::chrono::milliseconds(config.at("refresh_interval").integer);
  std::string text;
  AppendJson(config, Secrets::kHashed, text);
  return {"dns", KeyOf("dns", text), std::move(settings)};
}

DiscoveryConfig KubernetesOf(const Value& config, const std::string& folder,
                             const std::string& kube_config_path) {
  KubernetesDiscovery settings;
  settings.role = config.at("role").text;
  const Value& server = config.at("api_server");
  // Its text is redacted.
  if (server.set && server.node != nullptr) {
    settings.api_server = server.node->text;
  }
  settings.kubeconfig_file =
      ResolvePath(folder, config.at("kubeconfig_file").text);
  const Value& namespaces = config.at("namespaces");
  for (const Value& name : namespaces.at("names").items) {
    settings.namespaces.push_back(name.text);
  }
  settings.own_namespace = namespaces.at("own_namespace").flag;
  for (const Value& selector : config.at("selectors").items) {
    if (selector.record == nullptr) continue;  // was a mistake
    settings.selectors.push_back({.role = selector.at("role").text,
                                  .label = selector.at("label").text,
                                  .field = selector.at("field").text});
  }
  const Value& attach = config.at("attach_metadata");
  settings.attach_metadata = {.node = attach.at("node").flag,
                              .ns = attach.at("namespace").flag,
                              .deployment = attach.at("deployment").flag,
                              .job = attach.at("job").flag,
                              .cronjob = attach.at("cronjob").flag};
  settings.client = HttpClientConfigOf(config, folder);
  std::string text;
  AppendJson(config, Secrets::kHashed, text);
  // What relative file names lead to.
  text += " in ";
  AppendJsonString(folder, text);
  if (settings.api_server.empty() && settings.kubeconfig_file.empty()) {
    settings.kube_config_path = kube_config_path;
    text += " at ";
    AppendJsonString(kube_config_path, text);
  }
  return {"kubernetes", KeyOf("kubernetes", text), std::move(settings)};
}

}  // namespace

std::vector<DiscoveryConfig> DiscoveriesOf(
    const Value& scrape_config, const std::string& folder,
    const std::string& kube_config_path) {
  std::vector<DiscoveryConfig> out;
  const Value& statics = scrape_config.at("static_configs");
  if (!statics.items.empty()) out.push_back(StaticOf(statics));
  for (std::size_t i = 0; i < scrape_config.items.size(); ++i) {
    const Field& field = scrape_config.record->fields[i];
    const Value& value = scrape_config.items[i];
    if (!field.name.ends_with(kSuffix) || value.bad) continue;
    const auto mechanism =
        field.name.substr(0, field.name.size() - kSuffix.size());
    for (const Value& config : value.items) {
      if (config.bad || config.record == nullptr) continue;
      if (mechanism == "file") {
        out.push_back(FileOf(config, folder));
        continue;
      }
      if (mechanism == "http") {
        out.push_back(HttpOf(config, folder));
        continue;
      }
      if (mechanism == "dns") {
        out.push_back(DnsOf(config));
        continue;
      }
      if (mechanism == "kubernetes") {
        out.push_back(KubernetesOf(config, folder, kube_config_path));
        continue;
      }
      std::string text;
      AppendJson(config, Secrets::kHashed, text);
      out.push_back({std::string(mechanism), KeyOf(mechanism, text),
                     UnimplementedDiscovery{}});
    }
  }
  return out;
}

}  // namespace ta
