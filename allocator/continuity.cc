#include "allocator/continuity.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "allocator/snapshot.h"

namespace ta {
namespace {

using Pointers = std::vector<const Passing*>;

Pointers ById(std::span<const Passing> all) {
  Pointers sorted;
  for (const Passing& passing : all) sorted.push_back(&passing);
  std::ranges::sort(sorted, {}, [](const Passing* p) { return p->target->id; });
  return sorted;
}

// Pairs what is equal by `key` and takes it out of both lists.
template <typename Key>
void Pair(Pointers& disappeared, Pointers& appeared, const Key& key,
          std::vector<Continuation>& found) {
  if (disappeared.empty() || appeared.empty()) return;
  std::unordered_map<std::uint64_t, std::deque<const Passing*>> by_key;
  for (const Passing* passing : disappeared) {
    by_key[key(*passing)].push_back(passing);
  }
  std::erase_if(appeared, [&](const Passing* passing) {
    const auto candidates = by_key.find(key(*passing));
    if (candidates == by_key.end() || candidates->second.empty()) return false;
    found.push_back({candidates->second.front()->slot, passing->slot});
    candidates->second.pop_front();
    return true;
  });
  std::unordered_map<Slot, bool> paired;
  for (const Continuation& pair : found) paired[pair.from] = true;
  std::erase_if(disappeared, [&](const Passing* passing) {
    return paired.contains(passing->slot);
  });
}

}  // namespace

std::vector<Continuation> FindContinuations(
    std::span<const Passing> disappeared, std::span<const Passing> appeared) {
  std::vector<Continuation> found;
  Pointers gone = ById(disappeared);
  Pointers come = ById(appeared);
  // The parts are equal nearly always; only what is left is merged.
  Pair(
      gone, come,
      [](const Passing& p) {
        return p.target->group.Hash() * 31 + p.target->own.Hash();
      },
      found);
  Pair(
      gone, come,
      [](const Passing& p) {
        return Labels::Merge(p.target->group, p.target->own).Hash();
      },
      found);
  Pair(
      gone, come, [](const Passing& p) { return p.target->placement_key; },
      found);
  return found;
}

}  // namespace ta
