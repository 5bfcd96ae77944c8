#include "discovery/kubernetes/settings.h"

#include <string>
#include <string_view>
#include <utility>

#include "discovery/http_tls_files.h"

namespace ta::kubernetes {
namespace {

std::unexpected<Error> Without(std::string_view field) {
  return Reject(std::string(field) +
                " is not supported for the Kubernetes api_server");
}

Result<ClientSettings> ClientSettingsOf(const std::string& server,
                                        const HttpClientConfig& client) {
  if (!client.unsupported.empty()) {
    return Reject(client.unsupported +
                  " needs a secret manager, which is not there");
  }
  if (client.oauth2) return Without("oauth2");
  ClientSettings settings;
  settings.server = server;
  settings.ca = TextSourceOf(client.tls.ca);
  settings.client_cert = TextSourceOf(client.tls.cert);
  settings.client_key = TextSourceOf(client.tls.key);
  settings.tls = TlsSettingsOf(client.tls);
  if (client.authorization) {
    settings.auth_scheme = client.authorization->type;
    settings.token = TextSourceOf(client.authorization->credentials);
  }
  if (client.basic_auth) {
    settings.username = TextSourceOf(client.basic_auth->username);
    settings.password = TextSourceOf(client.basic_auth->password);
  }
  settings.proxy = ProxySettingsOf(client.proxy);
  for (const HttpHeaderConfig& header : client.http_headers) {
    if (!header.files.empty()) return Without("http_headers.files");
    for (const auto* texts : {&header.values, &header.secrets}) {
      for (const std::string& text : *texts) {
        settings.headers.emplace_back(header.name, text);
      }
    }
  }
  return settings;
}

}  // namespace

Result<ClusterSource> ClusterSourceOf(const KubernetesDiscovery& settings) {
  ClusterSource source;
  if (!settings.kubeconfig_file.empty()) {
    source.kind = ClusterSource::Kind::kKubeconfig;
    source.kubeconfig = settings.kubeconfig_file;
  } else if (!settings.api_server.empty()) {
    source.kind = ClusterSource::Kind::kSettings;
    auto client = ClientSettingsOf(settings.api_server, settings.client);
    if (!client) return std::unexpected(std::move(client.error()));
    source.settings = *std::move(client);
  } else {
    source.kubeconfig = settings.kube_config_path;
  }
  return source;
}

RoleConfig RoleConfigOf(const KubernetesDiscovery& settings) {
  RoleConfig config;
  config.kind = RoleNamed(settings.role).value_or(RoleKind::kPod);
  config.attach = {.node = settings.attach_metadata.node,
                   .ns = settings.attach_metadata.ns,
                   .deployment = settings.attach_metadata.deployment,
                   .job = settings.attach_metadata.job,
                   .cron_job = settings.attach_metadata.cronjob};
  for (const auto& selector : settings.selectors) {
    if (const auto role = RoleNamed(selector.role)) {
      config.selectors[*role] = {.label = selector.label,
                                 .field = selector.field};
    }
  }
  return config;
}

}  // namespace ta::kubernetes
