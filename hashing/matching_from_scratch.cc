// BoundedMatching: everything at once. The incremental half and the essay are
// in bounded_matching.cc.
//
// Since both sides prefer by the same order, nobody need ever be displaced:
// take all proposals by ascending (distance, id). Whoever finds room stays for
// good, for all who come later are farther. The first proposals of all items
// are sorted once; the few that follow a rejection go through a heap. Of a lane
// only the first item without a place is on the way: whoever rejected it has no
// room for those behind it, so they begin where it ends. Each member's sets are
// filled in their own order, which makes them dense and needs no searching.

#include <algorithm>
#include <cassert>
#include <queue>
#include <utility>

#include "hashing/bounded_matching.h"
#include "hashing/capacity.h"

namespace ta {
namespace {

// A single change costs about as much as this many items in a matching from
// scratch: 2.5 to 5, by the size of the fleet (bench/hashing_bench.cc).
constexpr std::size_t kItemsAChange = 3;

}  // namespace

// Whether so many changes are cheaper done from scratch. Without members there
// are no lanes to keep.
bool BoundedMatching::IsLarge(std::size_t removed, std::size_t added) const {
  return members_.empty() ||
         (removed + added) * kItemsAChange > size() - removed + added;
}

// Takes out and puts in without placing anyone.
void BoundedMatching::Reorder(std::span<const Item> removed,
                              std::span<const Addition> added) {
  for (const Item item : removed) {
    assert(Contains(item));
    slots_[item].point = kAbsent;
  }
  std::vector<RankedSet::Entry> kept;
  kept.reserve(order_.size() - removed.size());
  order_.ForEach([&](const RankedSet::Entry& entry) {
    if (Contains(entry.item())) kept.push_back(entry);
  });

  std::vector<RankedSet::Entry> came;
  came.reserve(added.size());
  std::size_t slots = slots_.size();
  for (const Addition& addition : added) {
    slots = std::max(slots, std::size_t{addition.item} + 1);
  }
  slots_.resize(slots);
  for (const auto& [item, key, id] : added) {
    assert(!Contains(item));
    slots_[item] = {.key = key, .id = id, .point = kUnplaced};
    came.emplace_back(~key, item);
  }
  const auto before = [this](const auto& a, const auto& b) {
    return RankedSet::Before(a, b, Ids());
  };
  std::sort(came.begin(), came.end(), before);

  order_.Clear();
  auto a = kept.begin();
  auto b = came.begin();
  while (a != kept.end() || b != came.end()) {
    const bool take_a = b == came.end() || (a != kept.end() && before(*a, *b));
    order_.PushBack(take_a ? *a++ : *b++);
  }
}

// Finds every item's first point and its neighbours in its lane: one pass along
// the ring, against the clock.
void BoundedMatching::LinkLanes() {
  const auto points = ring_.points();
  auto above = static_cast<std::uint32_t>(points.size());
  Item last = kNone;
  const auto link = [this](Item ahead, Item behind) {
    slots_[ahead].behind = behind;
    slots_[behind].ahead = ahead;
  };
  order_.ForEach([&](const RankedSet::Entry& entry) {
    const Item item = entry.item();
    Slot& slot = slots_[item];
    while (above > 0 && points[above - 1].hash >= slot.key) --above;
    slot.start = above == points.size() ? 0 : above;
    slot.point = kUnplaced;
    slot.ahead = slot.behind = kNone;
    // Keys behind the last point are farther from point 0 than those before it:
    // both are of lane 0, the latter come first in it and last in the order.
    const bool around = last != kNone && slot.key <= points.front().hash &&
                        slots_[last].key > points.back().hash;
    if (last != kNone && slots_[last].start == slot.start && !around) {
      link(last, item);
    }
    last = item;
  });
  if (last == kNone) return;
  const Item first = order_.front().item();
  if (slots_[first].key > points.back().hash &&
      slots_[last].key <= points.front().hash) {
    link(last, first);
  }
}

void BoundedMatching::MatchFromScratch() {
  for (MemberState& member : members_) {
    member.owned.Clear();
    member.waiting.Clear();
  }
  if (members_.empty()) {
    seats_ = 0;
    order_.ForEach([this](const RankedSet::Entry& entry) {
      slots_[entry.item()].point = kUnplaced;
    });
    return;
  }
  seats_ = TotalCapacity(size(), load_ratio_thousandths_);
  for (std::size_t rank = 0; rank < seat_order_.size(); ++rank) {
    members_[seat_order_[rank]].capacity =
        static_cast<std::uint32_t>(SeatsOf(rank, seat_order_.size(), seats_));
  }
  LinkLanes();

  const auto before = [this](const auto& a, const auto& b) {
    return RankedSet::Before(a, b, Ids());
  };
  std::vector<RankedSet::Entry> firsts;
  firsts.reserve(size());
  order_.ForEach([&](const RankedSet::Entry& entry) {
    const Item item = entry.item();
    firsts.push_back(EntryAt(item, slots_[item].start));
  });
  std::sort(firsts.begin(), firsts.end(), before);

  struct Later {
    RankedSet::Entry entry;
    std::uint32_t point;
  };
  const auto after = [&](const Later& a, const Later& b) {
    return before(b.entry, a.entry);
  };
  std::priority_queue<Later, std::vector<Later>, decltype(after)> later(after);

  auto next = firsts.begin();
  while (next != firsts.end() || !later.empty()) {
    RankedSet::Entry entry;
    std::uint32_t point;
    if (later.empty() ||
        (next != firsts.end() && before(*next, later.top().entry))) {
      entry = *next++;
      Slot& slot = slots_[entry.item()];
      point = FirstPoint(entry.item());
      if (point == kUnplaced || point == kDeferred) {
        slot.point = kDeferred;  // the one ahead will send it on
        continue;
      }
      if (point != slot.start) {
        later.push({EntryAt(entry.item(), point), point});
        continue;
      }
    } else {
      entry = later.top().entry;
      point = later.top().point;
      later.pop();
    }
    const Item item = entry.item();
    MemberState& member = At(point);
    if (member.owned.size() == member.capacity) {
      member.waiting.PushBack(entry);
      point = NextPoint(item, point);
      later.push({EntryAt(item, point), point});
      continue;
    }
    member.owned.PushBack(entry);
    slots_[item].point = point;
    const Item behind = slots_[item].behind;
    if (behind != kNone && slots_[behind].point == kDeferred) {
      slots_[behind].point = kUnplaced;
      later.push({EntryAt(behind, point), point});
    }
  }
}

std::vector<BoundedMatching::MemberHandle> BoundedMatching::Owners() const {
  std::vector<MemberHandle> owners(slots_.size());
  for (Item item = 0; item < owners.size(); ++item) owners[item] = Owner(item);
  return owners;
}

std::vector<BoundedMatching::Move> BoundedMatching::MovesSince(
    const std::vector<MemberHandle>& owners) const {
  std::vector<Move> moves;
  for (Item item = 0; item < slots_.size(); ++item) {
    if (!Contains(item)) continue;
    const MemberHandle from = item < owners.size() ? owners[item] : kNone;
    const MemberHandle to = Owner(item);
    if (from != to) moves.push_back({item, from, to});
  }
  return moves;
}

}  // namespace ta
