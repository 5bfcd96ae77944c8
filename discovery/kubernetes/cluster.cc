#include "discovery/kubernetes/cluster.h"

namespace ta::kubernetes {

Result<ClientSettings> SettingsOf(const ClusterSource& source,
                                  const ClusterPlaces& places) {
  switch (source.kind) {
    case ClusterSource::Kind::kFound:
      return FindCluster(source.kubeconfig, places);
    case ClusterSource::Kind::kKubeconfig:
      return ReadKubeconfig(source.kubeconfig);
    case ClusterSource::Kind::kSettings:
      break;
  }
  return source.settings;
}

}  // namespace ta::kubernetes
