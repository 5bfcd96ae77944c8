// What a stage on the way from the world to an answer costs:
//
//   discovery -> relabel -> assign -> snapshot -> render

#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "allocator/base/metrics.h"

namespace ta {

// From 10 µs for a pod that changed to 10 s for millions of targets at once.
// 0.1 is a bound because it is what one change may take until it is served.
struct StageBounds {
  static constexpr std::array<double, 13> kSeconds = {
      0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01,
      0.03,    0.1,     0.3,    1,      3,     10};
};
using StageHistogram = BasicAtomicHistogram<StageBounds>;

// How often a stage ran, how long each time, and how many items it had in all:
// what an item is, is the stage's. Thread-safe.
struct StageStats {
  void Record(std::chrono::nanoseconds took, std::uint64_t had) {
    duration.Record(took);
    Add(items, had);
  }

  StageHistogram duration;
  Counter items{0};
};

// Times one run of a stage by the steady clock: from here to Ended. If that is
// never called, nothing ran.
class StageRun {
 public:
  // Null: nothing is measured.
  explicit StageRun(StageStats* stats) : stats_(stats) {
    if (stats_ != nullptr) begin_ = std::chrono::steady_clock::now();
  }
  void Ended(std::uint64_t items) {
    if (stats_ == nullptr) return;
    stats_->Record(std::chrono::steady_clock::now() - begin_, items);
  }

 private:
  StageStats* const stats_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace ta
