// What must be, computed slowly and plainly from the state of the world: which
// targets live, as which labels, and who owns them. It shares relabeling with
// the allocator, which has an oracle of its own, and nothing else.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/relabel.h"
#include "allocator/snapshot.h"
#include "allocator/target_group.h"

namespace ta::test {

// Discoverer -> source -> group.
using Groups = std::map<std::string, std::map<std::string, TargetGroup>>;

struct OracleInput {
  // Jobs, each with the discoverers that feed it now.
  struct Job {
    std::shared_ptr<const ScrapeConfig> config;
    std::set<std::string> feeds;
  };
  std::vector<Job> jobs;
  Groups groups;
  std::map<std::string, std::string> members;  // live: name -> node
  StrategyKind strategy = StrategyKind::kConsistentHashing;
  StrategyKind fallback = StrategyKind::kConsistentHashing;
  FallbackScope scope = FallbackScope::kNode;
  int max_load_ratio_thousandths = 1050;
};

struct OracleTarget {
  std::string job;
  std::string labels;  // discovered, merged, as text
  std::string address;
  std::string node;
  std::uint64_t placement_key = 0;
  std::string owner;   // "" if none
  std::string reason;  // then
};

struct OracleState {
  std::map<TargetId, OracleTarget> targets;
  std::map<std::string, std::size_t> discovered;  // by job
};

// The owners are left out for least-weighted, which depends on history.
OracleState Oracle(const OracleInput& input);

// The labels of both as one text, for comparing.
std::string TextOf(const Labels& group, const Labels& own);

}  // namespace ta::test
