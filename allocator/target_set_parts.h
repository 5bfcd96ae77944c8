// What TargetSet is made of; for target_set.cc and target_set_claims.cc.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/compact_array.h"
#include "allocator/target_set.h"

namespace ta {

// One target of a group as one job sees it: a slot, or why it is dropped (then
// the rule, or an index into JobGroup::reasons). Packed into 32 bits, since
// there is one for each discovered target and job.
inline constexpr std::uint32_t kDropped = 0x80000000;
inline constexpr std::uint32_t kByCheck = 0x40000000;
inline constexpr std::uint32_t kNotJudged = 0xffffffff;

inline bool IsKept(std::uint32_t outcome) { return (outcome & kDropped) == 0; }
inline std::uint32_t ReasonOf(std::uint32_t outcome) {
  return outcome & ~(kDropped | kByCheck);
}

struct TargetSet::Verdict {
  bool kept = false;
  int rule = -1;
  std::string reason;
  TargetId id;
  std::uint64_t placement_key = 0;
  std::uint32_t scrape_interval_ms = 0;
};

struct TargetSet::JobGroup {
  JobId job = 0;
  bool has_unserved = false;       // stands in the job's UnservedIndex
  CompactArray<Outcome> outcomes;  // as Group::targets
  std::unique_ptr<std::vector<std::string>> reasons;  // of checks

  // Drops the reasons of targets that are gone, when they are many.
  void CompactReasons();
};

// What a changed group's job keeps for targets that moved in it.
struct TargetSet::Carried {
  std::vector<Outcome> outcomes;     // as Alignment::moved
  std::vector<std::uint32_t> again;  // indices of those that must be decided
};

struct TargetSet::Group {
  Discoverer* discoverer = nullptr;
  const std::string* source = nullptr;  // its key in the discoverer's map
  Labels labels;
  CompactArray<Labels> targets;
  std::unique_ptr<const std::vector<InvalidTarget>> invalid;
  CompactArray<JobGroup> jobs;

  std::size_t Discovered() const {
    return targets.size() + (invalid == nullptr ? 0 : invalid->size());
  }
  bool Equals(const TargetGroup& other) const {
    return labels == other.labels &&
           std::ranges::equal(targets, other.targets) &&
           (invalid == nullptr ? other.invalid.empty()
                               : *invalid == other.invalid);
  }
};

struct TargetSet::Discoverer {
  std::string key;
  std::unordered_map<std::string, Group> groups;
  std::set<JobId> jobs;  // that it feeds
  DiscovererStats stats;
};

struct TargetSet::Job {
  JobId id = 0;
  std::shared_ptr<const ScrapeConfig> config;
  std::shared_ptr<const Relabeler> relabeler;
  std::set<Discoverer*> fed_by;
  UnservedIndex unserved;
  std::size_t discovered = 0;
};

}  // namespace ta
