// What polled discoverers did, for metrics, under Prometheus's names. Source:
// discovery/metrics_refresh.go and the mechanisms' own metrics.go, v0.314.0.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/base/stage_stats.h"

namespace ta {

// Thread-safe.
class RefreshCounters {
 public:
  // Upper bounds of prometheus_sd_refresh_duration_histogram_seconds.
  static constexpr std::array kBounds = {0.01, 0.1, 1.0, 10.0};
  // Durations that are remembered for quantiles: of the last ten minutes.
  static constexpr std::size_t kRecent = 1000;

  // Of the discoverers of one mechanism under one name. Numbers stay while any
  // of them runs.
  class Series {
   public:
    // One asking took `seconds`, and ended `now`.
    void Count(double seconds, bool failed, TimePoint now);

   private:
    friend class RefreshCounters;
    explicit Series(RefreshCounters* all, std::string mechanism)
        : all_(all), mechanism_(std::move(mechanism)) {}

    RefreshCounters* const all_;
    const std::string mechanism_;
    // Guarded by all_->mutex_.
    std::uint64_t failures_ = 0;
    std::uint64_t count_ = 0;
    double seconds_ = 0;
    std::deque<std::pair<TimePoint, double>> recent_;
  };

  // The series of `mechanism` under `config`: as in Prometheus the job that
  // asked for the discoverer first. The series must not outlive this.
  std::shared_ptr<Series> SeriesOf(const std::string& mechanism,
                                   const std::string& config);

  // Of answers that were turned into groups. Items: groups that differed.
  StageStats& http_answers() { return http_answers_; }
  const StageStats& http_answers() const { return http_answers_; }
  StageStats& dns_answers() { return dns_answers_; }
  const StageStats& dns_answers() const { return dns_answers_; }

  void CountHttpFailure();
  void CountDnsLookup(bool failed);  // of one name, all that was asked for it

  struct SeriesValues {
    std::string mechanism;
    std::string config;
    std::uint64_t failures = 0;
    std::uint64_t count = 0;
    double seconds = 0;  // in sum
    std::vector<double> recent_seconds;
  };
  struct Histogram {  // of one mechanism
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    double seconds = 0;  // in sum
  };
  struct Values {
    std::vector<SeriesValues> series;  // of running discoverers
    std::map<std::string, Histogram> durations;
    std::uint64_t http_failures = 0;
    std::uint64_t dns_lookups = 0;
    std::uint64_t dns_lookup_failures = 0;
  };
  // What was seen `now`.
  Values values(TimePoint now = std::chrono::steady_clock::now()) const;

 private:
  StageStats http_answers_;
  StageStats dns_answers_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::pair<std::string, std::string>, std::weak_ptr<Series>> series_;
  std::map<std::string, Histogram> durations_;
  std::uint64_t http_failures_ = 0;
  std::uint64_t dns_lookups_ = 0;
  std::uint64_t dns_lookup_failures_ = 0;
};

}  // namespace ta
