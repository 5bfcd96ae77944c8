// process_*: what Prometheus's clients read from /proc, under their names.

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "api/metric_family.h"
#include "api/metrics.h"
#include "hashing/hash.h"

namespace ta {
namespace {

struct ProcStat {
  double cpu_seconds = 0;
  double start_seconds = 0;  // after boot
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// proc(5): fields 14, 15, 22, 23 and 24 of /proc/self/stat. The second is the
// program's name in parentheses and may hold anything, so count from its end.
std::optional<ProcStat> ReadStat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string ignored;
  for (int i = 3; i < 14; ++i) fields >> ignored;
  double user = 0, system = 0, start = 0, bytes = 0, pages = 0;
  fields >> user >> system;
  for (int i = 16; i < 22; ++i) fields >> ignored;
  fields >> start >> bytes >> pages;
  if (!fields) return std::nullopt;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ProcStat{(user + system) / ticks, start / ticks, bytes,
                  pages * static_cast<double>(sysconf(_SC_PAGESIZE))};
}

std::optional<double> BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<std::size_t> OpenFiles() {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    ++count;
  }
  if (error || count == 0) return std::nullopt;
  return count - 1;  // the one that lists them
}

struct NetworkBytes {
  double received = 0;
  double sent = 0;
};

// /proc/self/net/netstat: a line of names and a line of values for each
// protocol. Of the network namespace, as by Prometheus's own clients.
std::optional<NetworkBytes> Network() {
  std::ifstream file("/proc/self/net/netstat");
  std::string names_line, values_line;
  while (std::getline(file, names_line) && std::getline(file, values_line)) {
    if (!names_line.starts_with("IpExt:")) continue;
    std::istringstream names(names_line), values(values_line);
    NetworkBytes bytes;
    for (std::string name, value; names >> name && values >> value;) {
      if (name == "InOctets") bytes.received = std::stod(value);
      if (name == "OutOctets") bytes.sent = std::stod(value);
    }
    return bytes;
  }
  return std::nullopt;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  FamilyList out;
  if (const auto stat = ReadStat()) {
    out.Counter("process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.")
        .Sample(stat->cpu_seconds);
    out.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
        .Sample(stat->virtual_bytes);
    out.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
        .Sample(stat->resident_bytes);
    if (const auto boot = BootTime()) {
      out.Gauge("process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.")
          .Sample(*boot + stat->start_seconds);
    }
  }
  if (const auto open = OpenFiles()) {
    out.Gauge("process_open_fds", "Number of open file descriptors.")
        .Sample(*open);
  }
  if (const auto network = Network()) {
    out.Counter("process_network_receive_bytes_total",
                "Number of bytes received by the process over the network.")
        .Sample(network->received);
    out.Counter("process_network_transmit_bytes_total",
                "Number of bytes sent by the process over the network.")
        .Sample(network->sent);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0) {
    out.Gauge("process_virtual_memory_max_bytes",
              "Maximum amount of virtual memory available in bytes.")
        .Sample(limit.rlim_cur);
  }
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.Gauge("process_max_fds", "Maximum number of open file descriptors.")
        .Sample(limit.rlim_cur);
  }
  out.Gauge("target_info", "Target metadata")
      .Sample(1, {{"service_name", "target-allocator"},
                  {"service_version", version_}});
  out.Gauge("target_allocator_build_info",
            "The version, and that of the assignment algorithm.")
      .Sample(1, {{"algorithm", std::to_string(kAlgorithmVersion)},
                  {"version", version_}});
  return out.Take();
}

}  // namespace ta
