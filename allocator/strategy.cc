#include "allocator/strategy.h"

#include <cassert>

#include "allocator/strategy_kinds.h"

namespace ta {

std::string_view ToString(UnassignedReason reason) {
  switch (reason) {
    case UnassignedReason::kNoCollectors:
      return "no_collectors";
    case UnassignedReason::kNoCollectorOnNode:
      return "no_collector_on_node";
    case UnassignedReason::kNoNode:
      return "no_node";
  }
  return "";
}

StrategySettings StrategySettings::Of(const Config& config) {
  return {config.strategy, config.fallback_strategy, config.fallback_scope,
          config.max_load_ratio_thousandths};
}

std::unique_ptr<Strategy> MakeStrategy(const StrategySettings& settings) {
  switch (settings.kind) {
    case StrategyKind::kConsistentHashing:
      return MakeConsistentHashing(settings.max_load_ratio_thousandths);
    case StrategyKind::kLeastWeighted:
      return MakeLeastWeighted();
    case StrategyKind::kPerNode: {
      StrategySettings fallback = settings;
      fallback.kind = settings.fallback;
      assert(fallback.kind != StrategyKind::kPerNode);
      return MakePerNode(settings.max_load_ratio_thousandths, settings.scope,
                         fallback.kind == StrategyKind::kNone
                             ? nullptr
                             : MakeStrategy(fallback));
    }
    case StrategyKind::kNone:
      break;
  }
  assert(false);
  return nullptr;
}

}  // namespace ta
