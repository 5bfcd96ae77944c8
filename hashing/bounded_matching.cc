// How the stable matching is kept.
//
// Deferred acceptance. An item asks the members in the order in which it meets
// them clockwise from its key. A member keeps the nearest items it has places
// for and sends the farthest away, who asks the next. Because items and members
// rank a pair by the same thing, its distance (then id, then name), the result
// is the same whoever asks first: there is one matching in which no item and no
// member would both rather have each other.
//
// Take a circle of 100, members A (points 20 and 70) and B (30 and 90) with two
// places each, and items p, q, r, s with keys 12, 15, 18, 60.
//
//          A: r 2, q 5, p 8, s 10 ask. Two places: r and q stay.
//          B: p 18 and s 30 ask next, and stay.
//
// An item comes. It asks like the others; whoever is sent away goes on. Say t
// comes with key 19, and its seat (hashing/capacity.h) with it, a third for B.
//
//          A: t 1 stays, q 5 must go.   B: q 15 asks, there is room.
//
// An item goes. Its place is free, and the nearest item that would rather be
// here takes it, whose own place is free then. For that each member remembers
// whom it sent away, sorted as it ranks them: its waiting set. Say r goes, and
// with it B's third seat.
//
//          A waits for q 5, p 8, s 10: q comes.   B waits for nobody: done.
//
// A member gains a seat: as if an item of it had gone. It loses one: its
// farthest item, if it is full, goes on as if rejected. So each step is a
// chain, in the mean of about one item where there are a hundred items or more
// a member, and the matching is the stable one again after each.
//
// Lanes. Remembering every rejection takes an entry for each item and member
// that sent it away: were 100,000 targets behind one address, and so of one
// key, that would be half of all pairs. But the items between two neighbouring
// points meet the members in one and the same order, and every member ranks
// them alike: by distance to the point ahead, then id. Such items are a lane.
// The first in a lane is preferred by all, so it ends at the point where the
// second does or at an earlier one, and so on down the lane: who stands behind
// never overtakes. p, q, r and t are one lane (points between 90 and 20), in
// the order t, r, q, p. Two things follow.
//
//  1. If a member sent away an item, it would send away all behind it. So a new
//     item begins to ask where the one ahead of it is.
//  2. A waiting set needs only the first of each lane who waits there. Before r
//     goes, A's is q 5 (of t, r, q, p) and s 10. When q has come, p follows it
//     as its lane's first: p 8, s 10.
//
// So an item is in the waiting sets of the members from the point of the one
// ahead of it in its lane up to its own, and the sets together never hold more
// than the lanes in use times the members. This is kept by three functions:
// Reject, where an item goes on (and takes the entry of the one behind it),
// StopWaiting, where one comes back (and leaves its entries to the one behind
// it), and Remove, which is StopWaiting for all of its way.
//
// The walk. Point i is an item's nearest one of its member if the member has no
// other point since the item's first; Ring::Point::gap says so without a list
// of those already met. "Earlier" and "later" on a walk are compared as steps
// from the first point (Depth), which holds across the end of the circle and
// where points of several members coincide.

#include "hashing/bounded_matching.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "hashing/capacity.h"

