// What a kubernetes_sd_configs entry asks for, in the words of this folder.

#pragma once

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "discovery/kubernetes/cluster.h"
#include "discovery/kubernetes/role.h"

namespace ta::kubernetes {

// Which API server, as whom: `kubeconfig_file`, `api_server`, or the cluster
// that the allocator itself uses. As in Prometheus, what is written for
// `api_server` is all there is: no token of our own pod, and a proxy of the
// environment only if asked for. Two fields make no difference: API servers
// don't redirect, and we speak HTTP/1.1. An error (kReject) names what we can't
// do (oauth2, files of http_headers, references to a secret manager).
Result<ClusterSource> ClusterSourceOf(const KubernetesDiscovery& settings);

RoleConfig RoleConfigOf(const KubernetesDiscovery& settings);

}  // namespace ta::kubernetes
