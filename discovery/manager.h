// Runs what the configuration asks for: one discoverer for each distinct
// discovery configuration, however many jobs use it, and the source of members.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/file.h"
#include "discovery/file_watch.h"

namespace ta {

// What a discoverer is made with; all of it outlives the discoverer.
struct DiscovererContext {
  UpdateSink* sink = nullptr;
  FileWatch* watch = nullptr;
  FileDiscoveryCounters* file_counters = nullptr;
};

// Makes a discoverer; null if its mechanism is not implemented.
using DiscovererFactory = std::function<std::unique_ptr<Discoverer>(
    const DiscoveryConfig&, const DiscovererContext&)>;

// The implemented mechanisms; a new one is a line in the table in manager.cc.
std::unique_ptr<Discoverer> MakeDiscoverer(const DiscoveryConfig& config,
                                           const DiscovererContext& context);

// Names of the implemented mechanisms, sorted.
std::vector<std::string> ImplementedMechanisms();

// Thread-safe.
class DiscoveryManager {
 public:
  // `sink` outlives this. A test passes its own `factory` and options.
  explicit DiscoveryManager(UpdateSink* sink,
                            FileWatch::Options watch_options = {},
                            DiscovererFactory factory = MakeDiscoverer);
  ~DiscoveryManager();  // stops

  // Makes `config` the current one: starts what is new in it, stops what
  // neither it nor the allocator needs. A discoverer that runs already is left
  // alone. A new source of members starts beside the old one, which stops at
  // the next call: the allocator keeps the old members until the new source has
  // answered.
  void Apply(const Config& config);

  // The keys that the allocator feeds jobs from: these go on running though the
  // current configuration has them no more. A key that was started since the
  // last call counts as in use until the next.
  void Retain(std::set<std::string> keys_in_use);

  // Stops everything; nothing is sent afterwards. Idempotent.
  void Stop();

  // Keys that run now, sorted.
  std::vector<std::string> Running() const;

  // Shared with the configuration's watcher.
  FileWatch& watch() { return watch_; }
  FileDiscoveryCounters::Values file_values() const {
    return file_counters_.values();
  }

 private:
  void StopUnneeded();

  UpdateSink* const sink_;
  FileWatch watch_;
  FileDiscoveryCounters file_counters_;
  const DiscovererFactory factory_;

  mutable std::mutex mutex_;  // guards what follows
  bool stopped_ = false;
  std::set<std::string> current_;  // keys of the current configuration
  std::set<std::string> in_use_;   // by the allocator
  std::map<std::string, std::unique_ptr<Discoverer>> running_;
  std::string members_key_;
  std::unique_ptr<Discoverer> members_;
  std::unique_ptr<Discoverer> old_members_;
};

}  // namespace ta
