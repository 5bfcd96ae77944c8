#include "api/stats.h"

#include <algorithm>

namespace ta {

void AtomicHistogram::Record(std::chrono::nanoseconds duration) {
  const auto nanoseconds = std::max<std::int64_t>(duration.count(), 0);
  const double seconds = static_cast<double>(nanoseconds) * 1e-9;
  const auto bucket = static_cast<std::size_t>(
      std::lower_bound(kBounds.begin(), kBounds.end(), seconds) -
      kBounds.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(static_cast<std::uint64_t>(nanoseconds),
                 std::memory_order_relaxed);
}

}  // namespace ta
