#include "allocator/inventory.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace ta {
namespace {

constexpr std::array<std::pair<TargetState, std::string_view>, 5> kStates = {{
    {TargetState::kAssigned, "assigned"},
    {TargetState::kUnassigned, "unassigned"},
    {TargetState::kDropped, "dropped"},
    {TargetState::kDuplicate, "duplicate"},
    {TargetState::kInvalid, "invalid"},
}};

using Wanted = std::function<bool(const InventoryEntry&)>;  // null: all

void AppendLive(const JobView& job, const Wanted& wanted,
                std::vector<InventoryEntry>& out) {
  // A target stands in its owner's list, in those of its earlier owners and,
  // without an owner, among the unassigned: bring these together by id.
  struct Place {
    const Target* target;
    MemberId member;  // kNoMember: unassigned
    bool owned;
    UnassignedReason reason;
  };
  std::vector<Place> places;
  InventoryEntry asked;
  const auto is_wanted = [&](const TargetPtr& target) {
    asked.target = target.get();
    return !wanted || wanted(asked);
  };
  for (const JobView::Share& share : job.shares) {
    for (const ListedTarget& listed : share.list->targets) {
      if (!is_wanted(listed.target)) continue;
      places.push_back({listed.target.get(), share.member, listed.owned, {}});
    }
  }
  if (job.unassigned) {
    for (const UnassignedTarget& one : *job.unassigned) {
      if (!is_wanted(one.target)) continue;
      places.push_back({one.target.get(), kNoMember, false, one.reason});
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.target->id, a.member) < std::tie(b.target->id, b.member);
  });
  for (const Place& place : places) {
    if (out.empty() || out.back().target->id != place.target->id) {
      InventoryEntry entry;
      entry.state = TargetState::kUnassigned;
      entry.target = place.target;
      out.push_back(std::move(entry));
    }
    InventoryEntry& entry = out.back();
    if (place.owned) {
      entry.state = TargetState::kAssigned;
      entry.owner = place.member;
      entry.target = place.target;
    } else if (place.member != kNoMember) {
      entry.earlier.push_back(place.member);
    } else {
      entry.unassigned_reason = place.reason;
    }
  }
}

void AppendUnserved(const JobView& job, const Wanted& wanted,
                    std::vector<InventoryEntry>& out) {
  std::vector<const UnservedGroup*> groups;
  for (const auto& bucket : job.unserved) {
    for (const auto& group : bucket->groups) groups.push_back(group.get());
  }
  std::sort(groups.begin(), groups.end(), [](const auto* a, const auto* b) {
    return std::tie(a->discoverer, a->source) <
           std::tie(b->discoverer, b->source);
  });
  for (const UnservedGroup* group : groups) {
    for (const UnservedTarget& unserved : group->targets) {
      InventoryEntry entry;
      entry.state = StateOf(unserved.state);
      entry.unserved = &unserved;
      entry.unserved_group = group;
      if (!wanted || wanted(entry)) out.push_back(std::move(entry));
    }
  }
}

}  // namespace

std::string_view ToString(TargetState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "";
}

std::optional<TargetState> ParseTargetState(std::string_view text) {
  for (const auto& [value, name] : kStates) {
    if (name == text) return value;
  }
  return std::nullopt;
}

TargetState StateOf(UnservedTarget::State state) {
  switch (state) {
    case UnservedTarget::State::kDroppedByRule:
    case UnservedTarget::State::kDroppedByCheck:
      return TargetState::kDropped;
    case UnservedTarget::State::kDuplicate:
      return TargetState::kDuplicate;
    case UnservedTarget::State::kInvalid:
      return TargetState::kInvalid;
  }
  return TargetState::kInvalid;
}

std::string_view InventoryEntry::Get(std::string_view name) const {
  const auto found = own().Find(name);
  return found ? *found : group().Get(name);
}

std::vector<InventoryEntry> InventoryOf(const JobView& job,
                                        const Wanted& wanted) {
  std::vector<InventoryEntry> entries;
  if (!wanted) entries.reserve(job.counts.discovered);
  AppendLive(job, wanted, entries);
  AppendUnserved(job, wanted, entries);
  return entries;
}

std::string_view MemberName(const Snapshot& snapshot, MemberId id) {
  for (const MemberView& member : snapshot.members) {
    if (member.id == id) return member.name;
  }
  return "";
}

}  // namespace ta
