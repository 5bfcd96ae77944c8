#include "bench/load_report.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace ta::bench {
namespace {

// Of this process, in seconds.
double CpuTime() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// The percentile as a JSON number, or null.
std::string At(const std::vector<double>& sorted, double share) {
  const double value = Percentile(sorted, share);
  return std::isfinite(value) ? fmt::format("{:.3f}", value) : "null";
}

}  // namespace

void LoadReport::Begin() {
  begun_ = Clock::now();
  cpu_begun_ = CpuTime();
}

void LoadReport::End() {
  cpu_ = CpuTime() - cpu_begun_;
  elapsed_ = std::chrono::duration<double>(Clock::now() - begun_).count();
}

void LoadReport::Answered(std::uint64_t number,
                          std::chrono::nanoseconds latency,
                          const AnswerReader& answer) {
  if (number < plan_.first()) return;
  latency_.Set(number, latency);
  ++statuses_[answer.status()];
  body_bytes_ += answer.body_bytes();
  if (answer.status() == 200) {
    smallest_body_ = std::min(smallest_body_, answer.body_bytes());
    largest_body_ = std::max(largest_body_, answer.body_bytes());
  }
}

std::string LoadReport::Json() const {
  const std::uint64_t scheduled = plan_.total() - plan_.first();
  const auto latency = latency_.SortedOfAll(plan_.first(), plan_.total());
  const auto late = late_.Sorted(plan_.first(), plan_.total());
  std::string statuses;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  for (const auto& [status, count] : statuses_) {
    fmt::format_to(std::back_inserter(statuses), "{}\"{}\":{}",
                   statuses.empty() ? "" : ",", status, count);
    answered += count;
    if (status != 200 && status != 304) failed += count;
  }
  // By second in which they were scheduled.
  std::string p99_by_second;
  for (double second = 0; second < plan_.seconds; ++second) {
    const auto part = latency_.SortedOfAll(plan_.NumberAfter(second),
                                           plan_.NumberAfter(second + 1));
    p99_by_second.append(second == 0 ? "" : ",").append(At(part, 0.99));
  }
  return fmt::format(
      "{{\"connections\":{},\"rate\":{},\"seconds\":{},\"scheduled\":{},"
      "\"answered\":{},\"unanswered\":{},\"failed\":{},\"broken\":{},"
      "\"closed_idle\":{},\"statuses\":{{{}}},\"body_bytes\":{},"
      "\"smallest_body\":{},\"largest_body\":{},"
      "\"latency_ms\":{{\"p50\":{},\"p90\":{},\"p99\":{},\"p99_9\":{},"
      "\"max\":{}}},\"sent_late_ms\":{{\"p50\":{},\"p99\":{},\"max\":{}}},"
      "\"p99_ms_by_second\":[{}],\"cpu_seconds\":{:.3f},"
      "\"elapsed_seconds\":{:.3f}}}",
      plan_.connections, plan_.rate, plan_.seconds, scheduled, answered,
      scheduled - answered, failed, lost_, closed_idle_, statuses, body_bytes_,
      largest_body_ == 0 ? 0 : smallest_body_, largest_body_, At(latency, 0.5),
      At(latency, 0.9), At(latency, 0.99), At(latency, 0.999), At(latency, 1),
      At(late, 0.5), At(late, 0.99), At(late, 1), p99_by_second, cpu_,
      elapsed_);
}

}  // namespace ta::bench
