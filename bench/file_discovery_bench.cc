// What file discovery costs: the first read, and one change of one target in a
// file of many, up to the update that goes to the allocator. Groups have one
// target with six labels, as generated files have them.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "discovery/file.h"
#include "discovery/target_file.h"

namespace ta {
namespace {

using Look = TargetFile::Look;
using Trust = TargetFile::Trust;

class TempFolder {
 public:
  TempFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "ta-bench-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// `version` is in the labels of the group `changed` only.
std::string Groups(int groups, int changed, int version) {
  std::string text = "[\n";
  for (int i = 0; i < groups; ++i) {
    const std::string n = std::to_string(i);
    text += "  {\"targets\": [\"10." + std::to_string(i >> 16 & 255) + "." +
            std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) +
            ":9100\"], \"labels\": {\"instance_name\": \"node-" + n +
            "\", \"datacenter\": \"dc-" + std::to_string(i % 5) +
            "\", \"rack\": \"rack-" + std::to_string(i % 200) +
            "\", \"team\": \"team-" + std::to_string(i % 30) +
            "\", \"environment\": \"production\", \"version\": \"v" +
            std::to_string(i == changed ? 100'000 + version : 100'000) + "\"}}";
    text += i + 1 < groups ? ",\n" : "\n";
  }
  return text + "]\n";
}

void Replace(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new", std::ios::binary) << text;
  std::filesystem::rename(path + ".new", path);
}

// All of a file is new.
void BM_TargetFileFirstRead(benchmark::State& state) {
  const TempFolder folder;
  const std::string path = folder.path() + "/targets.json";
  const int groups = static_cast<int>(state.range(0));
  const std::string text = Groups(groups, 0, 0);
  Replace(path, text);
  const std::atomic<bool> stopping{false};
  for (auto _ : state) {
    TargetFile file(path, &stopping);
    std::vector<TargetGroup> changed;
    file.Update(Look::kAlways, Trust::kAsItIs, changed);
    if (changed.size() != static_cast<std::size_t>(groups)) {
      state.SkipWithError("not all groups were read");
    }
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_TargetFileFirstRead)
    ->ArgName("groups")
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(500'000)
    ->Unit(benchmark::kMillisecond);

// One group of a file is another one.
void BM_TargetFileChangeOfOneTarget(benchmark::State& state) {
  const TempFolder folder;
  const std::string path = folder.path() + "/targets.json";
  const int groups = static_cast<int>(state.range(0));
  const std::atomic<bool> stopping{false};
  TargetFile file(path, &stopping);
  std::vector<TargetGroup> changed;
  Replace(path, Groups(groups, groups / 2, 0));
  file.Update(Look::kAlways, Trust::kAsItIs, changed);
  int version = 0;
  for (auto _ : state) {
    state.PauseTiming();
    changed.clear();
    Replace(path, Groups(groups, groups / 2, ++version));
    state.ResumeTiming();
    file.Update(Look::kAlways, Trust::kAsItIs, changed);
    if (changed.size() != 1) state.SkipWithError("not one group was sent");
  }
}
BENCHMARK(BM_TargetFileChangeOfOneTarget)
    ->ArgName("groups")
    ->Arg(1000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

// One group more at the front: every index after it means another group.
void BM_TargetFileInsertAtFront(benchmark::State& state) {
  const TempFolder folder;
  const std::string path = folder.path() + "/targets.json";
  const int groups = static_cast<int>(state.range(0));
  const std::atomic<bool> stopping{false};
  TargetFile file(path, &stopping);
  std::vector<TargetGroup> changed;
  const std::string text = Groups(groups, -1, 0);
  const std::string longer =
      "[{\"targets\": [\"new:1\"], \"labels\": {}}," + text.substr(1);
  Replace(path, text);
  file.Update(Look::kAlways, Trust::kAsItIs, changed);
  bool inserted = false;
  for (auto _ : state) {
    state.PauseTiming();
    changed.clear();
    inserted = !inserted;
    Replace(path, inserted ? longer : text);
    state.ResumeTiming();
    file.Update(Look::kAlways, Trust::kAsItIs, changed);
  }
}
BENCHMARK(BM_TargetFileInsertAtFront)
    ->ArgName("groups")
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

// A sink that one can wait on.
class WaitingSink final : public UpdateSink {
 public:
  void Discovered(DiscoveryUpdate update) override {
    const std::lock_guard lock(mutex_);
    ++updates_;
    groups_ += update.groups.size();
    changed_.notify_all();
  }
  void Members(MembersUpdate) override {}
  // The number of groups sent so far, once there were `updates` of them.
  std::size_t WaitFor(int updates) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return updates_ >= updates; });
    return groups_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int updates_ = 0;
  std::size_t groups_ = 0;
};

// From the rename of a file to the update, one change in 100k targets over so
// many files. Wall time; `cpu_ms` is that of the whole process.
void BM_FileDiscovererChangeToUpdate(benchmark::State& state) {
  const TempFolder folder;
  const int files = static_cast<int>(state.range(0));
  const int groups = 100'000 / files;
  const auto path = [&](int i) {
    return folder.path() + "/targets-" + std::to_string(i) + ".json";
  };
  for (int i = 0; i < files; ++i) Replace(path(i), Groups(groups, 0, 0));
  FileWatch watch;
  WaitingSink sink;
  FileDiscoveryCounters counters;
  FileDiscoverer discoverer("bench", FileDiscovery{{folder.path() + "/*.json"}},
                            &watch, &sink, &counters);
  discoverer.Start();
  std::size_t sent = sink.WaitFor(1);
  int version = 0;
  double cpu_seconds = 0;
  for (auto _ : state) {
    const std::string file = path(version % files);
    std::ofstream(file + ".new", std::ios::binary)
        << Groups(groups, groups / 2, ++version);
    const std::clock_t cpu = std::clock();
    const auto start = std::chrono::steady_clock::now();
    std::filesystem::rename(file + ".new", file);
    const std::size_t now_sent = sink.WaitFor(1 + version);
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count());
    cpu_seconds += static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    if (now_sent > sent + 2) state.SkipWithError("unchanged groups were sent");
    sent = now_sent;
  }
  state.counters["cpu_ms"] = benchmark::Counter(
      1000 * cpu_seconds, benchmark::Counter::kAvgIterations);
  discoverer.Stop();
}
BENCHMARK(BM_FileDiscovererChangeToUpdate)
    ->ArgName("files")
    ->Arg(1)
    ->Arg(100)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ta
