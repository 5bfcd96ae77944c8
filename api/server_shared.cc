#include "api/server_shared.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/metrics.h"

namespace ta {
namespace {

RouterOptions WithMetrics(RouterOptions options, const ServerShared* shared) {
  if (!options.metrics) {
    options.metrics = [shared] { return shared->Metrics(); };
  }
  return options;
}

}  // namespace

ServerShared::ServerShared(ServerOptions given, SnapshotHolder& holder,
                           ServerCallbacks calls)
    : options(std::move(given)),
      callbacks(std::move(calls)),
      snapshots(holder),
      router(WithMetrics(options.router, this)) {}

std::string ServerShared::Metrics() const {
  std::vector<std::shared_ptr<const prometheus::Collectable>> sources = {
      std::make_shared<SnapshotMetrics>(snapshots),
      std::make_shared<ServerMetrics>(stats, router.cache(), router.budget()),
      std::make_shared<ProcessMetrics>(options.router.version)};
  if (options.service != nullptr) {
    sources.push_back(
        std::make_shared<ServiceMetrics>(*options.service, snapshots));
  }
  sources.insert(sources.end(), options.more_metrics.begin(),
                 options.more_metrics.end());
  return MetricsText(sources);
}

}  // namespace ta
