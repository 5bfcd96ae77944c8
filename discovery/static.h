// Static discovery: the groups that the configuration itself lists, sent once.

#pragma once

#include <string>

#include "allocator/config/config.h"
#include "discovery/discoverer.h"

namespace ta {

// Sends all groups and is synced when Start returns.
class StaticDiscoverer final : public Discoverer {
 public:
  // `sink` outlives this.
  StaticDiscoverer(std::string key, StaticDiscovery settings, UpdateSink* sink);

  void Start() override;
  void Stop() override {}

 private:
  const std::string key_;
  StaticDiscovery settings_;
  UpdateSink* const sink_;
};

}  // namespace ta
