// What all threads of the server share; inside api/ only. Immutable but for
// what is thread-safe inside.

#pragma once

#include <memory>
#include <mutex>

#include "api/metrics.h"
#include "api/server.h"
#include "api/server_tls.h"

namespace ta {

// Which of the two ports a connection came to.
enum class Transport : std::uint8_t { kPlain, kTls };

// The certificates in use. Thread-safe: a mutex that is held to copy a pointer,
// once for each handshake.
class ServerTlsHolder {
 public:
  std::shared_ptr<const ServerTls> Get() const {
    const std::lock_guard lock(mutex_);
    return tls_;
  }
  void Set(std::shared_ptr<const ServerTls> tls) {
    const std::lock_guard lock(mutex_);
    tls_.swap(tls);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ServerTls> tls_;  // guarded by mutex_
};

struct ServerShared {
  ServerShared(ServerOptions given, SnapshotHolder& holder,
               ServerCallbacks calls);

  // Takes up new certificates, or counts that those of now are not good.
  void UseTls(Result<std::shared_ptr<const ServerTls>> tls);
  // All that /metrics shows.
  MetricSources Sources() const;
  const Clock& clock() const {
    return options.clock != nullptr ? *options.clock : steady_clock;
  }

  const ServerOptions options;
  const ServerCallbacks callbacks;
  SnapshotHolder& snapshots;
  ServerStats stats;
  ServerTlsHolder tls;
  Router router;
  SteadyClock steady_clock;
};

}  // namespace ta
