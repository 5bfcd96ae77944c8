#include "discovery/kubernetes/in_cluster.h"

#include <string_view>
#include <utility>

namespace ta::kubernetes {
namespace {

std::string_view Value(const GetEnv& get_env, const char* name) {
  const char* value = get_env(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Result<ClientSettings> InClusterSettings(const GetEnv& get_env,
                                         const std::string& folder) {
  const std::string host(Value(get_env, "KUBERNETES_SERVICE_HOST"));
  const std::string port(Value(get_env, "KUBERNETES_SERVICE_PORT"));
  if (host.empty() || port.empty()) {
    return Reject(
        "not running in a cluster: KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT are not set");
  }
  ClientSettings settings;
  settings.server =
      "https://" +
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
      port;
  settings.ca.file = folder + "/ca.crt";
  settings.token.file = folder + "/token";
  settings.proxy.from_environment = true;
  // Optional: only `own_namespace` and the collectors' default need it.
  RereadText ns({{}, folder + "/namespace"});
  if (ns.Refresh()) settings.ns = ns.value();
  return settings;
}

}  // namespace ta::kubernetes
