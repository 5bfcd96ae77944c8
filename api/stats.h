// What the server counts about itself; metrics.h reads it at scrape time.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "allocator/base/metrics.h"
#include "api/router.h"

namespace ta {

struct ServerStats {
  // From the last byte of the request to the last byte of the answer; without
  // the time for which a request was held.
  std::array<AtomicHistogram, kRoutes> http_duration;
  // Answers by the first digit of their status.
  std::array<Counter, 6> answers{};
  Counter bytes_sent{0};  // bodies
  Counter accepted{0};
  Counter refused{0};  // over the connection cap
  Counter accept_failures{0};
  Counter timeouts{0};      // closed at a deadline, not idle
  Counter bad_requests{0};  // not HTTP, or over a limit
  std::atomic<std::int64_t> connections{0};
  std::atomic<std::int64_t> held{0};  // waiting to become a member
};

}  // namespace ta
