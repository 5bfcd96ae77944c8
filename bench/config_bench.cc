// What it costs to read a configuration, checked strictly: 14 relabel rules
// a job, each with a regex of its own, as the Prometheus Operator writes them.

#include <benchmark/benchmark.h>

#include <string>

#include "allocator/config/load.h"
#include "allocator/config/yaml_tree.h"

namespace ta {
namespace {

// 3 kB a job.
std::string Text(int jobs) {
  std::string text = "scrape_configs:\n";
  for (int job = 0; job < jobs; ++job) {
    const std::string number = std::to_string(job);
    text += "- job_name: job-" + number +
            "\n"
            "  scrape_interval: 30s\n"
            "  kubernetes_sd_configs:\n"
            "  - role: pod\n"
            "    namespaces: {names: [ns-" +
            number +
            "]}\n"
            "  relabel_configs:\n";
    for (int rule = 0; rule < 14; ++rule) {
      const std::string each = std::to_string(rule);
      text += "  - source_labels: [__meta_kubernetes_pod_label_app_" + each +
              ", __meta_kubernetes_namespace]\n"
              "    separator: ';'\n"
              "    regex: app-" +
              each + ";ns-" + number +
              "(.*)\n"
              "    target_label: label_" +
              each +
              "\n"
              "    replacement: $1\n"
              "    action: replace\n";
    }
  }
  return text;
}

void BM_ConfigLoad(benchmark::State& state) {
  const std::string text = Text(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    auto config = LoadConfig("prometheus.yml", text, {.strict = true});
    if (!config) state.SkipWithError("the configuration is not good");
    benchmark::DoNotOptimize(config);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          state.iterations());
  state.counters["text_mb"] = static_cast<double>(text.size()) / 1e6;
}
BENCHMARK(BM_ConfigLoad)
    ->ArgName("jobs")
    ->Arg(20)
    ->Arg(200)
    ->Arg(2000)
    ->Unit(benchmark::kMillisecond);

// The part that is YAML: text to nodes.
void BM_YamlTreeParse(benchmark::State& state) {
  const std::string text = Text(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    Mistakes mistakes;
    benchmark::DoNotOptimize(YamlTree::Parse("f", text, mistakes));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          state.iterations());
}
BENCHMARK(BM_YamlTreeParse)
    ->ArgName("jobs")
    ->Arg(2000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ta
