// What every pod is told of the API server: environment variables, and the
// files of its service account. Source: client-go's rest.InClusterConfig.

#pragma once

#include <functional>
#include <string>

#include "allocator/base/result.h"
#include "discovery/kubernetes/client_settings.h"

namespace ta::kubernetes {

inline constexpr const char* kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// The value of an environment variable, or null.
using GetEnv = std::function<const char*(const char*)>;

// Reads the namespace only: token and CA are files that rotate, and the client
// reads them when it needs them. Outside a cluster the error (kReject) says
// which variables are missing.
Result<ClientSettings> InClusterSettings(
    const GetEnv& get_env, const std::string& folder = kServiceAccountFolder);

}  // namespace ta::kubernetes
