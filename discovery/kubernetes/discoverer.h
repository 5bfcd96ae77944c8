// kubernetes_sd_configs: one role in some namespaces of one cluster. Everything
// happens on the hub's thread, where watches are shared.

#pragma once

#include <memory>
#include <string>

#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/kubernetes/hub.h"

namespace ta::kubernetes {

// Is synced once all watches of the role have listed. From then on an API
// server that can't be reached changes nothing but the problem.
class KubernetesDiscoverer final : public Discoverer {
 public:
  // `hub` and `sink` outlive this.
  KubernetesDiscoverer(std::string key, KubernetesDiscovery settings, Hub* hub,
                       UpdateSink* sink);

  void Start() override;
  void Stop() override;

 private:
  const std::string key_;
  const KubernetesDiscovery settings_;
  Hub* const hub_;
  UpdateSink* const sink_;
  std::unique_ptr<Hub::Session> session_;  // null where it can't work at all
};

}  // namespace ta::kubernetes
