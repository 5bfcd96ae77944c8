// What an answer costs: rendering a list, taking it from the cache, and a whole
// request as the router sees it. The sizes are the ones of the design's goals:
// 16 targets with 6 labels are 3.4 kB, 983 are 212 kB; with 42 labels a target
// is what Kubernetes discovers.

#include <benchmark/benchmark.h>

#include <string>

#include "api/http_content.h"
#include "api/render.h"
#include "api/router.h"
#include "test/support/snapshot_builder.h"

namespace ta {
namespace {

// `labels` of them, address included; the last ones are the target's own, the
// others the group's.
std::shared_ptr<const Snapshot> MakeSnapshot(int targets, int labels) {
  test::SnapshotBuilder builder;
  builder.Member("collector-0");
  std::vector<RelabelConfig> rules;
  RelabelConfig rule;
  rule.source_labels = {"label_1"};
  rule.target_label = "app";
  rules.push_back(rule);
  rule.source_labels = {"__meta_kubernetes_label_2"};
  rule.target_label = "team";
  rules.push_back(rule);
  builder.Job("node", rules);
  // Kubernetes's names where there are as many as it has.
  const std::string prefix =
      labels > 10 ? "__meta_kubernetes_label_" : "label_";
  for (int i = 0; i < targets; ++i) {
    const std::string number = std::to_string(i);
    std::vector<std::pair<std::string, std::string>> own = {
        {"__address__", "10.0." + std::to_string(i / 250) + "." +
                            std::to_string(i % 250) + ":9100"},
        {"instance_name", "node-" + number + ".example.internal"}};
    std::vector<std::pair<std::string, std::string>> group;
    for (int label = 2; label < labels; ++label) {
      group.emplace_back(
          prefix + std::to_string(label - 1),
          "value-" + std::to_string(label) + "-of-" + std::to_string(i / 50));
    }
    builder.Target("node", "collector-0", own, group);
  }
  return builder.Build();
}

void BM_RenderTargets(benchmark::State& state, LabelsMode mode) {
  const auto snapshot = MakeSnapshot(static_cast<int>(state.range(0)),
                                     static_cast<int>(state.range(1)));
  const JobView& job = *snapshot->jobs[0];
  std::size_t bytes = 0;
  for (auto _ : state) {
    ByteBuffer out;
    RenderTargets(job, job.ListOf(1), mode, out);
    const std::string body = out.Take();
    bytes = body.size();
    benchmark::DoNotOptimize(body.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK_CAPTURE(BM_RenderTargets, discovered, LabelsMode::kDiscovered)
    ->ArgNames({"targets", "labels"})
    ->Args({16, 6})
    ->Args({983, 6})
    ->Args({983, 42})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_RenderTargets, relabeled, LabelsMode::kRelabeled)
    ->ArgNames({"targets", "labels"})
    ->Args({16, 6})
    ->Args({983, 6})
    ->Args({983, 42})
    ->Unit(benchmark::kMicrosecond);

// From the request's line to the response; what the server adds is a write.
void BM_RouterTargets(benchmark::State& state, std::string_view accept,
                      bool cached) {
  const auto snapshot = MakeSnapshot(static_cast<int>(state.range(0)), 6);
  RouterOptions options;
  if (!cached) options.cache_bytes = 0;
  Router router(options);
  Request request;
  request.method = "GET";
  request.target = "/jobs/node/targets?collector_id=collector-0";
  request.refresh_interval = "30";
  request.accept_encoding = accept;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const Response response = router.Handle(request, *snapshot);
    bytes = response.body.bytes->size();
    benchmark::DoNotOptimize(bytes);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK_CAPTURE(BM_RouterTargets, cold, "", false)
    ->ArgName("targets")
    ->Arg(16)
    ->Arg(983)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_RouterTargets, cached, "", true)
    ->ArgName("targets")
    ->Arg(16)
    ->Arg(983)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_RouterTargets, cold_gzip, "gzip", false)
    ->ArgName("targets")
    ->Arg(16)
    ->Arg(983)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_RouterTargets, cached_gzip, "gzip", true)
    ->ArgName("targets")
    ->Arg(16)
    ->Arg(983)
    ->Unit(benchmark::kMicrosecond);

void BM_RouterNotModified(benchmark::State& state) {
  const auto snapshot = MakeSnapshot(983, 6);
  Router router;
  Request request;
  request.method = "GET";
  request.target = "/jobs/node/targets?collector_id=collector-0";
  const std::string etag = router.Handle(request, *snapshot).etag;
  request.if_none_match = etag;
  for (auto _ : state) {
    benchmark::DoNotOptimize(router.Handle(request, *snapshot).status);
  }
}
BENCHMARK(BM_RouterNotModified)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ta
