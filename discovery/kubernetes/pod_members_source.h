// The source of members that are pods: finds the cluster, and feeds from it.

#pragma once

#include <memory>
#include <string>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/kubernetes/hub.h"
#include "discovery/kubernetes/kubeconfig.h"

namespace ta::kubernetes {

// Sends what PodMembersFeed sends, and, while there is no cluster yet, why not:
// a kubeconfig file that is named may come later. Without a selector no pod is
// a collector: that is sent at once, as a problem, and needs no cluster.
class PodMembersSource final : public Discoverer {
 public:
  // `hub` and `sink` outlive this.
  PodMembersSource(const PodMembers& settings, Hub* hub, UpdateSink* sink);
  ~PodMembersSource() override;

  void Start() override;
  void Stop() override;

 private:
  void SendProblem(const std::string& problem);

  const PodMembers settings_;
  const std::string source_;  // MembersKey
  Hub* const hub_;
  UpdateSink* const sink_;
  std::unique_ptr<Hub::Session> session_;
};

// Is there any cluster to find these pods in? An error says what to write
// instead. A kubeconfig file that is named counts, there or not.
Result<void> CheckCluster(const PodMembers& settings,
                          const ClusterPlaces& places);

}  // namespace ta::kubernetes
