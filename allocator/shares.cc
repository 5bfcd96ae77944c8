#include "allocator/shares.h"

#include <algorithm>
#include <cassert>

#include "hashing/hash.h"

namespace ta {
namespace {

// Merges sorted edits into a sorted list; later edits of one id win. `lost` and
// `gained` are called with the entries that only the one or the other has.
template <typename Entry, typename Edit, typename IdOf, typename Make,
          typename Lost, typename Gained>
std::vector<Entry> Merged(const std::vector<Entry>& old,
                          const std::vector<Edit>& edits, const IdOf& id_of,
                          const Make& make, const Lost& lost,
                          const Gained& gained) {
  std::vector<Entry> merged;
  merged.reserve(old.size() + edits.size());
  auto entry = old.begin();
  for (auto edit = edits.begin(); edit != edits.end();) {
    auto last = edit;
    while (last + 1 != edits.end() && (last + 1)->id == edit->id) ++last;
    while (entry != old.end() && id_of(*entry) < last->id) {
      merged.push_back(*entry++);
    }
    const Entry* was = nullptr;
    if (entry != old.end() && id_of(*entry) == last->id) was = &*entry++;
    if (last->target != nullptr) {
      merged.push_back(make(*last));
      if (was == nullptr || merged.back() != *was) {
        if (was != nullptr) lost(*was);
        gained(merged.back());
      }
    } else if (was != nullptr) {
      lost(*was);
    }
    edit = last + 1;
  }
  merged.insert(merged.end(), entry, old.end());
  return merged;
}

// A list's digest is the sum of its targets', so it follows an edit without a
// look at the rest.
std::uint64_t DigestOf(const Target& target) {
  const std::uint64_t fields[4] = {target.id.high, target.id.low,
                                   target.group.Hash(), target.own.Hash()};
  return Hash64({reinterpret_cast<const char*>(fields), sizeof fields});
}

}  // namespace

void Shares::Introduce(MemberId member, std::string_view name) {
  name_hashes_.emplace(member, Hash64(name));
}

void Shares::Forget(MemberId member) {
  assert(Owned(member) == 0);
  name_hashes_.erase(member);
  owned_.erase(member);
}

const Shares::Place& Shares::Of(Slot slot) const {
  static const Place nowhere;
  return slot < places_.size() ? places_[slot] : nowhere;
}

void Shares::Set(Slot slot, JobId job, TargetPtr target, MemberId owner,
                 UnassignedReason reason, std::uint64_t given,
                 std::span<const MemberId> earlier) {
  if (places_.size() <= slot) places_.resize(slot + 1);
  Place& place = places_[slot];
  const TargetId id = target->id;
  if (place.present) {
    const auto was = earlier_.find(slot);
    if (place.owner != owner) edits_[{job, place.owner}].push_back({id});
    if (was != earlier_.end()) {
      for (const MemberId member : was->second) {
        if (!std::ranges::binary_search(earlier, member)) {
          edits_[{job, member}].push_back({id});
        }
      }
    }
    Count(id, place.owner, -1);
  }
  Count(id, owner, +1);
  for (const MemberId member : earlier) {
    edits_[{job, member}].push_back({id, target, false});
  }
  edits_[{job, owner}].push_back({id, std::move(target), true, reason});
  if (earlier.empty()) {
    earlier_.erase(slot);
  } else {
    earlier_[slot].assign(earlier.begin(), earlier.end());
  }
  place = {given, owner, reason, true};
}

void Shares::Remove(Slot slot, JobId job, const TargetId& id) {
  if (slot >= places_.size() || !places_[slot].present) return;
  edits_[{job, places_[slot].owner}].push_back({id});
  if (const auto was = earlier_.find(slot); was != earlier_.end()) {
    for (const MemberId member : was->second) {
      edits_[{job, member}].push_back({id});
    }
    earlier_.erase(was);
  }
  Count(id, places_[slot].owner, -1);
  places_[slot] = Place();
}

std::set<JobId> Shares::Flush() {
  std::set<JobId> changed;
  for (auto& [key, edits] : std::exchange(edits_, {})) {
    std::ranges::stable_sort(edits, {}, &Edit::id);
    if (!Apply(jobs_[key.first], key.second, edits)) continue;
    changed.insert(key.first);
    ++lists_made_;
  }
  return changed;
}

const Shares::OfJob& Shares::Job(JobId job) const {
  static const OfJob nothing;
  const auto it = jobs_.find(job);
  return it == jobs_.end() ? nothing : it->second;
}

std::size_t Shares::Owned(MemberId member) const {
  const auto it = owned_.find(member);
  return it == owned_.end() ? 0 : it->second;
}

void Shares::Count(const TargetId& id, MemberId owner, int by) {
  std::uint64_t fields[3] = {id.high, id.low, 0};
  if (owner != kNoMember) {
    owned_[owner] += by;
    counted_.insert(owner);
    fields[2] = name_hashes_.at(owner);
  }
  const std::uint64_t hash =
      Hash64({reinterpret_cast<const char*>(fields), sizeof fields});
  digest_ += by > 0 ? hash : -hash;
}

bool Shares::Apply(OfJob& job, MemberId member,
                   const std::vector<Edit>& edits) {
  bool changed = false;
  const auto id_of = [](const auto& entry) -> const TargetId& {
    return entry.target->id;
  };
  if (member == kNoMember) {
    static const std::vector<UnassignedTarget> none;
    const auto note = [&](const UnassignedTarget&) { changed = true; };
    auto list = Merged(
        job.unassigned == nullptr ? none : *job.unassigned, edits, id_of,
        [](const Edit& edit) {
          return UnassignedTarget{edit.target, edit.reason};
        },
        note, note);
    if (!changed) return false;
    job.unassigned =
        list.empty() ? nullptr
                     : std::make_shared<const std::vector<UnassignedTarget>>(
                           std::move(list));
    return true;
  }
  const auto at =
      std::ranges::lower_bound(job.shares, member, {}, &JobView::Share::member);
  const bool found = at != job.shares.end() && at->member == member;
  static const TargetList none;
  const TargetList& old = found ? *at->list : none;
  auto list = std::make_shared<TargetList>();
  list->digest = old.digest;
  list->owned = old.owned;
  list->targets = Merged(
      old.targets, edits, id_of,
      [](const Edit& edit) { return ListedTarget{edit.target, edit.owned}; },
      [&](const ListedTarget& lost) {
        changed = true;
        list->digest -= DigestOf(*lost.target);
        list->owned -= lost.owned ? 1 : 0;
      },
      [&](const ListedTarget& gained) {
        changed = true;
        list->digest += DigestOf(*gained.target);
        list->owned += gained.owned ? 1 : 0;
      });
  if (!changed) return false;
  list->targets.shrink_to_fit();
  job.assigned += list->owned - old.owned;
  if (list->targets.empty()) {
    if (found) job.shares.erase(at);
  } else if (found) {
    at->list = std::move(list);
  } else {
    job.shares.insert(at, {member, std::move(list)});
  }
  return true;
}

}  // namespace ta
