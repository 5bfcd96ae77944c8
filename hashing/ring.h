// A consistent-hash ring: the members' points on the circle of 64-bit numbers.
// A key prefers the members in the order in which one meets them going
// clockwise from the key, so when a member joins or leaves, the order of the
// others stays. Source: Karger et al., "Consistent Hashing and Random Trees",
// STOC 1997.
//
// Point i of a member is XXH3 64, seed kRingSeed, of the fields (name, i): see
// hashing/hash.h. Points depend on nothing but the name, so a ring is a
// function of its set of names.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ta {

// Confined to one thread while SetMembers runs; otherwise any number may read.
class Ring {
 public:
  // Points each member has, at about 18 bytes a point. More points make the
  // members' parts of the circle more equal, so that the bound has less to even
  // out. With 10,000 items and 100 members one member's leaving
  // moves 1.44, 1.355, 1.341, 1.335 and 1.33 times the least possible at 300,
  // 1,000, 1,500, 2,000 and 4,000 points (test/hashing/churn.h); past 1,500
  // only the memory grows. Few for the fuzzers (the preset `fuzz`), which build
  // a ring for each input and would do little else.
#ifdef TA_FEW_RING_POINTS
  static constexpr int kPointsPerMember = 16;
#else
  static constexpr int kPointsPerMember = 1500;
#endif

  // One point of one member. Where several stand at one place, the member with
  // the smaller name comes first.
  struct Point {
    std::uint64_t hash;
    std::uint32_t member;  // index into members()
    // Steps back to the same member's previous point; the ring's whole size if
    // it has no other. A walk that began less than `gap` steps ago meets the
    // member here for the first time: this is its nearest point.
    std::uint32_t gap;
  };

  explicit Ring(int points_per_member = kPointsPerMember)
      : points_per_member_(points_per_member) {}
  explicit Ring(std::vector<std::string> members,
                int points_per_member = kPointsPerMember)
      : Ring(points_per_member) {
    SetMembers(std::move(members));
  }

  // Makes these the members; repeated names count once. Points of members that
  // stay are kept, those of others are merged in or taken out: hashing is for
  // the new ones only, the rest is one pass over the points.
  void SetMembers(std::vector<std::string> members);

  // Sorted, unique.
  const std::vector<std::string>& members() const { return members_; }
  bool empty() const { return members_.empty(); }

  // Sorted by hash, then by member. A single member has a single point, since
  // it is everyone's first choice with any number: a strategy that keeps one
  // ring a node then costs next to nothing.
  std::span<const Point> points() const { return points_; }

  // Index of the first point at or clockwise after `key`. Expected O(1).
  // REQUIRES: !empty()
  std::uint32_t Find(std::uint64_t key) const;

  // The member whose point is nearest: plain consistent hashing. The view lives
  // until SetMembers. REQUIRES: !empty()
  std::string_view Owner(std::uint64_t key) const {
    return members_[points_[Find(key)].member];
  }

  // Heap memory held, in bytes.
  std::size_t bytes() const;

 private:
  void LinkPoints();   // fills in the gaps
  void IndexPoints();  // fills in first_

  int points_per_member_;
  std::vector<std::string> members_;
  std::vector<Point> points_;
  // The circle in 2^(64 - shift_) equal parts of one to two points each: for
  // each part the index of the first point in it or after it.
  std::vector<std::uint32_t> first_;
  int shift_ = 63;
};

}  // namespace ta
