// The rules of kubernetes_sd_configs across fields. Source: SDConfig's
// UnmarshalYAML in prometheus/discovery/kubernetes.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "allocator/config/kubernetes_selector.h"
#include "allocator/config/schema_discovery_rules.h"
#include "allocator/config/schema_rules.h"

namespace ta {
namespace {

// Does any field of the inline HTTP client differ from its default?
bool HasCustomClient(const Value& config) {
  static constexpr std::array<std::string_view, 6> kOwn = {
      "api_server", "role",      "kubeconfig_file",
      "namespaces", "selectors", "attach_metadata"};
  for (std::size_t i = 0; i < config.items.size(); ++i) {
    const Field& field = config.record->fields[i];
    if (std::find(kOwn.begin(), kOwn.end(), field.name) != kOwn.end()) continue;
    const Value& value = config.items[i];
    const bool on_by_default = field.fallback == "true";
    if (on_by_default ? !value.flag : !IsZero(field, value)) return true;
    if (field.type == Type::kSecretsMap && value.set) return true;  // {} too
  }
  return false;
}

// Which selectors a role may have.
struct RoleSelectors {
  std::string_view role;
  std::array<std::string_view, 3> selectors;
};
constexpr std::array<RoleSelectors, 6> kSelectorsOf = {{
    {"pod", {"pod", "node", ""}},
    {"service", {"service", "", ""}},
    {"endpointslice", {"pod", "service", "endpointslice"}},
    {"endpoints", {"pod", "service", "endpoints"}},
    {"node", {"node", "", ""}},
    {"ingress", {"ingress", "", ""}},
}};

void CheckSelectors(const Value& config, const Path& path,
                    SchemaReader& reader) {
  const std::string& role = config.at("role").text;
  const auto allowed =
      std::find_if(kSelectorsOf.begin(), kSelectorsOf.end(),
                   [&](const auto& each) { return each.role == role; });
  const Path list{&path, "selectors"};
  const auto& selectors = config.at("selectors").items;
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const Value& selector = selectors[i];
    if (selector.bad || selector.record == nullptr) continue;
    const Path at{&list, {}, static_cast<int>(i)};
    const std::string& own = selector.at("role").text;
    if (selector.at("role").bad) continue;
    if (std::find(seen.begin(), seen.end(), own) != seen.end())
      reader.SayAt(selector, "role", at,
                   "there is already a selector for this role");
    seen.push_back(own);
    if (allowed != kSelectorsOf.end() &&
        (own.empty() ||
         std::find(allowed->selectors.begin(), allowed->selectors.end(), own) ==
             allowed->selectors.end())) {
      std::string names;
      for (const auto name : allowed->selectors) {
        if (!name.empty()) (names += names.empty() ? "" : ", ") += name;
      }
      reader.SayAt(selector, "role", at,
                   "role " + role + " supports only selectors for " + names);
    }
    if (auto ok = CheckLabelSelector(selector.at("label").text); !ok)
      reader.SayAt(selector, "label", at, std::move(ok.error().message));
    if (auto ok = CheckFieldSelector(selector.at("field").text); !ok)
      reader.SayAt(selector, "field", at, std::move(ok.error().message));
  }
}

}  // namespace

void CheckKubernetesSd(Value& config, const Path& path, SchemaReader& reader) {
  if (config.at("role").text.empty() && !config.at("role").bad)
    reader.SayAt(config, "role", path,
                 "must be set, one of pod, service, endpoints, endpointslice, "
                 "node, ingress");
  CheckHttpClient(config, path, reader);
  const bool server =
      config.at("api_server").set || config.at("api_server").bad;
  const bool kubeconfig = !config.at("kubeconfig_file").text.empty();
  const bool own_namespace = config.at("namespaces").at("own_namespace").flag;
  const bool custom = HasCustomClient(config);
  if (server && kubeconfig)
    reader.SayAt(config, "kubeconfig_file", path,
                 "cannot be set together with api_server");
  if (kubeconfig && custom)
    reader.SayAt(config, "kubeconfig_file", path,
                 "cannot be set together with HTTP client settings");
  if (!server && !kubeconfig && custom)
    reader.Say(config.node, path, "HTTP client settings need api_server");
  if ((server || kubeconfig) && own_namespace)
    reader.SayAt(config, "namespaces", path,
                 "own_namespace cannot be set together with api_server or "
                 "kubeconfig_file");
  CheckSelectors(config, path, reader);
}

}  // namespace ta
