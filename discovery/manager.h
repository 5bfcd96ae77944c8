// Runs what the configuration asks for: one discoverer for each distinct
// discovery configuration, however many jobs use it, and the source of members.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/dns_client.h"
#include "discovery/file.h"
#include "discovery/file_watch.h"
#include "discovery/io_thread.h"
#include "discovery/kubernetes/hub.h"
#include "discovery/refresh_counters.h"
#include "discovery/running.h"

namespace ta {

// What a discoverer is made with; all of it outlives the discoverer.
struct DiscovererContext {
  UpdateSink* sink = nullptr;
  FileWatch* watch = nullptr;
  FileDiscoveryCounters* file_counters = nullptr;
  kubernetes::Hub* hub = nullptr;
  // Of what is polled.
  IoThread* io = nullptr;
  RefreshCounters* refresh_counters = nullptr;
  DnsClient* dns = nullptr;  // on the loop of `io`
  // The first job that asks for the discoverer, for metrics.
  std::string job;
};

// Makes a discoverer; null if its mechanism is not implemented.
using DiscovererFactory = std::function<std::unique_ptr<Discoverer>(
    const DiscoveryConfig&, const DiscovererContext&)>;

// The implemented mechanisms; a new one is a line in the table in manager.cc.
std::unique_ptr<Discoverer> MakeDiscoverer(const DiscoveryConfig& config,
                                           const DiscovererContext& context);

// Names of the implemented mechanisms, sorted.
std::vector<std::string> ImplementedMechanisms();

// Thread-safe. Apply and Retain wait for no discoverer: one that is needed no
// more is heard no more at once, and stopped on a thread of its own.
class DiscoveryManager {
 public:
  // `sink` outlives this. A test passes its own `factory` and options.
  explicit DiscoveryManager(UpdateSink* sink,
                            FileWatch::Options watch_options = {},
                            DiscovererFactory factory = MakeDiscoverer,
                            kubernetes::HubOptions hub_options = {});
  ~DiscoveryManager();  // stops

  // Makes `config` the current one: starts what is new in it, stops what
  // neither it nor the allocator needs. A discoverer that runs already is left
  // alone. A new source of members starts beside the old one, which stops when
  // the new one has sent its first complete list: until then the allocator
  // keeps the old members. Where nothing is sent (polling) it stops at once.
  void Apply(const Config& config);

  // The keys that the allocator feeds jobs from: these go on running though the
  // current configuration has them no more. A key that was started since the
  // last call counts as in use until the next.
  void Retain(std::set<std::string> keys_in_use);

  // Stops everything, and waits for it; nothing is sent afterwards. Idempotent.
  void Stop();

  // Keys that run now, sorted.
  std::vector<std::string> Running() const;

  // Shared with the configuration's watcher.
  FileWatch& watch() { return watch_; }
  FileDiscoveryCounters& file_counters() { return file_counters_; }
  const kubernetes::Hub& hub() const { return hub_; }
  RefreshCounters& refresh_counters() { return refresh_counters_; }
  FileDiscoveryCounters::Values file_values() const {
    return file_counters_.values();
  }

 private:
  void StopUnneeded();
  void ChangeMembersSource(const MembersConfig& config);
  void KeepOldMembers(std::unique_ptr<RunningDiscoverer> old);

  UpdateSink* const sink_;
  FileWatch watch_;
  FileDiscoveryCounters file_counters_;
  kubernetes::Hub hub_;
  IoThread io_;
  DnsClient dns_;  // on the loop of io_
  RefreshCounters refresh_counters_;
  const DiscovererFactory factory_;
  Retirement retirement_;  // uses all of the above

  // The source of members that is to run until members_ has answered. Guarded
  // by a mutex of its own, as the answer may come while mutex_ is held.
  std::mutex old_members_mutex_;
  std::unique_ptr<RunningDiscoverer> old_members_;

  mutable std::mutex mutex_;  // guards what follows
  bool stopped_ = false;
  std::uint64_t instances_ = 0;    // started
  std::set<std::string> current_;  // keys of the current configuration
  std::set<std::string> in_use_;   // by the allocator
  std::map<std::string, std::unique_ptr<RunningDiscoverer>> running_;
  std::string members_key_;
  std::unique_ptr<RunningDiscoverer> members_;
};

}  // namespace ta
