// How long each of many numbered requests took, and percentiles of any run of
// them. Exact: four bytes a request, 16 MB for two minutes at 33,000 a second.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace ta::bench {

// Confined to one thread.
class Latencies {
 public:
  explicit Latencies(std::size_t requests) : microseconds_(requests, kNone) {}

  // REQUIRES: number < the number of requests
  void Set(std::size_t number, std::chrono::nanoseconds duration) {
    microseconds_[number] = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(duration.count() / 1000, 0, kNone - 1));
  }

  // Of the requests in [from, to) those that have one, ascending, in
  // milliseconds.
  std::vector<double> Sorted(std::size_t from, std::size_t to) const {
    std::vector<double> known;
    for (std::size_t i = from; i < std::min(to, microseconds_.size()); ++i) {
      if (microseconds_[i] != kNone) known.push_back(microseconds_[i] / 1e3);
    }
    std::ranges::sort(known);
    return known;
  }

 private:
  static constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> microseconds_;
};

// The value that `share` of `sorted` are below; of an empty list 0.
inline double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at =
      static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace ta::bench
