#include "allocator/continuity.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "hashing/hash.h"

namespace ta {
namespace {

// One target with what it is paired by.
struct Candidate {
  std::uint64_t key = 0;
  const Passing* passing = nullptr;
};
using Candidates = std::vector<Candidate>;

// Of the discovered labels, whichever of the two parts a label stands in.
std::uint64_t DiscoveredHash(const Target& target) {
  Hasher hasher;
  auto group = target.group.begin();
  const auto append_group_before = [&](std::string_view name) {
    for (; group != target.group.end() && (*group).name < name; ++group) {
      hasher.Append((*group).name).Append((*group).value);
    }
  };
  for (const LabelPair& pair : target.own) {
    append_group_before(pair.name);
    if (group != target.group.end() && (*group).name == pair.name) ++group;
    hasher.Append(pair.name).Append(pair.value);
  }
  for (; group != target.group.end(); ++group) {
    hasher.Append((*group).name).Append((*group).value);
  }
  return hasher.Hash64();
}

// Pairs what is equal by `key_of`, in order of TargetId, and takes it out of
// both lists.
template <typename KeyOf>
void Pair(Candidates& disappeared, Candidates& appeared, const KeyOf& key_of,
          std::vector<Continuation>& found) {
  if (disappeared.empty() || appeared.empty()) return;
  for (Candidates* all : {&disappeared, &appeared}) {
    for (Candidate& each : *all) each.key = key_of(*each.passing->target);
    std::ranges::sort(*all, {}, [](const Candidate& each) {
      return std::pair(each.key, each.passing->target->id);
    });
  }
  auto gone = disappeared.begin();
  auto come = appeared.begin();
  while (gone != disappeared.end() && come != appeared.end()) {
    if (gone->key < come->key) {
      ++gone;
    } else if (come->key < gone->key) {
      ++come;
    } else {
      found.push_back({gone->passing->slot, come->passing->slot});
      (gone++)->passing = nullptr;
      (come++)->passing = nullptr;
    }
  }
  for (Candidates* all : {&disappeared, &appeared}) {
    std::erase_if(*all,
                  [](const auto& each) { return each.passing == nullptr; });
  }
}

Candidates CandidatesOf(std::span<const Passing> all) {
  Candidates candidates;
  candidates.reserve(all.size());
  for (const Passing& passing : all) candidates.push_back({0, &passing});
  return candidates;
}

}  // namespace

std::vector<Continuation> FindContinuations(
    std::span<const Passing> disappeared, std::span<const Passing> appeared) {
  std::vector<Continuation> found;
  Candidates gone = CandidatesOf(disappeared);
  Candidates come = CandidatesOf(appeared);
  // Nearly always the parts are equal if the whole is, and their hashes are at
  // hand; only what is left is looked at label by label.
  Pair(
      gone, come,
      [](const Target& target) {
        return target.group.Hash() * 31 + target.own.Hash();
      },
      found);
  Pair(gone, come, DiscoveredHash, found);
  Pair(
      gone, come, [](const Target& target) { return target.placement_key; },
      found);
  return found;
}

}  // namespace ta
