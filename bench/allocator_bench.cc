// What the allocator's one thread spends on an event, from group updates to
// the next snapshot, and what a target costs in memory. Counters: us_target,
// time a target; bytes_target, heap of all that is kept for a target, its
// labels included; copied, lists that a change copied.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/members_key.h"
#include "bench/kubernetes_targets.h"
#include "test/support/inputs.h"

namespace ta::bench {
namespace {

// What is discovered: short labels as in a file, or Kubernetes's.
enum class Shape : std::uint8_t { kFile, kKubernetes };
enum class Rules : std::uint8_t { kNone, kServiceMonitor };

struct Fleet {
  std::size_t targets = 1'000;
  int members = 10;
  Shape shape = Shape::kFile;
  Rules rules = Rules::kNone;
  StrategyKind strategy = StrategyKind::kConsistentHashing;
  std::size_t targets_a_group = 1;
  std::size_t jobs = 1;
};

Labels FileTarget(std::size_t i, int version) {
  const std::string address = "10." + std::to_string(i >> 16 & 255) + "." +
                              std::to_string(i >> 8 & 255) + "." +
                              std::to_string(i & 255) + ":9100";
  const std::string instance = "host-" + std::to_string(i);
  const std::string noted = std::to_string(version);
  return Labels::Of({{"__address__", address},
                     {"host", instance},
                     {"env", "production"},
                     {"team", "infrastructure"},
                     {"__meta_filepath", "/etc/prometheus/targets.json"},
                     {"__meta_version", noted}});
}

std::vector<TargetGroup> Groups(const Fleet& fleet) {
  std::vector<DiscoveredTarget> discovered;
  if (fleet.shape == Shape::kKubernetes) {
    discovered = KubernetesTargets(fleet.targets);
  }
  std::vector<TargetGroup> groups;
  for (std::size_t i = 0; i < fleet.targets; ++i) {
    if (i % fleet.targets_a_group == 0) {
      TargetGroup& group = groups.emplace_back();
      group.source = "targets.json:" + std::to_string(groups.size() - 1);
      if (!discovered.empty()) group.labels = discovered[i].group;
    }
    groups.back().targets.push_back(discovered.empty() ? FileTarget(i, 0)
                                                       : discovered[i].own);
  }
  return groups;
}

std::shared_ptr<const Config> ConfigOf(const Fleet& fleet) {
  auto config = std::make_shared<Config>();
  config->members = FileMembers{"collectors.yaml"};
  config->strategy = fleet.strategy;
  for (std::size_t i = 0; i < fleet.jobs; ++i) {
    auto job = std::make_shared<ScrapeConfig>();
    std::string number = std::to_string(i);
    job->job_name = "job-" + std::string(6 - number.size(), '0') + number;
    job->seeds = Seeds(job->job_name);
    job->scrape_interval = std::chrono::seconds(30);
    if (fleet.rules == Rules::kServiceMonitor) {
      job->relabel_configs = ServiceMonitorRules();
    }
    DiscoveryConfig discovery;
    discovery.mechanism = "file";
    discovery.key = "file:" + std::to_string(i);
    discovery.settings = FileDiscovery{{"targets.json"}};
    job->discoveries.push_back(discovery);
    config->jobs.push_back(std::move(job));
  }
  return config;
}

AllocatorInput Members(const Config& config, int count) {
  MembersUpdate update;
  update.source = MembersKey(config.members);
  int i = 0;
  for (const std::string& name : test::Collectors(count)) {
    update.members.push_back({name, "node-" + std::to_string(i++)});
  }
  AllocatorInput input;
  input.members.push_back(std::move(update));
  return input;
}

AllocatorInput Discovered(std::vector<TargetGroup> groups,
                          const std::string& discoverer = "file:0") {
  AllocatorInput input;
  DiscoveryUpdate& update = input.discovery.emplace_back();
  update.discoverer = discoverer;
  update.groups = std::move(groups);
  update.synced = true;
  return input;
}

// An allocator with its members, and its targets if asked for; each call of
// Apply is a second later.
struct Running {
  explicit Running(const Fleet& fleet) : config(ConfigOf(fleet)) {
    AllocatorInput input;
    input.config = config;
    Apply(std::move(input));
    Apply(Members(*config, fleet.members));
  }
  void Apply(AllocatorInput input) {
    now += std::chrono::seconds(1);
    if (auto next = allocator.Apply(std::move(input), now).snapshot) {
      snapshot = std::move(next);
    }
  }

