#include "discovery/static.h"

#include <utility>

namespace ta {

StaticDiscoverer::StaticDiscoverer(std::string key, StaticDiscovery settings,
                                   UpdateSink* sink)
    : key_(std::move(key)), settings_(std::move(settings)), sink_(sink) {}

void StaticDiscoverer::Start() {
  DiscoveryUpdate update;
  update.discoverer = key_;
  update.groups = std::move(settings_.groups);
  update.synced = true;
  sink_->Discovered(std::move(update));
}

}  // namespace ta
