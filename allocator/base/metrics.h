// Counters that code outside the core keeps and that the metrics page reads at
// scrape time. Plain values with relaxed atomics, so that counting costs
// nothing and no module has to know how metrics are written.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace ta {

using Counter = std::atomic<std::uint64_t>;

// Counts one more, or `by` more. Any thread.
inline void Add(Counter& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

// A histogram of durations in fixed buckets: three relaxed additions and no
// lock. A reader may see a sum without its count; a scrape does not mind.
// Thread-safe.
template <typename Bounds>
class BasicAtomicHistogram {
 public:
  // Upper bounds in seconds.
  static constexpr auto kBounds = Bounds::kSeconds;

  void Record(std::chrono::nanoseconds duration) {
    const std::int64_t nanoseconds =
        std::max<std::int64_t>(duration.count(), 0);
    const double seconds = static_cast<double>(nanoseconds) * 1e-9;
    const auto bound =
        std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
    Add(counts_[static_cast<std::size_t>(bound - kBounds.begin())]);
    Add(sum_, static_cast<std::uint64_t>(nanoseconds));
  }

  // How many fell into bucket `i`, and into none of those before it; the last,
  // i == kBounds.size(), is for what is above all bounds.
  std::uint64_t count(std::size_t i) const {
    return counts_[i].load(std::memory_order_relaxed);
  }
  double sum_seconds() const {
    return static_cast<double>(sum_.load(std::memory_order_relaxed)) * 1e-9;
  }

 private:
  std::array<Counter, kBounds.size() + 1> counts_{};
  Counter sum_{0};  // nanoseconds
};

// From an answer out of the cache to a million targets assigned from scratch.
struct ServingBounds {
  static constexpr std::array<double, 14> kSeconds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
      0.025,  0.05,    0.1,    0.5,   1,      5,     10};
};
using AtomicHistogram = BasicAtomicHistogram<ServingBounds>;

// What discovery did to each job. Thread-safe: one short lock.
class JobUpdates {
 public:
  // Group updates for `jobs` were applied, together, in `duration`.
  void Record(const std::vector<std::string>& jobs,
              std::chrono::nanoseconds duration, double unix_seconds) {
    const std::lock_guard lock(mutex_);
    for (const std::string& job : jobs) {
      Entry& entry = entries_[job];
      entry.duration.Record(duration);
      entry.last_unix_seconds = unix_seconds;
    }
  }
  // Forgets all other jobs.
  void Keep(const std::set<std::string>& jobs) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) {
      return !jobs.contains(entry.first);
    });
  }
  // In order of the jobs' names. Must not call back.
  using Visitor = std::function<void(const std::string& job,
                                     const AtomicHistogram& duration,
                                     double last_unix_seconds)>;
  void ForEach(const Visitor& visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [job, entry] : entries_) {
      visit(job, entry.duration, entry.last_unix_seconds);
    }
  }

 private:
  struct Entry {
    AtomicHistogram duration;
    double last_unix_seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace ta
