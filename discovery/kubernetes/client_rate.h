// A token bucket: how long the next request has to wait. Pure.

#pragma once

#include <algorithm>
#include <chrono>

#include "allocator/base/clock.h"

namespace ta::kubernetes {

// Confined to its owner.
class RateLimit {
 public:
  // `burst` at once, and `per_second` in the long run. Both above 0.
  RateLimit(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Takes one; returns how long to wait before using it, 0 or more. Whoever
  // takes waits: who comes later waits longer. `now` never goes back.
  Duration Take(TimePoint now) {
    const std::chrono::duration<double> passed = now - last_;
    if (last_ != TimePoint()) {
      tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    }
    last_ = now;
    tokens_ -= 1;
    if (tokens_ >= 0) return Duration::zero();
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(-tokens_ / per_second_));
  }

 private:
  const double per_second_;
  const double burst_;
  double tokens_;
  TimePoint last_{};
};

}  // namespace ta::kubernetes
