// kubeconfig files: which cluster, as which user. Source: client-go's
// tools/clientcmd.
//
// Not supported, and said clearly: programs and plugins that fetch credentials
// (exec, auth-provider), and impersonation. KUBECONFIG is not looked at; a file
// is named, or ~/.kube/config.

#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "allocator/base/result.h"
#include "allocator/config/mistake.h"
#include "discovery/kubernetes/client_settings.h"
#include "discovery/kubernetes/in_cluster.h"

namespace ta::kubernetes {

// Reads the text (YAML or JSON) of a kubeconfig file. Paths in it are relative
// to `folder`. As in client-go, `…-data` wins over a file, and over plain http
// no credentials are sent. Only what the current context leads to is looked at;
// all its mistakes are returned, and none shows a secret.
std::expected<ClientSettings, Mistakes> ParseKubeconfig(
    std::string_view file, std::string_view text, const std::string& folder);

// Reads the file and what it says. An error has one line for each mistake.
Result<ClientSettings> ReadKubeconfig(const std::string& path);

// Where to look, for tests.
struct ClusterPlaces {
  GetEnv get_env;
  std::string service_account_folder = kServiceAccountFolder;
};

// The cluster to use: `kubeconfig` if it is named and there, else
// ~/.kube/config if it is there, else the cluster we run in. As the Go
// allocator does, a file that is named but isn't there means the cluster, too.
// An error has one line for each mistake.
Result<ClientSettings> FindCluster(const std::string& kubeconfig,
                                   const ClusterPlaces& places);

}  // namespace ta::kubernetes
