// What the server counts about itself; metrics.h reads it at scrape time.

#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "api/router.h"

namespace ta {

// Fixed buckets of atomics: recording takes three relaxed additions and no
// lock. A reader may see a sum without its count; a scrape does not mind.
// Thread-safe.
class AtomicHistogram {
 public:
  // In seconds. The Go allocator has OpenTelemetry's default of 5 s and up
  // here, which tells nothing about answers of microseconds.
  static constexpr std::array<double, 12> kBounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
      0.01,   0.025,   0.05,   0.1,   0.5,    1};

  void Record(std::chrono::nanoseconds duration);

  std::uint64_t count(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  double sum_seconds() const {
    return static_cast<double>(sum_.load(std::memory_order_relaxed)) * 1e-9;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};  // nanoseconds
};

struct ServerStats {
  // From the last byte of the request to the last byte of the answer; without
  // the time for which a request was held.
  std::array<AtomicHistogram, kRoutes> http_duration;
  // Answers by the first digit of their status.
  std::array<std::atomic<std::uint64_t>, 6> answers{};
  std::atomic<std::uint64_t> bytes_sent{0};  // bodies
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};  // over the connection cap
  std::atomic<std::uint64_t> accept_failures{0};
  std::atomic<std::uint64_t> timeouts{0};      // closed at a deadline, not idle
  std::atomic<std::uint64_t> bad_requests{0};  // not HTTP, or over a limit
  std::atomic<std::int64_t> connections{0};
  std::atomic<std::int64_t> held{0};  // waiting to become a member
};

}  // namespace ta
