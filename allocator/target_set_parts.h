// What TargetSet is made of; for target_set.cc and target_set_claims.cc.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/compact_array.h"
#include "allocator/group_table.h"
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
  Identity identity;  // if kept
};

struct TargetSet::JobGroup {
  std::unique_ptr<std::vector<std::string>> reasons;     // of checks
  [[no_unique_address]] CompactArray<Outcome> outcomes;  // as Group::targets
  JobId job : 30 = 0;
  bool has_unserved : 1 = false;  // stands in the job's UnservedIndex

  // Drops the reasons of targets that are gone, when they are many.
  void CompactReasons();
};

// What a changed group's job keeps for targets that moved in it.
struct TargetSet::Carried {
  std::vector<Outcome> outcomes;     // as Alignment::moved
  std::vector<std::uint32_t> again;  // indices of those that must be decided
};

// Its source stands behind it in the same block of memory: there may be one for
// each target.
struct TargetSet::Group {
  struct Delete {
    void operator()(Group* group) const {
      std::destroy_at(group);
      ::operator delete(group);
    }
  };
  using Owner = std::unique_ptr<Group, Delete>;

  static Owner Make(Discoverer* discoverer, std::string_view source);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  std::string_view source() const {
    return {reinterpret_cast<const char*>(this + 1), source_bytes};
  }

  Discoverer* discoverer;
  Labels labels;
  std::unique_ptr<const std::vector<InvalidTarget>> invalid;
  CompactArray<JobGroup> jobs;
  [[no_unique_address]] CompactArray<Labels> targets;
  std::uint32_t source_bytes;

  // Null if the job has nothing of the group.
  JobGroup* Of(JobId job) {
    const auto own = std::ranges::find_if(
        jobs, [&](const JobGroup& each) { return each.job == job; });
    return own == jobs.end() ? nullptr : own;
  }
  std::size_t Discovered() const {
    return targets.size() + (invalid == nullptr ? 0 : invalid->size());
  }
  bool Equals(const TargetGroup& other) const {
    return labels == other.labels &&
           std::ranges::equal(targets, other.targets) &&
           (invalid == nullptr ? other.invalid.empty()
                               : *invalid == other.invalid);
  }

 private:
  Group(Discoverer* of, std::size_t bytes)
      : discoverer(of), source_bytes(static_cast<std::uint32_t>(bytes)) {}
};

inline TargetSet::Group::Owner TargetSet::Group::Make(Discoverer* discoverer,
                                                      std::string_view source) {
  static_assert(sizeof(JobGroup) == 24 && sizeof(Group) == 72);
  void* const memory = ::operator new(sizeof(Group) + source.size());
  Group* const group = new (memory) Group(discoverer, source.size());
  std::ranges::copy(source, reinterpret_cast<char*>(group + 1));
  return Owner(group);
}

struct TargetSet::Discoverer {
  std::string key;
  GroupTable<Group::Owner> groups;
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
