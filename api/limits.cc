#include "api/limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

namespace ta {
namespace {

std::optional<std::string> FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<double> ReadNumber(const std::string& path) {
  const auto line = FirstLine(path);
  double value = 0;
  if (!line ||
      std::from_chars(line->data(), line->data() + line->size(), value).ec !=
          std::errc()) {
    return std::nullopt;
  }
  return value;
}

// In a container the own cgroup is mounted at the root; v1 keeps quota and
// period in two files.
std::optional<double> CgroupQuota() {
  if (const auto line = FirstLine("/sys/fs/cgroup/cpu.max")) {
    return ParseCpuMax(*line);
  }
  const auto quota = ReadNumber("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto period = ReadNumber("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

int Affinity() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

std::optional<double> ParseCpuMax(std::string_view text) {
  double quota = 0;
  double period = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || quota <= 0 || period <= 0) {
    return std::nullopt;
  }
  return quota / period;
}

int AllowedCores() {
  if (const char* text = std::getenv("GOMAXPROCS")) {
    const std::string_view value(text);
    int cores = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), cores);
    if (error == std::errc() && end == value.data() + value.size() &&
        cores > 0) {
      return std::min(cores, 1024);
    }
  }
  const int cores = Affinity();
  if (const auto quota = CgroupQuota()) {
    return std::clamp(static_cast<int>(std::ceil(*quota)), 1, cores);
  }
  return cores;
}

std::size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace ta
