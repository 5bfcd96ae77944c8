// What it costs to turn discovered targets into what they are scraped as.
// Counters: ns_target, time a target; allocs_target, calls of operator new a
// target; kept, the share of targets kept. For labels: bytes_pair, memory of
// the pool a distinct pair; bytes_target, all memory of a target's labels.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

#include "allocator/kept_labels.h"
#include "allocator/label_builder.h"
#include "allocator/labels.h"
#include "allocator/populate.h"
#include "allocator/regex.h"
#include "allocator/relabel.h"
#include "allocator/relabel_rules.h"
#include "bench/kubernetes_targets.h"

namespace {
std::uint64_t g_allocations = 0;  // benchmarks run on one thread
}

// gcc takes our delete for another new's once it has inlined one of them.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++g_allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace ta::bench {
namespace {

// Interning discovered labels, and what they weigh. First, while the pool is
// empty.
void BM_LabelsOf(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Labels::PoolStats stats;
  double bytes = 0;
  const Labels::PoolStats others = Labels::Stats();
  for (auto _ : state) {
    const auto before = mallinfo2();
    const auto targets = KubernetesTargets(count);
    state.PauseTiming();
    const auto after = mallinfo2();
    stats = Labels::Stats();
    bytes = static_cast<double>(after.uordblks + after.hblkhd) -
            static_cast<double>(before.uordblks + before.hblkhd);
    state.ResumeTiming();
  }
  const double pairs = static_cast<double>(stats.pairs - others.pairs);
  state.counters["pairs_target"] = pairs / static_cast<double>(count);
  state.counters["bytes_pair"] =
      static_cast<double>(stats.bytes - others.bytes) / pairs;
  state.counters["bytes_target"] = bytes / static_cast<double>(count);
  state.counters["s_target"] =
      benchmark::Counter(static_cast<double>(count),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}
BENCHMARK(BM_LabelsOf)
    ->ArgName("targets")
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

// The largest asked for so far; smaller sizes use its first ones.
std::span<const DiscoveredTarget> Targets(std::size_t count) {
  static std::vector<DiscoveredTarget> targets;
  if (targets.size() < count) {
    targets = {};
    targets = KubernetesTargets(count);
  }
  return std::span(targets).first(count);
}

enum class Rules : std::uint8_t { kNone, kServiceMonitor, kAnnotations };

std::vector<RelabelConfig> RulesOf(Rules rules) {
  switch (rules) {
    case Rules::kNone:
      return {};
    case Rules::kServiceMonitor:
      return ServiceMonitorRules();
    case Rules::kAnnotations:
      return AnnotationRules();
  }
  return {};
}

// All that a target costs when its job's rules changed: labels merged, seeded,
// relabeled, checked and sorted, and its id and placement key.
template <Rules kRules>
void BM_Relabel(benchmark::State& state) {
  const auto targets = Targets(static_cast<std::size_t>(state.range(0)));
  const auto relabeler =
      *Relabeler::Create("bench", Seeds("bench"), RulesOf(kRules));
  RelabelBuffer buffer;
  std::uint64_t kept = 0;
  const auto all = [&] {
    kept = 0;
    for (const DiscoveredTarget& target : targets) {
      if (!relabeler->Relabel(target.group, target.own, buffer).kept()) {
        continue;
      }
      ++kept;
      benchmark::DoNotOptimize(buffer.Id());
      benchmark::DoNotOptimize(buffer.PlacementKey());
    }
  };
  all();  // what is remembered of names is not counted
  const std::uint64_t before = g_allocations;
  for (auto _ : state) all();
  const double done = static_cast<double>(state.iterations() * state.range(0));
  state.counters["allocs_target"] =
      static_cast<double>(g_allocations - before) / done;
  state.counters["kept"] =
      static_cast<double>(kept) / static_cast<double>(targets.size());
  // Seconds; shown with a unit, as 512n.
  state.counters["s_target"] =
      benchmark::Counter(static_cast<double>(state.range(0)),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("targets")->Unit(benchmark::kMillisecond);
  for (const int count : {1'000, 10'000, 100'000, 800'000}) bench->Arg(count);
}
BENCHMARK(BM_Relabel<Rules::kNone>)->Apply(Sizes);
BENCHMARK(BM_Relabel<Rules::kServiceMonitor>)->Apply(Sizes);
BENCHMARK(BM_Relabel<Rules::kAnnotations>)->Apply(Sizes);

// What each shortcut gains for whole sets of rules: the same as BM_Relabel,
// but for identity and placement key.
void BM_RelabelShortcuts(benchmark::State& state, Rules which,
                         RelabelShortcuts shortcuts) {
  const auto targets = Targets(static_cast<std::size_t>(state.range(0)));
  const auto rules = *RelabelRules::Compile(RulesOf(which), shortcuts);
  const Populate populate(Seeds("bench"));
  LabelBuilder builder;
  KeptLabels kept;
  const auto all = [&] {
    for (const DiscoveredTarget& target : targets) {
      builder.Reset();
      kept.Clear();
      builder.AddTarget(target.group, target.own,
                        [&](auto name) { return rules.Needs(name); });
      populate.Seed(builder);
      if (rules.Apply(builder) >= 0) continue;
      benchmark::DoNotOptimize(populate.Check(builder, kept));
      benchmark::DoNotOptimize(kept.pairs().data());
    }
  };
  all();
  for (auto _ : state) all();
  state.counters["s_target"] =
      benchmark::Counter(static_cast<double>(state.range(0)),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}
void OneSize(benchmark::internal::Benchmark* bench) {
  bench->ArgName("targets")->Unit(benchmark::kMillisecond)->Arg(100'000);
}
#define SHORTCUTS_BENCHMARK(name, rules)                             \
  BENCHMARK_CAPTURE(BM_RelabelShortcuts, name##_all, rules,          \
                    RelabelShortcuts{})                              \
      ->Apply(OneSize);                                              \
  BENCHMARK_CAPTURE(BM_RelabelShortcuts, name##_re2_only, rules,     \
                    RelabelShortcuts{.simple_regexes = false})       \
      ->Apply(OneSize);                                              \
  BENCHMARK_CAPTURE(BM_RelabelShortcuts, name##_no_memo, rules,      \
                    RelabelShortcuts{.name_memo = false})            \
      ->Apply(OneSize);                                              \
  BENCHMARK_CAPTURE(                                                 \
      BM_RelabelShortcuts, name##_neither, rules,                    \
      RelabelShortcuts{.simple_regexes = false, .name_memo = false}) \
      ->Apply(OneSize)
SHORTCUTS_BENCHMARK(service_monitor, Rules::kServiceMonitor);
SHORTCUTS_BENCHMARK(annotations, Rules::kAnnotations);
#undef SHORTCUTS_BENCHMARK

// One match with groups, on the engine that is chosen and on RE2.
void BM_RegexMatch(benchmark::State& state, const char* pattern,
                   const char* text, Regex::Engine engine) {
  const auto regex = *Regex::Compile(pattern, engine);
  std::vector<std::string_view> groups(
      static_cast<std::size_t>(regex->group_count()));
  for (auto _ : state) benchmark::DoNotOptimize(regex->Match(text, groups));
}
#define REGEX_BENCHMARK(name, pattern, text)                   \
  BENCHMARK_CAPTURE(BM_RegexMatch, name##_best, pattern, text, \
                    Regex::Engine::kBest);                     \
  BENCHMARK_CAPTURE(BM_RegexMatch, name##_re2, pattern, text,  \
                    Regex::Engine::kRe2Only)
REGEX_BENCHMARK(prefix, "Pod;(.*)", "Pod;service-12-9f8b6c5d-x2x4z");
REGEX_BENCHMARK(prefix_miss, "Node;(.*)", "Pod;service-12-9f8b6c5d-x2x4z");
REGEX_BENCHMARK(literals, "(Failed|Succeeded)", "Running");
REGEX_BENCHMARK(address, "([^:]+)(?::\\d+)?;(\\d+)", "10.244.3.17:8080;9102");
REGEX_BENCHMARK(copy, "(.+)", "service-12-9f8b6c5d-x2x4z");
REGEX_BENCHMARK(lazy_address, "(.+?)(?::\\d+)?;(\\d+)",
                "10.244.3.17:8080;9102");
#undef REGEX_BENCHMARK

// A rule that lists many things, each with a pattern of its own, and 20,000
// values: RE2 must find room for what it learns of them.
void BM_RegexManyAlternatives(benchmark::State& state) {
  std::string pattern = "svc-0-.*-prod[0-9]+";
  for (int i = 1; i < state.range(0); ++i) {
    pattern += "|svc-" + std::to_string(i) + "-.*-prod[0-9]+";
  }
  const auto regex = *Regex::Compile(pattern);
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) {
    texts.push_back("svc-" + std::to_string(i * 7 % 4'000) + "-x" +
                    std::to_string(i) + "-prod" + std::to_string(i % 10));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(regex->Matches(texts[next]));
    next = next + 1 == texts.size() ? 0 : next + 1;
  }
}
BENCHMARK(BM_RegexManyAlternatives)
    ->ArgName("alternatives")
    ->Arg(10)
    ->Arg(1'000)
    ->Arg(3'000);

}  // namespace
}  // namespace ta::bench
