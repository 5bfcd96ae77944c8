// What is known of one API server as one identity: the watches that run there,
// shared by everybody who looks at it.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "discovery/kubernetes/client_settings.h"
#include "discovery/kubernetes/deferred.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/watch_pool.h"

namespace ta::kubernetes {

// One watch as it is now, for metrics and status pages.
struct WatchStatus {
  std::string server;  // host and port; with "#2" and so on where several
                       // identities look at one server
  Scope scope;
  bool synced = false;
  std::size_t objects = 0;
  // Since the server was last heard: a page, an event, a bookmark (those come
  // once a minute). None: never.
  std::optional<Duration> age;
  std::string problem;  // "" if it does well
  std::uint64_t lists = 0;
  std::uint64_t watches = 0;
  std::uint64_t events = 0;
  std::uint64_t failures = 0;
  std::uint64_t bad_objects = 0;  // all that were ever left out
  std::size_t bad_now = 0;
};

// What happened on all connections since the start, those that are closed
// included; never goes back.
struct WatchTotals {
  enum Event { kAdd, kUpdate, kDelete };
  // Objects that really changed, by resource and Event.
  std::array<std::array<std::uint64_t, 3>, kResourceCount> changes{};
  std::uint64_t failures = 0;  // requests that failed, and watches
};

// Confined to the hub's thread.
class Connection {
 public:
  Connection(ClientSettings settings, std::string server, StartFiller start,
             Deferred::Defer defer)
      : settings_(std::move(settings)),
        server_(std::move(server)),
        defer_(std::move(defer)),
        pool_(std::move(start)) {}

  // The watches; they are held no longer than the connection.
  WatchPool& pool() { return pool_; }
  // The namespace of the kubeconfig's context, or of our own pod; "" if it
  // names none.
  const std::string& ns() const { return settings_.ns; }
  const Deferred::Defer& defer() const { return defer_; }

  const ClientSettings& settings() const { return settings_; }
  const std::string& server() const { return server_; }
  std::vector<WatchStatus> Watches(TimePoint now) const;

 private:
  const ClientSettings settings_;
  const std::string server_;
  const Deferred::Defer defer_;
  WatchPool pool_;
};

}  // namespace ta::kubernetes
