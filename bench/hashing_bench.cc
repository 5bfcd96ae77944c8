// What an assignment costs and how good it is: from scratch, for one target,
// when a collector joins or leaves. Speed can't hide churn: the counters say
// how many moved beside the least possible.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "hashing/bounded_matching.h"
#include "hashing/ring.h"
#include "test/support/inputs.h"

namespace ta {
namespace {

std::vector<BoundedMatching::Member> Members(int count) {
  std::vector<BoundedMatching::Member> members;
  for (const auto& name : test::Collectors(count)) {
    members.push_back(
        {static_cast<BoundedMatching::MemberHandle>(members.size()), name});
  }
  return members;
}

std::vector<BoundedMatching::Addition> Items(int count) {
  std::vector<BoundedMatching::Addition> items;
  items.reserve(count);
  for (const auto key : test::Keys(count)) {
    const auto item = static_cast<BoundedMatching::Item>(items.size());
    items.push_back({item, key, {key * 0x9e3779b97f4a7c15, key}});
  }
  return items;
}

BoundedMatching Build(int items, int members) {
  BoundedMatching matching;
  matching.SetMembers(Members(members));
  matching.Apply({}, Items(items));
  return matching;
}

void ReportQuality(benchmark::State& state, const BoundedMatching& matching,
                   int members) {
  std::size_t fullest = 0;
  for (int member = 0; member < members; ++member) {
    fullest = std::max(fullest, matching.Load(member));
  }
  const auto items = static_cast<double>(matching.size());
  state.counters["fullest_over_mean"] = fullest * members / items;
  state.counters["bytes_per_item"] =
      (matching.bytes() - matching.ring_bytes()) / items;
  state.counters["ring_bytes_per_item"] = matching.ring_bytes() / items;
}

// All items into a matching that has only its members: what a start costs.
void BM_MatchingFromScratch(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto members = static_cast<int>(state.range(1));
  const auto items = Items(count);
  BoundedMatching empty;
  empty.SetMembers(Members(members));
  for (auto _ : state) {
    state.PauseTiming();
    BoundedMatching matching = empty;
    state.ResumeTiming();
    matching.Apply({}, items);
    benchmark::DoNotOptimize(matching);
    state.PauseTiming();
    {
      const auto dropped = std::move(matching);
    }
    state.ResumeTiming();
  }
  ReportQuality(state, Build(count, members), members);
}

// One item goes, another comes: two events an iteration, as when a pod is
// replaced. The number of items stays, so bytes_per_item is that after churn.
void BM_MatchingItemReplaced(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto members = static_cast<int>(state.range(1));
  BoundedMatching matching = Build(count, members);
  std::mt19937_64 random(7);
  std::size_t others = 0;
  for (auto _ : state) {
    const auto item = static_cast<BoundedMatching::Item>(random() % count);
    others += matching.Apply({{item}}, {}).size();
    const BoundedMatching::Addition added{item, random(), {random(), random()}};
    others += matching.Apply({}, {{added}}).size() - 1;
  }
  state.SetItemsProcessed(2 * state.iterations());
  state.counters["others_moved"] =
      static_cast<double>(others) / (2.0 * state.iterations());
  ReportQuality(state, matching, members);
}

// A part of all items is replaced in one batch: where from-scratch takes over
// from one item at a time. The time is a changed item's.
void BM_MatchingBatchReplaced(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto members = static_cast<int>(state.range(1));
  const auto changed = static_cast<int>(count * state.range(2) / 1000);
  BoundedMatching matching = Build(count, members);
  std::mt19937_64 random(7);
  std::vector<BoundedMatching::Item> removed(changed);
  std::vector<BoundedMatching::Addition> added(changed);
  std::uint32_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < changed; ++i) {
      removed[i] = next++ % count;
      added[i] = {removed[i], random(), {random(), random()}};
    }
    state.ResumeTiming();
    benchmark::DoNotOptimize(matching.Apply(removed, added));
  }
  state.SetItemsProcessed(2 * changed * state.iterations());
}

// A collector joins and leaves again; the time is for both. The ratios are to
// the least possible: what the leaver owned, and T / (N + 1).
void BM_MatchingMemberJoinsAndLeaves(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const auto members = static_cast<int>(state.range(1));
  BoundedMatching matching = Build(count, members);
  const auto before = Members(members);
  const auto after = Members(members + 1);
  double joined = 0, left = 0, owned = 0;
  for (auto _ : state) {
    joined = static_cast<double>(matching.SetMembers(after).size());
    owned = static_cast<double>(matching.Load(members));
    left = static_cast<double>(matching.SetMembers(before).size());
  }
  state.counters["join_over_least"] = joined * (members + 1) / count;
  state.counters["leave_over_least"] = left / owned;
}

// Merging one member's points in and out again, without any items.
void BM_RingMemberJoinsAndLeaves(benchmark::State& state) {
  const auto members = static_cast<int>(state.range(0));
  const auto before = test::Collectors(members);
  const auto after = test::Collectors(members + 1);
  Ring ring(before);
  for (auto _ : state) {
    ring.SetMembers(after);
    ring.SetMembers(before);
  }
}

// All points of all members hashed and sorted.
void BM_RingBuild(benchmark::State& state) {
  const auto members = test::Collectors(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Ring(members));
}

// Plain consistent hashing on rings of several sizes: how unequal the parts are
// that the bound then has to even out.
void BM_RingOwner(benchmark::State& state) {
  const auto members = static_cast<int>(state.range(0));
  const Ring ring(test::Collectors(members), static_cast<int>(state.range(1)));
  const auto keys = test::Keys(100'000);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ring.Owner(keys[next++ % keys.size()]));
  }
  std::map<std::string_view, int> load;
  for (const auto key : keys) ++load[ring.Owner(key)];
  int fullest = 0;
  for (const auto& [member, owned] : load) fullest = std::max(fullest, owned);
  state.counters["fullest_over_mean"] =
      static_cast<double>(fullest) * members / keys.size();
  state.counters["ring_bytes"] = static_cast<double>(ring.bytes());
}

void Fleets(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"items", "members"});
  for (const int items : {1'000, 10'000, 100'000, 1'000'000}) {
    for (const int members : {10, 100, 1'000})
      benchmark->Args({items, members});
  }
  benchmark->Args({100'000, 5'000});
}

BENCHMARK(BM_MatchingFromScratch)->Apply(Fleets)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_MatchingItemReplaced)->Apply(Fleets);
BENCHMARK(BM_MatchingBatchReplaced)
    ->ArgNames({"items", "members", "permille"})
    ->ArgsProduct({{10'000, 100'000}, {10, 1'000}, {10, 100, 150, 200, 500}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_MatchingMemberJoinsAndLeaves)
    ->Apply(Fleets)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RingMemberJoinsAndLeaves)
    ->ArgName("members")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RingBuild)
    ->ArgName("members")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(5'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RingOwner)
    ->ArgNames({"members", "points"})
    ->ArgsProduct({{10, 100, 1'000}, {300, 1'000, 1'500, 3'000}});

}  // namespace
}  // namespace ta
