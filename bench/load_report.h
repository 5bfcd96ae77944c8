// What a load at a constant rate saw: how many requests were answered, how long
// each took and what asking cost, as one line of JSON.
//
// A request that was never answered took for ever: a server that drops one in
// fifty has no p99, however fast the rest is. Only requests after the warm-up
// count, and what they cost; a connection that is closed while nothing is asked
// for costs nobody an answer and is counted apart.

#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "bench/answer_reader.h"
#include "bench/latencies.h"

namespace ta::bench {

// Requests are numbered from 0; number i is due i / rate seconds after the
// begin.
struct LoadPlan {
  std::uint64_t connections = 1;
  double rate = 100;  // requests a second, over all connections
  double warmup = 0;  // seconds before those that are measured
  double seconds = 1;

  // The number that is due after so many seconds of measuring.
  std::uint64_t NumberAfter(double measured) const {
    return static_cast<std::uint64_t>(std::llround(rate * (warmup + measured)));
  }
  std::uint64_t first() const { return NumberAfter(0); }  // that is measured
  std::uint64_t total() const { return NumberAfter(seconds); }
};

// Confined to one thread.
class LoadReport {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LoadReport(const LoadPlan& plan)
      : plan_(plan), latency_(plan.total()), late_(plan.total()) {}

  // The first measured request is about to be sent; the last answer has come.
  // What the process needs is counted from the one to the other.
  void Begin();
  void End();

  // Of a request that no other had held up: how long after its time.
  void Sent(std::uint64_t number, std::chrono::nanoseconds late) {
    late_.Set(number, late);
  }
  void Answered(std::uint64_t number, std::chrono::nanoseconds latency,
                const AnswerReader& answer);
  // Its connection broke before its answer was whole.
  void Lost(std::uint64_t number) { lost_ += number >= plan_.first(); }
  // A connection ended that awaited no answer.
  void ClosedIdle() { ++closed_idle_; }

  // Latencies in milliseconds, null where there is no answer within any time.
  // `broken` are those Lost, a part of `unanswered`; `failed` were answered
  // with another status than 200 or 304. `cpu_seconds` and `elapsed_seconds`
  // are from Begin to End.
  std::string Json() const;

 private:
  const LoadPlan plan_;
  Latencies latency_;
  Latencies late_;
  std::map<int, std::uint64_t> statuses_;
  std::uint64_t lost_ = 0;
  std::uint64_t closed_idle_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::size_t smallest_body_ = std::numeric_limits<std::size_t>::max();  // 200s
  std::size_t largest_body_ = 0;
  Clock::time_point begun_;
  double cpu_begun_ = 0;  // seconds
  double cpu_ = 0;
  double elapsed_ = 0;
};

}  // namespace ta::bench
