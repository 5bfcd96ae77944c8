#include "allocator/kubernetes_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace ta {
namespace {

using kubernetes::Resource;
using kubernetes::WatchTotals;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

// "family{a=b,…}" to value.
std::map<std::string, double> SamplesOf(const kubernetes::Hub::Status& status) {
  FamilyList list;
  AddKubernetesMetrics(status, list);
  std::map<std::string, double> samples;
  for (const auto& family : list.Take()) {
    for (const auto& metric : family.metric) {
      std::string name = family.name + "{";
      for (const auto& label : metric.label) {
        name += label.name + "=" + label.value + ",";
      }
      samples[name + "}"] = metric.gauge.value;
    }
  }
  return samples;
}

kubernetes::Hub::Status OneWatch() {
  kubernetes::Hub::Status status;
  status.connections = 1;
  status.totals.failures = 7;
  auto& pods = status.totals.changes[static_cast<int>(Resource::kPods)];
  pods[WatchTotals::kAdd] = 3;
  pods[WatchTotals::kUpdate] = 2;
  pods[WatchTotals::kDelete] = 1;
  kubernetes::WatchStatus& watch = status.watches.emplace_back();
  watch.server = "api:443";
  watch.scope = {Resource::kPods, "web", "app=x", "spec.nodeName=n"};
  watch.synced = true;
  watch.objects = 5;
  watch.age = std::chrono::milliseconds(1500);
  watch.problem = "refused";
  watch.lists = 2;
  watch.events = 11;
  watch.failures = 7;
  watch.bad_now = 1;
  return status;
}

TEST(KubernetesMetricsTest, CountersOfPrometheusAreThereFromTheStart) {
  const auto samples = SamplesOf({});
  for (const char* role :
       {"endpointslice", "endpoints", "node", "pod", "service", "ingress"}) {
    for (const char* event : {"add", "delete", "update"}) {
      EXPECT_THAT(samples,
                  Contains(Pair("prometheus_sd_kubernetes_events_"
                                "total{event=" +
                                    std::string(event) + ",role=" + role + ",}",
                                0)));
    }
  }
  EXPECT_THAT(samples,
              Contains(Pair("prometheus_sd_kubernetes_failures_total{}", 0)));
}

TEST(KubernetesMetricsTest, EachWatchHasItsSeries) {
  const auto samples = SamplesOf(OneWatch());
  const std::string labels =
      "{namespace=web,resource=pods,selector=app=x;spec.nodeName=n,"
      "server=api:443,}";
  const std::string prefix = "target_allocator_kubernetes_watch_";
  for (const auto& [name, value] :
       std::map<std::string, double>{{"synced", 1},
                                     {"age_seconds", 1.5},
                                     {"objects", 5},
                                     {"left_out_objects", 1},
                                     {"problem", 1},
                                     {"events_total", 11},
                                     {"lists_total", 2},
                                     {"failures_total", 7}}) {
    EXPECT_THAT(samples, Contains(Pair(prefix + name + labels, value)));
  }
  EXPECT_THAT(samples, Contains(Pair("prometheus_sd_kubernetes_events_total{"
                                     "event=delete,role=pod,}",
                                     1)));
}

TEST(KubernetesMetricsTest, WatchThatWasNeverHeardHasNoAge) {
  kubernetes::Hub::Status status = OneWatch();
  status.watches[0].age.reset();
  for (const auto& [name, value] : SamplesOf(status)) {
    EXPECT_THAT(name, Not(HasSubstr("age_seconds")));
  }
}

TEST(KubernetesMetricsTest, EveryFamilyIsInTheDocs) {
  std::ifstream file(TA_SOURCE "/docs/metrics.md");
  std::ostringstream docs;
  docs << file.rdbuf();
  FamilyList list;
  AddKubernetesMetrics(OneWatch(), list);
  for (const auto& family : list.Take()) {
    EXPECT_THAT(docs.str(), HasSubstr("`" + family.name + "`"));
  }
}

}  // namespace
}  // namespace ta
