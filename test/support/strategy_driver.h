// A Strategy with targets and members that a test names by number and by name.
// It knows who owns what only from what the strategy reports.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/strategy.h"
#include "hashing/hash.h"

namespace ta::test {

class StrategyDriver {
 public:
  struct Named {
    std::string name;
    std::string node;
    Named(const char* name) : name(name) {}             // NOLINT
    Named(std::string name) : name(std::move(name)) {}  // NOLINT
    Named(std::string name, std::string node)
        : name(std::move(name)), node(std::move(node)) {}
  };
  // Removed first, then members, then added; a slot may be in both.
  struct Batch {
    std::set<Slot> removed;
    std::optional<std::vector<Named>> members;
    std::set<Slot> added;
    std::map<Slot, MemberId> previous;

    template <typename Names>
    void SetMembers(const Names& names) {
      members.emplace(names.begin(), names.end());
    }
  };

  explicit StrategyDriver(std::unique_ptr<Strategy> strategy)
      : strategy_(std::move(strategy)) {}
  // Another strategy, given the state of `other` in one step.
  StrategyDriver(std::unique_ptr<Strategy> strategy,
                 const StrategyDriver& other)
      : strategy_(std::move(strategy)),
        ids_(other.ids_),
        names_(other.names_),
        nodes_(other.nodes_) {
    Batch batch;
    batch.members = other.members_;
    for (const auto& [slot, assignment] : other.assignments_) {
      batch.added.insert(slot);
    }
    Apply(batch);
  }

  Strategy& strategy() { return *strategy_; }
  TargetId IdOf(Slot slot) const {
    return Hash128("target " + std::to_string(slot));
  }
  std::uint64_t KeyOf(Slot slot) const {
    return Hash64("key " + std::to_string(slot / 2));  // some are equal
  }
  MemberId MemberOf(const std::string& name) const { return ids_.at(name); }
  void Name(const std::string& name) {
    const auto id = static_cast<MemberId>(ids_.size());
    if (ids_.emplace(name, id).second) names_[id] = name;
  }
  void SetNode(Slot slot, const std::string& node) { nodes_[slot] = node; }

  void Apply(const Batch& batch) {
    const std::vector<Slot> removed(batch.removed.begin(), batch.removed.end());
    std::vector<StrategyMember> members;
    if (batch.members) {
      members_ = *batch.members;
      for (const Named& each : members_) {
        Name(each.name);
        members.push_back({ids_.at(each.name), each.name, each.node});
      }
    }
    std::vector<StrategyTarget> added;
    for (const Slot slot : batch.added) {
      const auto previous = batch.previous.find(slot);
      added.push_back(
          {slot, KeyOf(slot), IdOf(slot), nodes_[slot],
           previous == batch.previous.end() ? kNoMember : previous->second});
    }
    for (const Slot slot : removed) assignments_.erase(slot);
    const auto reported =
        strategy_->Apply({removed, batch.members ? &members : nullptr, added});
    EXPECT_TRUE(std::ranges::is_sorted(reported, {}, &Assignment::slot));
    std::set<Slot> missing = batch.added;
    std::optional<Slot> last;
    for (const Assignment& each : reported) {
      EXPECT_NE(last, each.slot) << "reported twice";
      last = each.slot;
      EXPECT_TRUE(assignments_.contains(each.slot) ||
                  batch.added.contains(each.slot))
          << "reported " << each.slot << ", which is not there";
      missing.erase(each.slot);
      assignments_[each.slot] = each;
      if (each.owner == kNoMember) continue;
      EXPECT_TRUE(std::ranges::any_of(members_, [&](const Named& named) {
        return ids_.at(named.name) == each.owner;
      })) << "its owner is no member";
    }
    EXPECT_TRUE(missing.empty()) << "an added target was not reported";
  }
  void SetMembers(const std::vector<Named>& members) {
    Batch batch;
    batch.members = members;
    Apply(batch);
  }
  void SetMembers(const std::vector<std::string>& names) {
    SetMembers(std::vector<Named>(names.begin(), names.end()));
  }
  void SetMembers(std::initializer_list<Named> members) {
    SetMembers(std::vector<Named>(members));
  }
  void Add(Slot slot, const std::string& node = "") {
    SetNode(slot, node);
    Batch batch;
    batch.added = {slot};
    Apply(batch);
  }
  void Remove(Slot slot) {
    Batch batch;
    batch.removed = {slot};
    Apply(batch);
  }

  MemberId OwnerIdOf(Slot slot) const { return assignments_.at(slot).owner; }
  std::string OwnerOf(Slot slot) const {
    const MemberId owner = OwnerIdOf(slot);
    return owner == kNoMember ? "" : names_.at(owner);
  }
  UnassignedReason ReasonOf(Slot slot) const {
    return assignments_.at(slot).reason;
  }
  std::map<Slot, std::string> Owners() const {
    std::map<Slot, std::string> owners;
    for (const auto& [slot, each] : assignments_) owners[slot] = OwnerOf(slot);
    return owners;
  }
  // What each member has, also those that have nothing.
  std::map<std::string, std::set<Slot>> Loads() const {
    std::map<std::string, std::set<Slot>> loads;
    for (const Named& member : members_) loads[member.name];
    for (const auto& [slot, owner] : Owners()) {
      if (!owner.empty()) loads[owner].insert(slot);
    }
    return loads;
  }

 private:
  std::unique_ptr<Strategy> strategy_;
  std::map<std::string, MemberId> ids_;
  std::map<MemberId, std::string> names_;
  std::map<Slot, std::string> nodes_;
  std::vector<Named> members_;
  std::map<Slot, Assignment> assignments_;
};

}  // namespace ta::test
