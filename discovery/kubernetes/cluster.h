// Which API server somebody means, as a value that can be kept, and looked up
// again until it leads somewhere. A kubeconfig file that was good is read once;
// the files of tokens, CA and certificates that it names are read again.

#pragma once

#include <string>

#include "allocator/base/result.h"
#include "discovery/kubernetes/client_settings.h"
#include "discovery/kubernetes/kubeconfig.h"

namespace ta::kubernetes {

// Holds secrets in `settings`: never print it. Value type.
struct ClusterSource {
  enum class Kind {
    // What FindCluster finds: `kubeconfig` if it is named and there, else
    // ~/.kube/config if it is there, else the cluster we run in.
    kFound,
    kKubeconfig,  // the file `kubeconfig`, and nothing else
    kSettings,    // `settings`
  };
  Kind kind = Kind::kFound;
  std::string kubeconfig = {};
  ClientSettings settings = {};

  bool operator==(const ClusterSource&) const = default;
};

// Reads the files that it takes, but for those that rotate (client.h). An error
// may pass: a file may come, or be mended.
Result<ClientSettings> SettingsOf(const ClusterSource& source,
                                  const ClusterPlaces& places);

}  // namespace ta::kubernetes
