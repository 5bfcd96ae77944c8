#include "api/pages/target_rows.h"

#include <algorithm>
#include <tuple>

#include "api/render.h"
#include "hashing/hash.h"

namespace ta {
namespace {

// Counts what matches, and keeps what is within the window.
class RowWindow {
 public:
  RowWindow(std::size_t first, std::size_t count)
      : first_(first), end_(first + count) {}

  // Passes `count` matches without a look, if all of them are outside.
  bool Skip(std::size_t count) {
    if (matches_ < end_ && matches_ + count > first_) return false;
    matches_ += count;
    return true;
  }
  // Passes one match: is it inside?
  bool Take() {
    ++matches_;
    return matches_ > first_ && matches_ <= end_;
  }
  void Add(const JobView& job, InventoryEntry entry) {
    rows_.push_back({&job, std::move(entry)});
  }
  // Where the window stands in what comes next: so many before it.
  std::size_t before() const {
    return first_ > matches_ ? first_ - matches_ : 0;
  }
  // And so many rows of it at most from there.
  std::size_t wanted() const {
    return end_ - std::min(end_, std::max(first_, matches_));
  }

  TargetRows Result() && { return {matches_, std::move(rows_)}; }

 private:
  const std::size_t first_;
  const std::size_t end_;
  std::size_t matches_ = 0;
  std::vector<TargetRow> rows_;
};

// The place of `id` in a list that is sorted by it; the end if it isn't there.
template <typename List>
auto FindById(const List& list, const TargetId& id) {
  const auto found = std::lower_bound(list.begin(), list.end(), id,
                                      [](const auto& one, const TargetId& key) {
                                        return one.target->id < key;
                                      });
  return found != list.end() && found->target->id == id ? found : list.end();
}

// The live target `id` of `job`, its owner and who else is served it.
std::optional<InventoryEntry> FindLive(const JobView& job, const TargetId& id) {
  InventoryEntry entry;
  entry.state = TargetState::kUnassigned;
  for (const JobView::Share& share : job.shares) {
    const auto& list = share.list->targets;
    const auto found = FindById(list, id);
    if (found == list.end()) continue;
    if (entry.target == nullptr || found->owned) {
      entry.target = found->target.get();
    }
    if (found->owned) {
      entry.state = TargetState::kAssigned;
      entry.owner = share.member;
    } else {
      entry.earlier.push_back(share.member);
    }
  }
  if (job.unassigned) {
    const auto found = FindById(*job.unassigned, id);
    if (found != job.unassigned->end()) {
      entry.target = found->target.get();
      entry.unassigned_reason = found->reason;
    }
  }
  if (entry.target == nullptr) return std::nullopt;
  return entry;
}

InventoryEntry EntryOf(const UnservedGroup& group,
                       const UnservedTarget& unserved) {
  InventoryEntry entry;
  entry.state = StateOf(unserved.state);
  entry.unserved = &unserved;
  entry.unserved_group = &group;
  return entry;
}

// The upper half of an UnservedKey: known already, where the lower half takes
// hashing.
std::uint64_t LabelsKey(const UnservedTarget& unserved) {
  constexpr std::uint64_t kUpper = 0xffffffff00000000;
  return (unserved.own.Hash() * 3 + unserved.group.Hash()) & kUpper;
}

bool HasAddress(const Target& target, std::string_view part) {
  return part.empty() || AddressOf(target).contains(part);
}

bool Matches(const UnservedTarget& unserved, const TargetFilter& filter) {
  if (filter.state && StateOf(unserved.state) != *filter.state) return false;
  if (filter.rule && (unserved.state != UnservedTarget::State::kDroppedByRule ||
                      unserved.rule != *filter.rule)) {
    return false;
  }
  if (filter.address.empty()) return true;
  const auto own = unserved.own.Find("__address__");
  return (own ? *own : unserved.group.Get("__address__"))
             .contains(filter.address) ||
         // One that could not be accepted may have no labels.
         (unserved.state == UnservedTarget::State::kInvalid &&
          unserved.reason.contains(filter.address));
}

// The targets of one job.
class Scan {
 public:
  Scan(const Snapshot& snapshot, const TargetFilter& filter, const JobView& job,
       RowWindow& out)
      : snapshot_(snapshot), filter_(filter), job_(job), out_(out) {}

  void Run() {
    if (!filter_.collector && !filter_.rule && filter_.address.empty() &&
        out_.Skip(Counted())) {
      return;
    }
    if (filter_.collector != nullptr) return ScanServed(*filter_.collector);
    if (Wants(TargetState::kAssigned)) {
      for (const MemberView& member : snapshot_.members) ScanOwned(member);
    }
    if (Wants(TargetState::kUnassigned)) ScanUnassigned();
    if (!filter_.state ||
        (!Wants(TargetState::kAssigned) && !Wants(TargetState::kUnassigned))) {
      ScanUnserved();
    }
  }

 private:
  bool Wants(TargetState state) const {
    return !filter_.rule && (!filter_.state || *filter_.state == state);
  }

  // What matches where nothing but a state is asked for.
  std::size_t Counted() const {
    const JobCounts& counts = job_.counts;
    if (!filter_.state) return counts.discovered;
    switch (*filter_.state) {
      case TargetState::kAssigned:
        return counts.assigned;
      case TargetState::kUnassigned:
        return counts.unassigned;
      case TargetState::kDropped:
        return counts.dropped;
      case TargetState::kDuplicate:
        return counts.duplicates;
      case TargetState::kInvalid:
        return counts.invalid;
    }
    return 0;
  }