namespace ta {

// ---- the walk ----

// Steps from the item's first point to `point`. Compares places of items of one
// lane, also where several points stand at one place.
std::uint32_t BoundedMatching::Depth(Item item, std::uint32_t point) const {
  const std::uint32_t start = slots_[item].start;
  const auto size = static_cast<std::uint32_t>(ring_.points().size());
  return point >= start ? point - start : point + (size - start);
}

// The next point on the item's walk whose member it hasn't met before.
std::uint32_t BoundedMatching::NextPoint(Item item, std::uint32_t point) const {
  const auto points = ring_.points();
  const auto size = static_cast<std::uint32_t>(points.size());
  std::uint32_t depth = Depth(item, point);
  do {
    point = point + 1 == size ? 0 : point + 1;
    ++depth;
    assert(depth < size);  // there is a seat for every item
  } while (points[point].gap <= depth);
  return point;
}

// Where an item begins to propose. Who rejected the item ahead of it in its
// lane would reject it too.
std::uint32_t BoundedMatching::FirstPoint(Item item) const {
  const Slot& slot = slots_[item];
  return slot.ahead == kNone ? slot.start : slots_[slot.ahead].point;
}

// ---- one item ----

void BoundedMatching::Add(const Addition& addition) {
  const Item item = addition.item;
  assert(!Contains(item));
  if (item >= slots_.size()) slots_.resize(std::size_t{item} + 1);
  Slot& slot = slots_[item];
  slot = {.key = addition.key,
          .id = addition.id,
          .start = ring_.Find(addition.key),
          .point = kUnplaced};
  const auto [before, after] = order_.Insert({~slot.key, item}, Ids());
  // A neighbour in the order is one in the lane if no point is between, and if
  // the way to it isn't once around the whole ring.
  const auto nearer = [&](Item a, Item b) {
    return slots_[a].start == slots_[b].start && a != b &&
           RankedSet::Before(EntryAt(a, slots_[a].start),
                             EntryAt(b, slots_[b].start), Ids());
  };
  if (nearer(before.item(), item)) {
    slot.ahead = before.item();
    slots_[slot.ahead].behind = item;
  }
  if (nearer(item, after.item())) {
    slot.behind = after.item();
    slots_[slot.behind].ahead = item;
  }
  changes_.push_back({item, kNone});
  Propose(item, FirstPoint(item));
}

void BoundedMatching::Remove(Item item) {
  assert(Contains(item));
  Slot& slot = slots_[item];
  StopWaiting(item, FirstPoint(item), slot.point);
  if (slot.ahead != kNone) slots_[slot.ahead].behind = slot.behind;
  if (slot.behind != kNone) slots_[slot.behind].ahead = slot.ahead;
  At(slot.point).owned.Erase(EntryAt(item, slot.point), Ids());
  order_.Erase({~slot.key, item}, Ids());
  const std::uint32_t member = ring_.points()[slot.point].member;
  slot = {};
  FillPlace(member);
}

// Gives out or takes back seats, one by one.
void BoundedMatching::ResizeTo(std::uint64_t total) {
  while (seats_ < total) {
    const std::uint32_t member = seat_order_[seats_++ % seat_order_.size()];
    ++members_[member].capacity;
    FillPlace(member);
  }
  while (seats_ > total) {
    const std::uint32_t member = seat_order_[--seats_ % seat_order_.size()];
    MemberState& state = members_[member];
    if (state.owned.size() > --state.capacity) ShedWorst(member);
  }
}

// Deferred acceptance: asks the member at `point`; whoever is too many there
// goes on to the next on its own walk, until someone finds a free place.
void BoundedMatching::Propose(Item item, std::uint32_t point) {
  while (true) {
    MemberState& member = At(point);
    if (member.owned.size() < member.capacity) {
      Place(item, point);
      return;
    }
    const auto entry = EntryAt(item, point);
    if (member.capacity > 0 &&
        RankedSet::Before(entry, member.owned.back(), Ids())) {
      const Item worst = member.owned.back().item();
      changes_.push_back({worst, member.handle});
      member.owned.PopBack();
      Place(item, point);
      item = worst;
      point = slots_[worst].point;
    }
    Reject(item, point);
    point = NextPoint(item, point);
  }
}

void BoundedMatching::Place(Item item, std::uint32_t point) {
  At(point).owned.Insert(EntryAt(item, point), Ids());
  slots_[item].point = point;
}

// The item waits at the member of `point` from now on, as its lane's first: the
// one ahead is at this point or an earlier one.
void BoundedMatching::Reject(Item item, std::uint32_t point) {
  const Slot& slot = slots_[item];
  assert(Depth(item, FirstPoint(item)) <= Depth(item, point));
  RankedSet& waiting = At(point).waiting;
  waiting.Insert(EntryAt(item, point), Ids());
  if (slot.behind != kNone &&
      Depth(slot.behind, slots_[slot.behind].point) > Depth(item, point)) {
    waiting.Erase(EntryAt(slot.behind, point), Ids());
  }
}

// The item no longer waits at the members of its walk from `from` up to, but
// not at, `to`. Where the one behind it in its lane waits too, that one is
// first now. REQUIRES: the item is its lane's first at all of them.
void BoundedMatching::StopWaiting(Item item, std::uint32_t from,
                                  std::uint32_t to) {
  const Item behind = slots_[item].behind;
  const std::uint32_t behind_depth =
      behind == kNone ? 0 : Depth(item, slots_[behind].point);
  for (std::uint32_t point = from; point != to;
       point = NextPoint(item, point)) {
    RankedSet& waiting = At(point).waiting;
    waiting.Erase(EntryAt(item, point), Ids());
    if (behind_depth > Depth(item, point)) {
      waiting.Insert(EntryAt(behind, point), Ids());
    }
  }
}

// A free place goes to the nearest who waits for it, whose own place is free
// then, and so on.
void BoundedMatching::FillPlace(std::uint32_t member) {
  while (true) {
    MemberState& state = members_[member];
    if (state.waiting.empty() || state.owned.size() >= state.capacity) return;
    const RankedSet::Entry first = state.waiting.front();
    const Item item = first.item();
    std::uint32_t point = ring_.Find(slots_[item].key + first.rank());
    while (ring_.points()[point].member != member) ++point;

    const std::uint32_t left_point = slots_[item].point;
    MemberState& left = At(left_point);
    changes_.push_back({item, left.handle});
    StopWaiting(item, point, left_point);
    left.owned.Erase(EntryAt(item, left_point), Ids());
    Place(item, point);
    member = ring_.points()[left_point].member;
  }
}

// The farthest item of the member goes on to the next on its walk.
void BoundedMatching::ShedWorst(std::uint32_t member) {
  MemberState& state = members_[member];
  const Item worst = state.owned.back().item();
  const std::uint32_t point = slots_[worst].point;
  changes_.push_back({worst, state.handle});
  state.owned.PopBack();
  Reject(worst, point);
  Propose(worst, NextPoint(worst, point));
}

// ---- calls ----

std::vector<BoundedMatching::Move> BoundedMatching::Apply(
    std::span<const Item> removed, std::span<const Addition> added) {
  if (IsLarge(removed.size(), added.size())) {
    auto owners = Owners();
    for (const Item item : removed) owners[item] = kNone;
    Reorder(removed, added);
    MatchFromScratch();
    return MovesSince(owners);
  }
  for (const Item item : removed) Remove(item);
  // Removed numbers may be used again: what was noted of them is past.
  std::erase_if(changes_,
                [&](const Change& change) { return !Contains(change.item); });
  // The seats of the final number of items are enough for those present now.
  ResizeTo(TotalCapacity(size() + added.size(), load_ratio_thousandths_));
  for (const Addition& addition : added) Add(addition);
  return TakeMoves();
}

std::vector<BoundedMatching::Move> BoundedMatching::SetMembers(
    std::vector<Member> members) {
  std::stable_sort(
      members.begin(), members.end(),
      [](const Member& a, const Member& b) { return a.name < b.name; });
  members.erase(std::unique(members.begin(), members.end(),
                            [](const Member& a, const Member& b) {
                              return a.name == b.name;
                            }),
                members.end());
  const auto unchanged = [&] {
    if (members.size() != members_.size()) return false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      assert(members[i].handle != kNone);
      if (members[i].handle != members_[i].handle ||
          members[i].name != ring_.members()[i]) {
        return false;
      }
    }
    return true;
  };
  if (unchanged()) return {};

