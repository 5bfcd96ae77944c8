#include "discovery/kubernetes/discoverer.h"

#include <utility>
#include <vector>

#include "allocator/base/log.h"
#include "discovery/kubernetes/role_discovery.h"
#include "discovery/kubernetes/settings.h"

namespace ta::kubernetes {
namespace {

// {""}: all of them.
Result<std::vector<std::string>> NamespacesOf(
    const KubernetesDiscovery& settings, const Connection& connection) {
  std::vector<std::string> namespaces = settings.namespaces;
  if (settings.own_namespace) {
    if (connection.ns().empty()) {
      return Reject(
          "own_namespace: neither the service account nor the kubeconfig's "
          "context names a namespace");
    }
    namespaces.push_back(connection.ns());
  }
  if (namespaces.empty()) namespaces.emplace_back();
  return namespaces;
}

void SendProblem(const std::string& key, const std::string& problem,
                 UpdateSink* sink) {
  DiscoveryUpdate update;
  update.discoverer = key;
  update.problem = problem;
  sink->Discovered(std::move(update));
}

}  // namespace

KubernetesDiscoverer::KubernetesDiscoverer(std::string key,
                                           KubernetesDiscovery settings,
                                           Hub* hub, UpdateSink* sink)
    : key_(std::move(key)),
      settings_(std::move(settings)),
      hub_(hub),
      sink_(sink) {}

void KubernetesDiscoverer::Start() {
  auto source = ClusterSourceOf(settings_);
  if (!source) {
    Log(Level::kError, "Kubernetes discovery cannot work as it is configured",
        {{"role", settings_.role}, {"err", source.error().message}});
    return SendProblem(key_, source.error().message, sink_);
  }
  const auto send = [key = key_, sink = sink_](RoleUpdate role) {
    DiscoveryUpdate update;
    update.discoverer = key;
    update.groups = std::move(role.groups);
    update.synced = role.synced;
    update.problem = std::move(role.problem);
    sink->Discovered(std::move(update));
  };
  session_ = hub_->Open(
      *std::move(source),
      [this, send](Connection& connection) -> Result<Hub::User> {
        const auto namespaces = NamespacesOf(settings_, connection);
        if (!namespaces) return std::unexpected(namespaces.error());
        return std::make_shared<RoleDiscovery>(
            RoleConfigOf(settings_), *namespaces, connection.pool(), send,
            connection.defer(), &hub_->stage());
      },
      [this](const std::string& problem) {
        SendProblem(key_, problem, sink_);
      });
}

void KubernetesDiscoverer::Stop() {
  if (session_ != nullptr) session_->Close();
}

}  // namespace ta::kubernetes
