// What the running service counts beside what is in the snapshot, which has no
// clock. Written by the service, read by the metrics page.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "allocator/base/clock.h"
#include "allocator/base/metrics.h"
#include "allocator/base/stage_stats.h"
#include "allocator/stage_timer.h"

namespace ta {

// An event is an update of a discoverer or of the members, or a configuration;
// polls are none. Thread-safe.
struct ServiceStats {
  AtomicHistogram apply_targets;  // an Apply that had group updates
  AtomicHistogram apply_members;  // an Apply that had only other changes
  std::array<StageStats, kStages> stages;  // by Stage
  StageHistogram event_wait;    // of each event, from being queued to served
  Counter coalesced_events{0};  // that were applied with an earlier one
  // Events that are not served yet, be they queued or being applied, and when
  // the oldest of them was queued; max() if there are none.
  std::atomic<std::uint64_t> waiting_events{0};
  std::atomic<TimePoint> waiting_since{TimePoint::max()};
  Counter config_events{0};  // the configuration changed or was asked for
  // What was queued. Not of the snapshot: polls alone make none.
  Counter polls{0};
  Counter group_updates{0};
  Counter member_updates{0};
  Counter delayed_updates{0};  // discovery's, that waited to be coalesced
  JobUpdates job_updates;

  // For how long the oldest event has been waiting; 0 if none is.
  double QueueAgeSeconds(TimePoint now) const {
    const TimePoint since = waiting_since.load(std::memory_order_relaxed);
    if (since >= now) return 0;
    return std::chrono::duration<double>(now - since).count();
  }
};

}  // namespace ta
