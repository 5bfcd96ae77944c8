#include "allocator/unserved.h"

#include <algorithm>
#include <utility>

#include "hashing/hash.h"

namespace ta {

void UnservedIndex::Put(std::shared_ptr<const UnservedGroup> group) {
  Remove(group->discoverer, group->source);
  if (group->targets.empty()) return;
  if (groups_ + 1 > kGroupsPerBucket * buckets_.size()) Grow();
  Count(*group, +1);
  ++groups_;
  auto& place = buckets_[BucketOf(group->discoverer, group->source)];
  auto bucket = std::make_shared<UnservedBucket>(*place);
  bucket->groups.push_back(std::move(group));
  place = std::move(bucket);
}

void UnservedIndex::Remove(std::string_view discoverer,
                           std::string_view source) {
  if (buckets_.empty()) return;
  auto& place = buckets_[BucketOf(discoverer, source)];
  const auto found =
      std::ranges::find_if(place->groups, [&](const auto& group) {
        return group->source == source && group->discoverer == discoverer;
      });
  if (found == place->groups.end()) return;
  Count(**found, -1);
  --groups_;
  auto bucket = std::make_shared<UnservedBucket>();
  bucket->groups.reserve(place->groups.size() - 1);
  for (const auto& group : place->groups) {
    if (group != *found) bucket->groups.push_back(group);
  }
  place = std::move(bucket);
}

std::size_t UnservedIndex::BucketOf(std::string_view discoverer,
                                    std::string_view source) const {
  return (Hash64(source) ^ Hash64(discoverer)) & (buckets_.size() - 1);
}

void UnservedIndex::Count(const UnservedGroup& group, int by) {
  for (const UnservedTarget& target : group.targets) {
    switch (target.state) {
      case UnservedTarget::State::kDroppedByRule:
      case UnservedTarget::State::kDroppedByCheck:
        dropped_ += by;
        break;
      case UnservedTarget::State::kDuplicate:
        duplicates_ += by;
        break;
      case UnservedTarget::State::kInvalid:
        invalid_ += by;
        break;
    }
  }
}

void UnservedIndex::Grow() {
  std::vector<std::shared_ptr<UnservedBucket>> grown(
      buckets_.empty() ? 1 : 4 * buckets_.size());
  for (auto& bucket : grown) bucket = std::make_shared<UnservedBucket>();
  const auto old = std::exchange(buckets_, {grown.begin(), grown.end()});
  for (const auto& bucket : old) {
    for (const auto& group : bucket->groups) {
      grown[BucketOf(group->discoverer, group->source)]->groups.push_back(
          group);
    }
  }
}

}  // namespace ta
