// What a job discovered and does not serve, kept so that a snapshot can share
// it: groups in buckets of a few dozen. A changed group copies its bucket, and
// a snapshot copies the pointers to the buckets.

#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "allocator/snapshot.h"

namespace ta {

// Confined to the writer; what Buckets() gives is immutable.
class UnservedIndex {
 public:
  // Groups a bucket has on average when the index grows.
  static constexpr std::size_t kGroupsPerBucket = 32;

  // Puts `group` in the place of the one with its discoverer and source; one
  // without targets takes it out.
  void Put(std::shared_ptr<const UnservedGroup> group);
  void Remove(std::string_view discoverer, std::string_view source);

  const std::vector<std::shared_ptr<const UnservedBucket>>& buckets() const {
    return buckets_;
  }
  std::size_t groups() const { return groups_; }
  // Unserved targets by state.
  std::size_t dropped() const { return dropped_; }
  std::size_t duplicates() const { return duplicates_; }
  std::size_t invalid() const { return invalid_; }

 private:
  std::size_t BucketOf(std::string_view discoverer,
                       std::string_view source) const;
  void Count(const UnservedGroup& group, int by);
  void Grow();

  std::vector<std::shared_ptr<const UnservedBucket>> buckets_;  // 2^n, or none
  std::size_t groups_ = 0;
  std::size_t dropped_ = 0;
  std::size_t duplicates_ = 0;
  std::size_t invalid_ = 0;
};

}  // namespace ta