  std::shared_ptr<const Config> config;
  Allocator allocator;
  std::shared_ptr<const Snapshot> snapshot;
  TimePoint now{std::chrono::hours(1)};
};

Fleet FleetOf(const benchmark::State& state) {
  Fleet fleet;
  fleet.targets = static_cast<std::size_t>(state.range(0));
  fleet.members = static_cast<int>(state.range(1));
  return fleet;
}

std::size_t HeapBytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The first complete answer of a discoverer.
void BM_AllocatorStart(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.shape = static_cast<Shape>(state.range(2));
  fleet.rules = static_cast<Rules>(state.range(3));
  const std::size_t before = HeapBytes();
  std::size_t kept = 0;
  for (auto _ : state) {
    state.PauseTiming();
    {
      Running running(fleet);
      AllocatorInput input = Discovered(Groups(fleet));
      state.ResumeTiming();
      running.Apply(std::move(input));
      state.PauseTiming();
      if (running.snapshot->jobs[0]->counts.assigned != fleet.targets) {
        state.SkipWithError("not all targets are assigned");
      }
      kept = HeapBytes() - before;
    }
    state.ResumeTiming();
  }
  state.counters["us_target"] = benchmark::Counter(
      static_cast<double>(fleet.targets * state.iterations()) / 1e6,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_target"] =
      static_cast<double>(kept) / static_cast<double>(fleet.targets);
}

// One target's labels are others, in a fleet of groups of one target each.
void BM_AllocatorChangeOneGroup(benchmark::State& state) {
  const Fleet fleet = FleetOf(state);
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  int version = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    state.PauseTiming();
    at = (at + 7919) % fleet.targets;
    TargetGroup group;
    group.source = "targets.json:" + std::to_string(at);
    group.targets = {FileTarget(at, ++version)};
    AllocatorInput input = Discovered({group});
    state.ResumeTiming();
    running.Apply(std::move(input));
  }
}

// One target comes and goes.
void BM_AllocatorAddAndRemove(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.strategy = static_cast<StrategyKind>(state.range(2));
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  std::size_t next = fleet.targets;
  for (auto _ : state) {
    state.PauseTiming();
    TargetGroup group;
    group.source = "new";
    group.targets = {FileTarget(next++ % (1 << 24), 0)};
    AllocatorInput add = Discovered({group});
    group.targets.clear();
    AllocatorInput remove = Discovered({group});
    state.ResumeTiming();
    running.Apply(std::move(add));
    running.Apply(std::move(remove));
  }
}

// One target of a file with all of them is another.
void BM_AllocatorChangeInLargeGroup(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.targets_a_group = fleet.targets;
  const bool shifts = state.range(2) != 0;
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  int version = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<TargetGroup> groups = Groups(fleet);  // read again
    auto& targets = groups[0].targets;
    targets[targets.size() / 2] = FileTarget(targets.size() / 2, ++version);
    if (shifts && version % 2 == 1) targets.erase(targets.begin());
    AllocatorInput input = Discovered(std::move(groups));
    state.ResumeTiming();
    running.Apply(std::move(input));
  }
}

// A member leaves and comes back.
void BM_AllocatorLeaveAndJoin(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.strategy = static_cast<StrategyKind>(state.range(2));
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  for (auto _ : state) {
    running.Apply(Members(*running.config, fleet.members - 1));
    running.Apply(Members(*running.config, fleet.members));
  }
}

// A second's polls of an idle fleet: each member asks for a job.
void BM_AllocatorPolls(benchmark::State& state) {
  const Fleet fleet = FleetOf(state);
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  const auto names = test::Collectors(fleet.members);
  for (auto _ : state) {
    state.PauseTiming();
    AllocatorInput input;
    for (const std::string& name : names) {
      input.polls.push_back({name, "job-000000", running.snapshot->generation,
                             std::chrono::seconds(30), running.now});
    }
    state.ResumeTiming();
    running.Apply(std::move(input));
  }
  state.counters["ns_poll"] = benchmark::Counter(
      static_cast<double>(fleet.members * state.iterations()) / 1e9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// One change in a fleet of many jobs, a discoverer each.
void BM_AllocatorChangeWithManyJobs(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.jobs = fleet.targets;
  Running running(fleet);
  for (std::size_t i = 0; i < fleet.jobs; ++i) {
    TargetGroup group;
    group.source = "0";
    group.targets = {FileTarget(i, 0)};
    running.Apply(Discovered({group}, "file:" + std::to_string(i)));
  }
  int version = 0;
  for (auto _ : state) {
    state.PauseTiming();
    TargetGroup group;
    group.source = "0";
    group.targets = {FileTarget(7, ++version)};
    AllocatorInput input = Discovered({group}, "file:7");
    state.ResumeTiming();
    running.Apply(std::move(input));
  }
}

// All discovered targets are one, and then one of them goes and comes back.
void BM_AllocatorDuplicates(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      Running running(Fleet{});
      std::vector<TargetGroup> groups;
      for (std::size_t i = 0; i < count; ++i) {
        TargetGroup& group = groups.emplace_back();
        group.source = std::to_string(i * 7919 % count);
        group.targets = {FileTarget(1, static_cast<int>(i))};
      }
      TargetGroup gone = groups[count / 2], back = gone;
      gone.targets.clear();
      AllocatorInput input = Discovered(std::move(groups));
      state.ResumeTiming();
      running.Apply(std::move(input));
      for (int i = 0; i < 100; ++i) {
        running.Apply(Discovered({gone}));
        running.Apply(Discovered({back}));
      }
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
}

// The same in one group: which of them is served is for their labels to say.
void BM_AllocatorDuplicatesInOneGroup(benchmark::State& state) {
  Fleet fleet;
  fleet.targets_a_group = static_cast<std::size_t>(state.range(0));
  TargetGroup group;
  group.source = "0";
  group.labels = Labels::Of({{"env", "production"}, {"team", "platform"}});
  for (std::size_t i = 0; i < fleet.targets_a_group; ++i) {
    group.targets.push_back(
        FileTarget(1, static_cast<int>(i * 7919 % fleet.targets_a_group)));
  }
  for (auto _ : state) {
    state.PauseTiming();
    {
      Running running(fleet);
      AllocatorInput input = Discovered({group});
      state.ResumeTiming();
      running.Apply(std::move(input));
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
}

// Other rules: everything is relabeled, and nothing moves.
void BM_AllocatorChangeRules(benchmark::State& state) {
  Fleet fleet = FleetOf(state);
  fleet.shape = Shape::kKubernetes;
  fleet.rules = Rules::kServiceMonitor;
  Running running(fleet);
  running.Apply(Discovered(Groups(fleet)));
  int version = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto config = std::make_shared<Config>(*running.config);
    auto job = std::make_shared<ScrapeConfig>(*config->jobs[0]);
    RelabelConfig rule;
    rule.target_label = "version";
    rule.replacement = std::to_string(++version);
    job->relabel_configs.push_back(rule);
    config->jobs[0] = job;
    AllocatorInput input;
    input.config = config;
    state.ResumeTiming();
    running.Apply(std::move(input));
  }
  state.counters["us_target"] = benchmark::Counter(
      static_cast<double>(fleet.targets * state.iterations()) / 1e6,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

constexpr std::int64_t kConsistent =
    static_cast<std::int64_t>(StrategyKind::kConsistentHashing);
constexpr std::int64_t kLeast =
    static_cast<std::int64_t>(StrategyKind::kLeastWeighted);
constexpr std::int64_t kNode =
    static_cast<std::int64_t>(StrategyKind::kPerNode);

BENCHMARK(BM_AllocatorStart)
    ->ArgNames({"targets", "collectors", "kubernetes", "rules"})
    ->ArgsProduct({{1'000, 10'000, 100'000, 1'000'000}, {10, 1'000}, {0}, {0}})
    ->ArgsProduct({{10'000, 100'000, 1'000'000}, {100}, {1}, {0, 1}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AllocatorChangeOneGroup)
    ->ArgNames({"targets", "collectors"})
    ->ArgsProduct({{1'000, 10'000, 100'000, 1'000'000}, {10, 100, 1'000}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllocatorAddAndRemove)
    ->ArgNames({"targets", "collectors", "strategy"})
    ->ArgsProduct({{10'000, 100'000},
                   {100, 1'000},
                   {kConsistent, kLeast, kNode}})
    ->ArgsProduct({{100'000}, {5'000}, {kConsistent, kLeast, kNode}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllocatorChangeInLargeGroup)
    ->ArgNames({"targets", "collectors", "shifts"})
    ->ArgsProduct({{10'000, 100'000, 500'000}, {10}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllocatorLeaveAndJoin)
    ->ArgNames({"targets", "collectors", "strategy"})
    ->ArgsProduct({{10'000, 100'000}, {10, 100, 1'000}, {kConsistent}})
    ->Args({100'000, 5'000, kConsistent})
    ->ArgsProduct({{100'000}, {100}, {kLeast, kNode}})
    ->Args({1'000'000, 100, kConsistent})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AllocatorPolls)
    ->ArgNames({"targets", "collectors"})
    ->Args({10'000, 1'000})
    ->Args({10'000, 5'000})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllocatorChangeWithManyJobs)
    ->ArgNames({"jobs", "collectors"})
    ->ArgsProduct({{100, 1'000, 5'000}, {10, 1'000}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllocatorDuplicates)
    ->ArgName("duplicates")
    ->Range(1'000, 100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AllocatorDuplicatesInOneGroup)
    ->ArgName("duplicates")
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_AllocatorChangeRules)
    ->ArgNames({"targets", "collectors"})
    ->Args({10'000, 100})
    ->Args({100'000, 100})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ta::bench
