// What all threads of the server share; inside api/ only. Immutable but for
// what is thread-safe inside.

#pragma once

#include <string>

#include "api/server.h"

namespace ta {

struct ServerShared {
  ServerShared(ServerOptions given, SnapshotHolder& holder,
               ServerCallbacks calls);

  // The text of /metrics.
  std::string Metrics() const;
  const Clock& clock() const {
    return options.clock != nullptr ? *options.clock : steady_clock;
  }

  const ServerOptions options;
  const ServerCallbacks callbacks;
  SnapshotHolder& snapshots;
  ServerStats stats;
  Router router;
  SteadyClock steady_clock;
};

}  // namespace ta