  void AddLive(const TargetId& id) {
    if (auto entry = FindLive(job_, id)) out_.Add(job_, *std::move(entry));
  }

  void ScanOwned(const MemberView& member) {
    const TargetList* list = job_.ListOf(member.id);
    if (list == nullptr) return;
    if (filter_.address.empty() && out_.Skip(list->owned)) return;
    for (const ListedTarget& listed : list->targets) {
      if (!listed.owned || !HasAddress(*listed.target, filter_.address)) {
        continue;
      }
      if (out_.Take()) AddLive(listed.target->id);
    }
  }

  // All that one collector is served, its own or not.
  void ScanServed(const MemberView& member) {
    const TargetList* list = job_.ListOf(member.id);
    if (list == nullptr || filter_.rule) return;
    if (filter_.address.empty() && !filter_.state &&
        out_.Skip(list->targets.size())) {
      return;
    }
    for (const ListedTarget& listed : list->targets) {
      const TargetId& id = listed.target->id;
      if (!HasAddress(*listed.target, filter_.address)) continue;
      if (filter_.state) {
        // Whose it is by now, where it is handed over.
        TargetState state = TargetState::kAssigned;
        if (!listed.owned) state = FindLive(job_, id)->state;
        if (state != *filter_.state) continue;
      }
      if (out_.Take()) AddLive(id);
    }
  }

  void ScanUnassigned() {
    if (!job_.unassigned) return;
    if (filter_.address.empty() && out_.Skip(job_.unassigned->size())) return;
    for (const UnassignedTarget& one : *job_.unassigned) {
      if (!HasAddress(*one.target, filter_.address)) continue;
      if (out_.Take()) AddLive(one.target->id);
    }
  }

  void ScanUnserved() {
    struct Group {
      const UnservedGroup* group;
      std::size_t matches;
    };
    std::vector<Group> groups;
    std::size_t total = 0;
    for (const auto& bucket : job_.unserved) {
      for (const auto& group : bucket->groups) {
        const auto matches = static_cast<std::size_t>(std::ranges::count_if(
            group->targets,
            [&](const auto& one) { return Matches(one, filter_); }));
        if (matches > 0) groups.push_back({group.get(), matches});
        total += matches;
      }
    }
    if (out_.Skip(total)) return;
    // They are in no order, and putting a hundred thousand into one for a page
    // of a hundred takes longer than all the rest. So halve what the first row
    // of the page may be in until it is found, as in quickselect: O(groups).
    const auto less = [](const Group& a, const Group& b) {
      return std::tie(a.group->discoverer, a.group->source) <
             std::tie(b.group->discoverer, b.group->source);
    };
    const std::size_t before = out_.before();
    std::size_t passed = 0;
    auto low = groups.begin();
    auto high = groups.end();
    while (high - low > 1) {
      const auto middle = low + (high - low) / 2;
      std::nth_element(low, middle, high, less);
      std::size_t left = 0;
      for (auto one = low; one != middle; ++one) left += one->matches;
      if (passed + left <= before) {
        passed += left;
        low = middle;
      } else {
        high = middle;
      }
    }
    (void)out_.Skip(passed);
    // Each has a match at least, so that many are enough.
    const auto shown = std::min<std::ptrdiff_t>(
        groups.end() - low, static_cast<std::ptrdiff_t>(out_.wanted()) + 1);
    std::partial_sort(low, low + shown, groups.end(), less);
    for (auto one = low; one != low + shown; ++one) {
      for (const UnservedTarget& unserved : one->group->targets) {
        if (!Matches(unserved, filter_)) continue;
        if (out_.Take()) out_.Add(job_, EntryOf(*one->group, unserved));
        ++passed;
      }
    }
    (void)out_.Skip(total - passed);
  }

  const Snapshot& snapshot_;
  const TargetFilter& filter_;
  const JobView& job_;
  RowWindow& out_;
};

}  // namespace

TargetRows FindTargets(const Snapshot& snapshot, const TargetFilter& filter,
                       std::size_t first, std::size_t count) {
  RowWindow out(first, count);
  if (filter.job != nullptr) {
    Scan(snapshot, filter, *filter.job, out).Run();
  } else {
    for (const auto& job : snapshot.jobs) {
      Scan(snapshot, filter, *job, out).Run();
    }
  }
  return std::move(out).Result();
}

std::optional<TargetRow> FindTarget(const Snapshot& snapshot,
                                    const JobView* job, const TargetId& id) {
  const auto find = [&id](const JobView& one) -> std::optional<TargetRow> {
    auto entry = FindLive(one, id);
    if (!entry) return std::nullopt;
    return TargetRow{&one, *std::move(entry)};
  };
  if (job != nullptr) return find(*job);
  for (const auto& one : snapshot.jobs) {
    if (auto found = find(*one)) return found;
  }
  return std::nullopt;
}

std::uint64_t UnservedKey(const UnservedGroup& group,
                          const UnservedTarget& unserved) {
  const std::uint64_t place =
      Hasher().Append(group.source).Append(unserved.reason).Hash64();
  return LabelsKey(unserved) | (place >> 32);
}

std::optional<TargetRow> FindUnserved(const JobView& job, std::uint64_t key) {
  for (const auto& bucket : job.unserved) {
    for (const auto& group : bucket->groups) {
      for (const UnservedTarget& unserved : group->targets) {
        if ((LabelsKey(unserved) ^ key) >> 32 == 0 &&
            UnservedKey(*group, unserved) == key) {
          return TargetRow{&job, EntryOf(*group, unserved)};
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace ta
