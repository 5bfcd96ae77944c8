// Where all Kubernetes discovery of the process meets: one thread, on which
// every client, store and role lives without locks, and on it one connection
// for each distinct API server and identity. So 200 jobs with one role and
// scope, and the collectors' watch beside them, open one set of watches.
//
//   Session ─┐             ┌▶ Connection ─ WatchPool
//   Session ─┼▶ its thread ┤                 └▶ reflectors ─ lister
//   Session ─┘             └▶ Connection …
//
// A session is what a discoverer holds from its Start to its Stop. It looks up
// its cluster, retries until there is one (a kubeconfig may come later), and
// then has what its owner made, a User, live on the thread.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"
#include "allocator/base/stage_stats.h"
#include "discovery/kubernetes/cluster.h"
#include "discovery/kubernetes/connection.h"
#include "discovery/kubernetes/reflector.h"

namespace ta::kubernetes {

class ListerWatcher;

struct HubOptions {
  std::string version = "0";  // ours, for User-Agent
  ClusterPlaces places;       // its get_env left out: that of the process
  // Between attempts to find a cluster: doubles from the first to the second.
  Duration first_retry = std::chrono::seconds(1);
  Duration longest_retry = std::chrono::seconds(10);
  ReflectorOptions reflector = {.streaming_lists = true};
  // For tests: what lists and watches, instead of an ApiClient. Called on the
  // hub's thread.
  std::function<Result<std::unique_ptr<ListerWatcher>>(const ClientSettings&)>
      make_lister;
};

// Thread-safe. Outlives its sessions.
class Hub {
 public:
  // What somebody does with a connection, which outlives it. Made, called and
  // destroyed on the hub's thread; shared with nobody.
  using User = std::shared_ptr<void>;
  // Makes what is to live on the connection. Called on the hub's thread, once
  // there is a connection; an error is a problem like one of the connection,
  // and it is called again later, for all is looked up anew then.
  using MakeUser = std::function<Result<User>(Connection&)>;
  // Why there is no connection yet; each reason once, and "" when it is over.
  // On the hub's thread. The log has it, too.
  using OnProblem = std::function<void(const std::string& problem)>;

  // Closes when it is destroyed. Thread-safe.
  class Session {
   public:
    ~Session();
    // The user is destroyed, on its thread, when this returns, which is soon;
    // nothing is called any more. Idempotent. REQUIRES: not on the hub's thread
    void Close();

   private:
    friend class Hub;
    struct State;
    explicit Session(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
  };

  // Starts no thread.
  explicit Hub(HubOptions options = {});
  // Ends what is still under way; takes two seconds at the very most.
  // REQUIRES: all sessions are closed
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Begins to look for the cluster. Returns at once.
  std::unique_ptr<Session> Open(ClusterSource source, MakeUser make,
                                OnProblem on_problem);

  // All watches of all connections, by server and scope, and all that ever
  // happened. Waits for the thread's current step, a second at most: if that
  // takes longer, it is what was told the last time. Empty if nothing was ever
  // opened.
  struct Status {
    std::vector<WatchStatus> watches;
    WatchTotals totals;
    std::size_t connections = 0;
  };
  Status status() const;
  // Of reading what API servers send, and of building groups of it. Items:
  // groups built. Thread-safe.
  StageStats& stage();
  const StageStats& stage() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace ta::kubernetes
