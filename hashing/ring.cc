#include "hashing/ring.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

#include "hashing/hash.h"

namespace ta {
namespace {

constexpr std::uint32_t kGone = 0xffffffff;

bool Before(const Ring::Point& a, const Ring::Point& b) {
  return std::tie(a.hash, a.member) < std::tie(b.hash, b.member);
}

int PointsEach(std::size_t members, int points_per_member) {
  return members == 1 ? 1 : points_per_member;
}

}  // namespace

void Ring::SetMembers(std::vector<std::string> members) {
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  const int points_each = PointsEach(members.size(), points_per_member_);
  // From or to a single member the number of points differs: nothing is kept.
  if (points_each != PointsEach(members_.size(), points_per_member_)) {
    members_.clear();
    points_.clear();
  }

  // Both lists are sorted, so members that stay keep their relative order, and
  // renumbering the points that stay leaves them sorted.
  std::vector<std::uint32_t> renumbered(members_.size(), kGone);
  std::vector<Point> joined;
  if (points_.empty()) joined.reserve(members.size() * points_each);
  Hasher hasher(kRingSeed);
  for (std::uint32_t now = 0; now < members.size(); ++now) {
    const auto old =
        std::lower_bound(members_.begin(), members_.end(), members[now]);
    if (old != members_.end() && *old == members[now]) {
      renumbered[old - members_.begin()] = now;
      continue;
    }
    for (int i = 0; i < points_each; ++i) {
      hasher.Clear();
      hasher.Append(members[now]).Append(static_cast<std::uint64_t>(i));
      joined.push_back({hasher.Hash64(), now, 0});
    }
  }
  std::sort(joined.begin(), joined.end(), Before);

  std::erase_if(points_, [&](Point& point) {
    point.member = renumbered[point.member];
    return point.member == kGone;
  });
  if (points_.empty()) {
    joined.shrink_to_fit();
    points_ = std::move(joined);
  } else {
    std::vector<Point> merged;
    merged.reserve(points_.size() + joined.size());
    std::merge(points_.begin(), points_.end(), joined.begin(), joined.end(),
               std::back_inserter(merged), Before);
    points_ = std::move(merged);
  }
  members_ = std::move(members);
  LinkPoints();
  IndexPoints();
}

void Ring::LinkPoints() {
  const auto size = static_cast<std::uint32_t>(points_.size());
  std::vector<std::uint32_t> first(members_.size(), kGone);
  std::vector<std::uint32_t> last(members_.size(), kGone);
  for (std::uint32_t i = 0; i < size; ++i) {
    const std::uint32_t member = points_[i].member;
    if (first[member] == kGone) {
      first[member] = i;
    } else {
      points_[i].gap = i - last[member];
    }
    last[member] = i;
  }
  for (std::size_t member = 0; member < members_.size(); ++member) {
    points_[first[member]].gap = first[member] + size - last[member];
  }
}

void Ring::IndexPoints() {
  const auto parts =
      std::bit_ceil(std::max<std::size_t>(points_.size() / 2, 2));
  shift_ = 64 - std::countr_zero(parts);
  first_.assign(parts, 0);
  std::uint32_t point = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::uint64_t begin = static_cast<std::uint64_t>(part) << shift_;
    while (point < points_.size() && points_[point].hash < begin) ++point;
    first_[part] = point;
  }
}

std::uint32_t Ring::Find(std::uint64_t key) const {
  assert(!empty());
  std::uint32_t point = first_[key >> shift_];
  while (point < points_.size() && points_[point].hash < key) ++point;
  return point == points_.size() ? 0 : point;
}

std::size_t Ring::bytes() const {
  return points_.capacity() * sizeof(Point) +
         first_.capacity() * sizeof(std::uint32_t);
}

}  // namespace ta
