// Sends our metrics to OTLP receivers, each reader of the configuration at its
// own interval. What a receiver does, or doesn't, holds up nobody: all of it is
// on one thread of its own, and no more than one push of a reader is under way.
//
// A push that fails is made again, sooner than its interval, with what the
// metrics are by then. Deltas are from the last push that was taken, so that a
// receiver that is down for a while misses nothing; one that took a push and
// could not say so counts that part twice.

#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/metrics.h"
#include "allocator/config/telemetry_config.h"
#include "discovery/io_thread.h"
#include "discovery/refresh.h"

namespace ta {

// How each reader is doing, for the metrics page. Thread-safe.
class TelemetryMetrics final : public prometheus::Collectable {
 public:
  struct Reader {
    int index = 0;  // in the configuration
    Counter pushes{0};
    Counter failures{0};  // of these: not taken
    Counter rejected_points{0};
    std::atomic<bool> has_problem = false;
  };

  explicit TelemetryMetrics(const TelemetryConfig& config);

  std::vector<prometheus::MetricFamily> Collect() const override;

  // Those of TelemetryConfig::readers, in their order.
  const std::vector<std::shared_ptr<Reader>>& readers() const {
    return readers_;
  }

 private:
  std::vector<std::shared_ptr<Reader>> readers_;
};

// Starts with the first push one interval away. All but the constructor and
// Stop is on its own thread.
class Telemetry {
 public:
  // All metrics as /metrics has them at this time. Called on our thread.
  using Gather = std::function<std::vector<prometheus::MetricFamily>()>;

  struct Options {
    std::string version;
    std::string host_name;  // the resource's service.instance.id
    // What all pushes may take once Stop was called: a part of the 30 s that
    // Kubernetes gives a process to end.
    Duration last_push = std::chrono::seconds(5);
    RefreshTime time = RefreshTime::Real();
  };

  // What `gather` uses lives until Stop has returned. No readers: does nothing.
  Telemetry(const TelemetryConfig& config, Options options, Gather gather,
            const TelemetryMetrics& metrics);
  ~Telemetry();  // stops

  // Pushes once more, to all receivers at the same time, and ends, at the
  // latest after `last_push`, whatever is under way. Idempotent.
  void Stop();

 private:
  class Reader;

  IoThread io_{"telemetry"};
  std::vector<std::shared_ptr<Reader>> readers_;
};

// service.name, service.instance.id, service.version and telemetry.sdk.*, where
// the environment says nothing else of them, and what it says besides.
ResourceAttributes ResourceOfProcess(const ResourceAttributes& environment,
                                     std::string_view version,
                                     std::string_view host_name);

}  // namespace ta
