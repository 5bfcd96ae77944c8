// Time as the core sees it: a parameter, never a call. I/O code that must ask
// for the time takes a Clock, so that a test can hold it still.

#pragma once

#include <chrono>

namespace ta {

// Monotonic time; only differences mean anything. Nanoseconds.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// Where I/O code gets the time from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() const = 0;
};

// The real clock.
class SteadyClock final : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace ta
