// The families of the stages between the world and an answer. Each stage is
// counted where it runs, so several sources have samples of these families;
// GatherMetrics puts them together.

#pragma once

#include <initializer_list>

#include "allocator/base/stage_stats.h"
#include "api/metric_family.h"

namespace ta {

struct StageSample {
  MetricLabels labels;  // `stage`, and `mechanism` where it is discovery
  const StageStats& stats;
};

// Inside api/ and the metrics of discovery only.
inline void AddStages(std::initializer_list<StageSample> samples,
                      FamilyList& out) {
  out.Histogram("target_allocator_stage_duration_seconds",
                "How long a stage took each time that it had work.");
  for (const auto& [labels, stats] : samples) {
    out.Durations(stats.duration, labels);
  }
  out.Counter("target_allocator_stage_items_total",
              "What stages had to do: groups sent, targets relabeled and "
              "placed, lists made, bytes rendered.");
  for (const auto& [labels, stats] : samples) {
    out.Sample(stats.items.load(), labels);
  }
}

}  // namespace ta
