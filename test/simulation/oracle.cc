#include "test/simulation/oracle.h"

#include <optional>
#include <tuple>

#include "hashing/ring.h"
#include "test/hashing/matching_oracle.h"

namespace ta::test {
namespace {

using Text = std::vector<std::pair<std::string, std::string>>;

Text Merged(const Labels& group, const Labels& own) {
  std::map<std::string, std::string> merged;
  for (const LabelPair& pair : group) {
    merged[std::string(pair.name)] = pair.value;
  }
  for (const LabelPair& pair : own) merged[std::string(pair.name)] = pair.value;
  return {merged.begin(), merged.end()};
}

std::string ValueOf(const Text& labels, const std::string& name) {
  for (const auto& [each, value] : labels) {
    if (each == name) return value;
  }
  return "";
}

std::string NodeName(const Text& labels) {
  for (const char* name :
       {"__meta_kubernetes_pod_node_name", "__meta_kubernetes_node_name",
        "__meta_kubernetes_endpoint_node_name"}) {
    if (auto node = ValueOf(labels, name); !node.empty()) return node;
  }
  return "";
}

using Items = std::map<TargetId, OracleTarget*>;

// One bounded matching over `names`.
void Match(const Items& items, const std::vector<std::string>& names,
           int ratio) {
  std::vector<OracleItem> numbered;
  std::vector<OracleTarget*> targets;
  for (const auto& [id, target] : items) {
    numbered.push_back({static_cast<std::uint32_t>(targets.size()),
                        target->placement_key, id});
    targets.push_back(target);
  }
  const MatchingOracle oracle(numbered, names, ratio, Ring::kPointsPerMember);
  for (const auto& [item, owner] : oracle.Match()) {
    targets[item]->owner = owner;
  }
}

void Own(const OracleInput& input, OracleState& state) {
  std::vector<std::string> all;
  std::map<std::string, std::vector<std::string>> on_node;
  for (const auto& [name, node] : input.members) {
    all.push_back(name);
    if (!node.empty()) on_node[node].push_back(name);
  }
  const bool per_node = input.strategy == StrategyKind::kPerNode;
  std::map<std::string, Items> by_node;
  Items fallback;
  for (auto& [id, target] : state.targets) {
    if (all.empty()) {
      target.reason = "no_collectors";
    } else if (!per_node) {
      fallback[id] = &target;
    } else if (!target.node.empty() && on_node.contains(target.node)) {
      by_node[target.node][id] = &target;
    } else if (input.fallback != StrategyKind::kNone &&
               (target.node.empty() || input.scope == FallbackScope::kAll)) {
      fallback[id] = &target;
    } else {
      target.reason = target.node.empty() ? "no_node" : "no_collector_on_node";
    }
  }
  for (const auto& [node, items] : by_node) {
    Match(items, on_node.at(node), input.max_load_ratio_thousandths);
  }
  if (!fallback.empty()) {
    Match(fallback, all, input.max_load_ratio_thousandths);
  }
}

}  // namespace

std::string TextOf(const Labels& group, const Labels& own) {
  std::string text;
  for (const auto& [name, value] : Merged(group, own)) {
    text += name + "=" + value + " ";
  }
  return text;
}

OracleState Oracle(const OracleInput& input) {
  using Rank = std::tuple<std::string, Text, std::string>;
  OracleState state;
  std::map<TargetId, Rank> best;
  RelabelBuffer buffer;
  for (const OracleInput::Job& job : input.jobs) {
    const auto relabeler = *Relabeler::Create(
        job.config->job_name, job.config->seeds, job.config->relabel_configs);
    auto& discovered = state.discovered[job.config->job_name];
    for (const std::string& feed : job.feeds) {
      const auto groups = input.groups.find(feed);
      if (groups == input.groups.end()) continue;
      for (const auto& [source, group] : groups->second) {
        discovered += group.targets.size() + group.invalid.size();
        for (const Labels& own : group.targets) {
          if (!relabeler->Relabel(group.labels, own, buffer).kept()) continue;
          const TargetId id = buffer.Id();
          const Text labels = Merged(group.labels, own);
          const Rank rank{source, labels, feed};
          const auto [at, is_new] = best.try_emplace(id, rank);
          if (!is_new && at->second <= rank) continue;
          at->second = rank;
          state.targets[id] = {job.config->job_name,
                               TextOf(group.labels, own),
                               ValueOf(labels, "__address__"),
                               NodeName(labels),
                               buffer.PlacementKey(),
                               "",
                               ""};
        }
      }
    }
  }
  if (input.strategy != StrategyKind::kLeastWeighted) Own(input, state);
  return state;
}

}  // namespace ta::test