  const auto owners = Owners();
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members) names.push_back(member.name);
  ring_.SetMembers(std::move(names));
  members_.clear();
  members_.resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    members_[i].handle = members[i].handle;
  }
  seat_order_ = SeatOrder(ring_.members());
  MatchFromScratch();
  return MovesSince(owners);
}

std::vector<BoundedMatching::Move> BoundedMatching::SetRatio(int thousandths) {
  assert(thousandths >= 1000);
  if (thousandths == load_ratio_thousandths_) return {};
  const auto owners = Owners();
  load_ratio_thousandths_ = thousandths;
  MatchFromScratch();
  return MovesSince(owners);
}

// The first change of an item tells the owner it had before all of them.
std::vector<BoundedMatching::Move> BoundedMatching::TakeMoves() {
  std::stable_sort(
      changes_.begin(), changes_.end(),
      [](const Change& a, const Change& b) { return a.item < b.item; });
  std::vector<Move> moves;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const auto& [item, from] = changes_[i];
    if (i > 0 && changes_[i - 1].item == item) continue;
    const MemberHandle to = Owner(item);
    if (to != from) moves.push_back({item, from, to});
  }
  changes_.clear();
  return moves;
}

// ---- questions ----

BoundedMatching::MemberHandle BoundedMatching::Owner(Item item) const {
  if (item >= slots_.size()) return kNone;
  const std::uint32_t point = slots_[item].point;
  if (point >= ring_.points().size()) return kNone;
  return members_[ring_.points()[point].member].handle;
}

std::size_t BoundedMatching::Load(MemberHandle member) const {
  for (const MemberState& state : members_) {
    if (state.handle == member) return state.owned.size();
  }
  return 0;
}

std::size_t BoundedMatching::Capacity(MemberHandle member) const {
  for (const MemberState& state : members_) {
    if (state.handle == member) return state.capacity;
  }
  return 0;
}

std::vector<std::size_t> BoundedMatching::Loads() const {
  std::vector<std::size_t> loads;
  loads.reserve(members_.size());
  for (const MemberState& state : members_) loads.push_back(state.owned.size());
  return loads;
}

std::vector<BoundedMatching::Candidate> BoundedMatching::Explain(
    Item item, std::size_t limit) const {
  std::vector<Candidate> candidates;
  if (!Contains(item)) return candidates;
  limit = std::min(limit, members_.size());
  std::uint32_t point = slots_[item].start;
  while (candidates.size() < limit) {
    const MemberState& member = members_[ring_.points()[point].member];
    candidates.push_back({.member = member.handle,
                          .distance = Distance(item, point),
                          .load = member.owned.size(),
                          .capacity = member.capacity,
                          .owner = point == slots_[item].point});
    // Only the last member has nobody after it.
    if (candidates.size() < members_.size()) point = NextPoint(item, point);
  }
  return candidates;
}

std::size_t BoundedMatching::bytes() const {
  std::size_t bytes = ring_.bytes() + order_.bytes() +
                      members_.capacity() * sizeof(MemberState) +
                      seat_order_.capacity() * sizeof(std::uint32_t) +
                      slots_.capacity() * sizeof(Slot) +
                      changes_.capacity() * sizeof(Change);
  for (const MemberState& member : members_) {
    bytes += member.owned.bytes() + member.waiting.bytes();
  }
  return bytes;
}

}  // namespace ta
