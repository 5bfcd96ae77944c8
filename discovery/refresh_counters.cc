#include "discovery/refresh_counters.h"

#include <algorithm>

namespace ta {
namespace {

constexpr Duration kRecentTime = std::chrono::minutes(10);

}  // namespace

void RefreshCounters::Series::Count(double seconds, bool failed,
                                    TimePoint now) {
  const std::lock_guard lock(all_->mutex_);
  failures_ += failed ? 1 : 0;
  ++count_;
  seconds_ += seconds;
  recent_.emplace_back(now, seconds);
  if (recent_.size() > kRecent) recent_.pop_front();
  Histogram& histogram = all_->durations_[mechanism_];
  const auto bound = std::ranges::lower_bound(kBounds, seconds);
  ++histogram.counts[static_cast<std::size_t>(bound - kBounds.begin())];
  histogram.seconds += seconds;
}

std::shared_ptr<RefreshCounters::Series> RefreshCounters::SeriesOf(
    const std::string& mechanism, const std::string& config) {
  const std::lock_guard lock(mutex_);
  std::erase_if(series_,
                [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Series>& known = series_[{mechanism, config}];
  if (auto series = known.lock()) return series;
  const std::shared_ptr<Series> series(new Series(this, mechanism));
  known = series;
  return series;
}

void RefreshCounters::CountHttpFailure() {
  const std::lock_guard lock(mutex_);
  ++http_failures_;
}

void RefreshCounters::CountDnsLookup(bool failed) {
  const std::lock_guard lock(mutex_);
  ++dns_lookups_;
  dns_lookup_failures_ += failed ? 1 : 0;
}

RefreshCounters::Values RefreshCounters::values(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  Values values{
      {}, durations_, http_failures_, dns_lookups_, dns_lookup_failures_};
  for (const auto& [name, known] : series_) {
    const auto series = known.lock();
    if (series == nullptr) continue;
    SeriesValues& all =
        values.series.emplace_back(SeriesValues{name.first,
                                                name.second,
                                                series->failures_,
                                                series->count_,
                                                series->seconds_,
                                                {}});
    for (const auto& [at, seconds] : series->recent_) {
      if (now - at <= kRecentTime) all.recent_seconds.push_back(seconds);
    }
  }
  return values;
}

}  // namespace ta
