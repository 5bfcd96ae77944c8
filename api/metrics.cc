#include "api/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "allocator/go_text.h"
#include "api/handlers.h"
#include "api/metric_family.h"
#include "api/stage_metrics.h"

namespace ta {
namespace {

bool IsEmpty(const AtomicHistogram& histogram) {
  for (std::size_t i = 0; i <= AtomicHistogram::kBounds.size(); ++i) {
    if (histogram.count(i) != 0) return false;
  }
  return true;
}

// The time is that of the whole step: a job's groups are not processed apart
// from what else came with them.
void AddJobUpdates(const JobUpdates& updates, FamilyList& out) {
  out.Histogram(
         "opentelemetry_allocator_process_target_groups_duration_seconds",
         "Duration of processing target groups.")
      .With(OtelScope());
  updates.ForEach(
      [&](const std::string& job, const AtomicHistogram& duration, double) {
        out.Durations(duration, {{"job_name", job}});
      });
  out.Gauge("prometheus_sd_last_update_timestamp_seconds",
            "Timestamp of the last update sent to the SD consumers.");
  updates.ForEach([&](const std::string& job, const AtomicHistogram&,
                      double last_unix_seconds) {
    out.Sample(last_unix_seconds, {{"config", job}, {"name", ""}});
  });
}

std::string StrategyOf(const Snapshot& snapshot) {
  return std::string(snapshot.config ? ToString(snapshot.config->strategy)
                                     : std::string_view());
}

}  // namespace

std::vector<prometheus::MetricFamily> ServerMetrics::Collect() const {
  FamilyList out;
  out.Histogram("opentelemetry_allocator_http_duration_seconds",
                "Duration of received HTTP requests.")
      .With(OtelScope());
  for (int i = 0; i < kRoutes; ++i) {
    const AtomicHistogram& histogram = stats_.http_duration[i];
    if (IsEmpty(histogram)) continue;
    out.Durations(
        histogram,
        {{"path", std::string(RouteTemplate(static_cast<Route>(i)))}});
  }
  out.Counter("target_allocator_http_answers_total",
              "Answers by the class of their status.");
  for (std::size_t i = 2; i < stats_.answers.size(); ++i) {
    out.Sample(stats_.answers[i].load(), {{"code", std::to_string(i) + "xx"}});
  }
  out.Counter("target_allocator_http_not_modified_total",
              "Answers without a body, as the client has the same (304).")
      .Sample(stats_.not_modified.load());
  out.Counter("target_allocator_http_sent_bytes_total",
              "Bytes of bodies sent, as encoded.")
      .Sample(stats_.bytes_sent.load());
  out.Gauge("target_allocator_http_connections", "Open connections.")
      .Sample(stats_.connections.load());
  out.Counter("target_allocator_http_connections_accepted_total",
              "Connections accepted.")
      .Sample(stats_.accepted.load());
  out.Counter("target_allocator_http_connections_refused_total",
              "Connections closed because there were too many.")
      .Sample(stats_.refused.load());
  out.Counter("target_allocator_http_accept_failures_total",
              "Times that accepting failed, as without free file descriptors.")
      .Sample(stats_.accept_failures.load());
  out.Counter("target_allocator_http_timeouts_total",
              "Connections closed at a deadline while not idle.")
      .Sample(stats_.timeouts.load());
  out.Counter("target_allocator_http_bad_requests_total",
              "Requests that were no HTTP or above a limit.")
      .Sample(stats_.bad_requests.load());
  out.Gauge("target_allocator_held_requests",
            "Requests of collectors that wait to become members.")
      .Sample(stats_.held.load());
  const BodyCache::Stats cache = cache_.stats();
  out.Counter("target_allocator_body_cache_hits_total",
              "Answers whose body was rendered before.")
      .Sample(cache.hits);
  out.Counter("target_allocator_body_cache_misses_total",
              "Answers whose body had to be rendered.")
      .Sample(cache.misses);
  out.Counter("target_allocator_body_cache_hit_bytes_total",
              "Bytes of the answers whose body was rendered before.")
      .Sample(cache.hit_bytes);
  out.Gauge("target_allocator_body_cache_bytes", "Bytes of bodies kept.")
      .Sample(cache.bytes);
  out.Gauge("target_allocator_body_cache_entries", "Bodies kept.")
      .Sample(cache.entries);
  const ByteBudget::Stats budget = budget_.stats();
  out.Gauge("target_allocator_bodies_bytes",
            "Bytes of bodies being rendered, being sent or kept.")
      .Sample(budget.bytes);
  out.Gauge("target_allocator_bodies_limit_bytes",
            "What target_allocator_bodies_bytes may come to.")
      .Sample(budget.limit);
  out.Counter("target_allocator_bodies_refused_total",
              "Times that a body was not rendered for want of room.")
      .Sample(budget.refused);
  AddStages({{{{"stage", "render"}}, rendering_}}, out);
  return out.Take();
}

std::vector<prometheus::MetricFamily> ServiceMetrics::Collect() const {
  FamilyList out;
  const std::string strategy = StrategyOf(*snapshots_.Get());
  out.Counter("opentelemetry_allocator_events_total",
              "Number of events in the channel.")
      .With(OtelScope())
      .Sample(stats_.config_events.load(),
              {{"source", "EventSourceConfigMap"}});
  out.Counter("prometheus_sd_received_updates_total",
              "Total number of update events received from the SD providers.")
      .Sample(stats_.group_updates.load(), {{"name", ""}});
  out.Counter("target_allocator_group_updates_total", "Group updates received.")
      .Sample(stats_.group_updates.load());
  out.Counter("target_allocator_member_updates_total",
              "Lists of members received.")
      .Sample(stats_.member_updates.load());
  out.Counter("target_allocator_polls_total",
              "Requests of scrapers for a job's targets.")
      .Sample(stats_.polls.load());
  // One Apply relabels, assigns and makes the snapshot; the Go allocator
  // measures processing and allocating apart.
  out.Histogram("opentelemetry_allocator_time_to_allocate",
                "The time it takes to allocate")
      .With(OtelScope());
  out.Durations(stats_.apply_targets,
                {{"method", "SetTargets"}, {"strategy", strategy}});
  out.Durations(stats_.apply_members,
                {{"method", "SetCollectors"}, {"strategy", strategy}});
  out.Histogram("opentelemetry_allocator_process_targets_duration_seconds",
                "Duration of processing targets.")
      .With(OtelScope());
  out.Durations(stats_.apply_targets);
  out.Counter("prometheus_sd_updates_delayed_total",
              "Total number of update events that couldn't be sent "
              "immediately.")
      .Sample(stats_.delayed_updates.load(), {{"name", ""}});
  AddJobUpdates(stats_.job_updates, out);
  const auto stage = [&](Stage one) -> const StageStats& {
    return stats_.stages[static_cast<std::size_t>(one)];
  };
  AddStages({{{{"stage", "relabel"}}, stage(Stage::kRelabel)},
             {{{"stage", "assign"}}, stage(Stage::kAssign)},
             {{{"stage", "snapshot"}}, stage(Stage::kSnapshot)}},
            out);
  out.Counter("target_allocator_coalesced_events_total",
              "Events that were applied together with an earlier one.")
      .Sample(stats_.coalesced_events.load());
  out.Histogram("target_allocator_event_wait_seconds",
                "How long events waited, from the queue to being served.")
      .Durations(stats_.event_wait);
  out.Gauge("target_allocator_queue_events",
            "Events that are not served yet: queued or being applied.")
      .Sample(stats_.waiting_events.load());
  out.Gauge("target_allocator_queue_age_seconds",
            "For how long the oldest event that is not served has waited.")
      .Sample(stats_.QueueAgeSeconds(std::chrono::steady_clock::now()));
  return out.Take();
}

std::vector<prometheus::MetricFamily> GatherMetrics(
    const MetricSources& sources) {
  std::map<std::string, prometheus::MetricFamily> by_name;
  for (const auto& source : sources) {
    for (prometheus::MetricFamily& family : source->Collect()) {
      if (family.metric.empty()) continue;
      const auto [known, is_new] = by_name.try_emplace(family.name);
      if (is_new) {
        known->second = std::move(family);
      } else {
        std::ranges::move(family.metric,
                          std::back_inserter(known->second.metric));
      }
    }
  }
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  // Names of jobs and files may hold any bytes; one that is no UTF-8 would make
  // the whole page unreadable.
  for (auto& family : families) {
    for (auto& metric : family.metric) {
      for (auto& label : metric.label) {
        if (!IsValidUtf8(label.value)) label.value = ToValidUtf8(label.value);
      }
    }
  }
  return families;
}

std::string MetricsText(const MetricSources& sources) {
  // The base class's overload, which the derived one hides.
  const prometheus::Serializer& serializer = prometheus::TextSerializer();
  return serializer.Serialize(GatherMetrics(sources));
}

}  // namespace ta
