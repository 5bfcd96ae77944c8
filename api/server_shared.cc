#include "api/server_shared.h"

#include <chrono>
#include <memory>
#include <utility>

namespace ta {
namespace {

RouterOptions WithRest(RouterOptions options, const ServerShared* shared) {
  if (!options.metrics) {
    options.metrics = [shared] { return MetricsText(shared->Sources()); };
  }
  if (!options.now) {
    options.now = [shared] { return shared->clock().Now(); };
  }
  return options;
}

}  // namespace

ServerShared::ServerShared(ServerOptions given, SnapshotHolder& holder,
                           ServerCallbacks calls)
    : options(std::move(given)),
      callbacks(std::move(calls)),
      snapshots(holder),
      router(WithRest(options.router, this)) {
  if (!options.https) return;
  stats.tls.enabled = true;
  UseTls(options.https->tls);
}

void ServerShared::UseTls(Result<std::shared_ptr<const ServerTls>> fresh) {
  stats.tls.files_good = fresh.has_value();
  if (!fresh) return;
  stats.tls.certificate_expires = (*fresh)->certificate_expires();
  stats.tls.ca_expires = (*fresh)->ca_expires();
  stats.tls.loaded_unix_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count();
  tls.Set(*std::move(fresh));
}

MetricSources ServerShared::Sources() const {
  MetricSources sources = {
      std::make_shared<SnapshotMetrics>(snapshots),
      std::make_shared<ServerMetrics>(stats, router),
      std::make_shared<TlsMetrics>(stats.tls),
      std::make_shared<ProcessMetrics>(options.router.version)};
  if (options.service != nullptr) {
    sources.push_back(
        std::make_shared<ServiceMetrics>(*options.service, snapshots));
  }
  sources.insert(sources.end(), options.more_metrics.begin(),
                 options.more_metrics.end());
  return sources;
}

}  // namespace ta
