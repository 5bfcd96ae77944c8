// The HTTP/1.1 server: listeners, threads, deadlines, limits. What is answered
// is router.h's; here is only waiting and writing.
//
// One thread for each core that is allowed, each with an event loop and
// connections of its own, so that nothing on the way from request to answer is
// shared but the snapshot, the cache of bodies and the counters. A collector
// keeps one connection for each job and asks every 30 s: nearly all connections
// are idle, and an idle one owns no buffer.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "allocator/service_stats.h"
#include "allocator/snapshot.h"
#include "allocator/updates.h"
#include "api/router.h"
#include "api/server_tls.h"
#include "api/stats.h"

namespace prometheus {
class Collectable;
struct MetricFamily;
}  // namespace prometheus

namespace ta {

// The additional server over mutual TLS: another port, the same answers, but
// for secrets, which only this one tells.
struct HttpsOptions {
  std::string listen_addr = ":8443";
  std::shared_ptr<const ServerTls> tls;  // never null; Server::UseTls replaces
  // A client may ask for the targets of those only whom its certificate names
  // (TlsSession::ClientNames).
  bool client_identity = false;
};

struct ServerOptions {
  // "host:port", ":port" or "[v6]:port". Without a host all addresses of both
  // families, of IPv4 alone where IPv6 is off. Port 0 takes a free one.
  std::string listen_addr = ":8080";
  std::optional<HttpsOptions> https;
  int threads = 0;       // 0: AllowedCores()
  RouterOptions router;  // without `metrics`, the server gives its own

  // Above this many connections, on both ports together, a new one is answered
  // 503 and closed, or closed where it would have to be TLS. 0: the
  // limit of open files, less 256 for everything else, at most 200,000.
  std::size_t max_connections = 0;
  // Limits of a request. Names of jobs and collectors are in its first line.
  std::uint32_t header_bytes = 16 * 1024;
  std::uint32_t body_bytes =
      64 * 1024;  // only POST /-/reload has any use for one

  // Deadlines; a connection that misses one is closed. Kept to within one tick.
  // Of TLS: from being accepted to the end of the handshake.
  std::chrono::milliseconds handshake_timeout{std::chrono::seconds(10)};
  std::chrono::milliseconds header_timeout{std::chrono::seconds(10)};
  std::chrono::milliseconds body_timeout{std::chrono::seconds(10)};
  // For an answer, and one second more for each 64 kB of it.
  std::chrono::milliseconds write_timeout{std::chrono::seconds(30)};
  // Longer than the five minutes for which Go's clients keep theirs: whoever
  // closes first must be the client, or a request meets a closed connection.
  std::chrono::milliseconds idle_timeout{std::chrono::seconds(330)};
  std::chrono::milliseconds reload_timeout{std::chrono::seconds(60)};
  std::chrono::milliseconds hold_time = kHoldTime;
  // How long a scraper waits for room among the bodies on their way, before it
  // is answered 503: well below the usual refresh interval of 30 s, which is
  // its own deadline, too.
  std::chrono::milliseconds room_time{std::chrono::seconds(5)};
  // How long Stop waits for answers that are being written.
  std::chrono::milliseconds stop_timeout{std::chrono::seconds(5)};
  std::chrono::milliseconds tick{1000};

  // Metrics beside those of snapshot, server and process: of the service, and
  // whatever else there is. Read on the server's threads.
  const ServiceStats* service = nullptr;  // must outlive the server
  std::vector<std::shared_ptr<const prometheus::Collectable>> more_metrics;

  const Clock* clock = nullptr;  // for Poll::at; null: the real one
};

// Called on the server's threads, several at once; must not block.
struct ServerCallbacks {
  // After an answer was written in full, or was cut; at once for a request that
  // is held. Poll says which counts.
  std::function<void(Poll)> on_poll;
  // Reads the configuration again and replies, once, from any thread, also
  // after the server is gone. Without it POST /-/reload is 503.
  using ReloadReply = std::function<void(Result<void>)>;
  std::function<void(ReloadReply)> on_reload;
};

// Start and Stop are for one thread; the rest is thread-safe.
class Server {
 public:
  // `snapshots` must outlive the server, which is its listener from Start to
  // Stop. No I/O yet.
  Server(ServerOptions options, SnapshotHolder& snapshots,
         ServerCallbacks callbacks = {});
  // Stops, if that was not done.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens and starts the threads. Raises the limit of open files. The error
  // says what could not be bound. REQUIRES: called once.
  Result<void> Start();
  // The port that is listened on. REQUIRES: Start succeeded
  std::uint16_t port() const;
  // That of HTTPS; 0 without it.
  std::uint16_t https_port() const;
  // What new TLS connections begin with from now on; those that are open go on
  // as they are. An error only shows in the metrics. Any thread.
  // REQUIRES: ServerOptions::https
  void UseTls(Result<std::shared_ptr<const ServerTls>> tls);
  // Stops listening, closes idle connections, finishes what is being answered,
  // and returns when all threads have ended: at the latest stop_timeout and a
  // tick later. Idempotent.
  void Stop();

  const ServerStats& stats() const;
  // What /metrics shows, at this time. Any thread; costs what a scrape does.
  std::vector<prometheus::MetricFamily> Metrics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ta
