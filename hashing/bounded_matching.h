// Keys to members under capacities: a consistent-hash ring on which no member
// owns more than its part. Each item prefers the members near to its key on the
// ring, each member prefers the items near to it, both by the one strict order
// (clockwise distance, id, member name). Such preferences have exactly one
// stable matching, and that is the assignment: a function of the set of items
// and the set of member names, whatever the order they came in.
//
// Sources: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded
// Loads", SODA 2018; Gale, Shapley, "College Admissions and the Stability of
// Marriage", 1962; capacities as in hashing/capacity.h. How it is kept up to
// date is told at the top of bounded_matching.cc.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hashing/hash.h"
#include "hashing/ranked_set.h"
#include "hashing/ring.h"

namespace ta {

// After every call the matching is the stable one for the present items,
// members and ratio, bit for bit what a new object given the same would have:
// no call leaves a trace. With at least one member every item is owned, and no
// member owns more than Capacity. Confined to one thread; const calls may
// share.
//
// Memory: 40 bytes for each Item number up to the largest in use and 25 to 50
// for each item present (65 in all after a start, 82 to 90 after churn, from
// 10,000 items on: bench/hashing_bench.cc), and the ring. So number the items
// of each matching from 0 and reuse the numbers.
class BoundedMatching {
 public:
  // The caller's number for an item, small and dense. Free again once removed,
  // also for an addition in the same Apply. It has no part in the matching.
  using Item = std::uint32_t;
  // The caller's number for a member: any value but kNone. It has no part in
  // the matching either, the name has.
  using MemberHandle = std::uint32_t;
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Member {
    MemberHandle handle;
    std::string name;

    bool operator==(const Member&) const = default;
  };

  // `key` is the place on the ring; equal keys are normal. `id` is the item's
  // own: it orders items of equal distance, so no two items present may share
  // key and id (if they do, Item numbers decide between the two).
  struct Addition {
    Item item;
    std::uint64_t key;
    ItemId id;
  };

  // kNone stands for no owner.
  struct Move {
    Item item;
    MemberHandle from;
    MemberHandle to;

    bool operator==(const Move&) const = default;
  };

  // The default ratio, as the setting max_load_ratio has it.
  static constexpr int kLoadRatioThousandths = 1050;

  explicit BoundedMatching(int load_ratio_thousandths = kLoadRatioThousandths,
                           int points_per_member = Ring::kPointsPerMember)
      : load_ratio_thousandths_(load_ratio_thousandths),
        ring_(points_per_member) {}

  // Each of the three calls below gives the moves: every item present
  // afterwards whose owner is another than before the call (additions: than
  // kNone), once, sorted by item. A removed item isn't listed.

  // Takes items out, then puts items in. Costs a chain of about one other item
  // for each, whatever the size; a batch of a large part of all items costs a
  // matching from scratch (0.2 to 0.4 µs an item present).
  // REQUIRES: `removed` are present and named once; `added` aren't, after that.
  std::vector<Move> Apply(std::span<const Item> removed,
                          std::span<const Addition> added);

  // Makes these the members. From scratch, unless they are the same as before.
  // Of several with one name the first counts. A member that keeps its name and
  // changes its handle is listed as a move of all it owns.
  std::vector<Move> SetMembers(std::vector<Member> members);

  // From scratch, unless it is the ratio of before. 1000 means no slack; from N
  // times 1000 on no bound ever binds: plain consistent hashing.
  // REQUIRES: thousandths >= 1000
  std::vector<Move> SetRatio(int thousandths);

  // kNone if there is no member, or no such item.
  MemberHandle Owner(Item item) const;

  // Items present.
  std::size_t size() const { return order_.size(); }
  bool Contains(Item item) const {
    return item < slots_.size() && slots_[item].point != kAbsent;
  }
  std::size_t members() const { return members_.size(); }
  int load_ratio_thousandths() const { return load_ratio_thousandths_; }

  // What a member owns now and may own at most; 0 for a handle that is no
  // member's. Linear in the members.
  std::size_t Load(MemberHandle member) const;
  std::size_t Capacity(MemberHandle member) const;
  // What each member owns, in byte order of their names. Linear in the members.
  std::vector<std::size_t> Loads() const;

  // One member as an item sees it. All before the owner are full with items
  // that are nearer to them than this one.
  struct Candidate {
    MemberHandle member;
    std::uint64_t distance;  // clockwise from the key, in 2^-64 of the circle
    std::size_t load;
    std::size_t capacity;
    bool owner;
  };

  // The first `limit` members in the order of the item's preference. Empty for
  // an item that isn't present. Walks the ring; meant for people who ask.
  std::vector<Candidate> Explain(Item item, std::size_t limit) const;

  // Heap memory held, in bytes, and the ring's part of it.
  std::size_t bytes() const;
  std::size_t ring_bytes() const { return ring_.bytes(); }

 private:
  // Values of Slot::point that are no point's index.
  static constexpr std::uint32_t kAbsent = 0xffffffff;
  static constexpr std::uint32_t kUnplaced = 0xfffffffe;
  static constexpr std::uint32_t kDeferred = 0xfffffffd;

  struct Slot {
    std::uint64_t key = 0;
    ItemId id;
    std::uint32_t start = 0;        // the first point at or after the key
    std::uint32_t point = kAbsent;  // the owner's point nearest to the key
    Item ahead = kNone;             // neighbours in the lane
    Item behind = kNone;
  };
  struct MemberState {
    MemberHandle handle = kNone;
    std::uint32_t capacity = 0;
    RankedSet owned;    // by distance: the back is the first to go
    RankedSet waiting;  // lanes' first who would rather be here, by distance
  };
  // The owner an item had before some change of it, in order of the changes.
  struct Change {
    Item item;
    MemberHandle from;
  };

  auto Ids() const {
    return [this](Item item) -> const ItemId& { return slots_[item].id; };
  }

  // Of the walk along the ring.
  std::uint64_t Distance(Item item, std::uint32_t point) const {
    return ring_.points()[point].hash - slots_[item].key;
  }
  std::uint32_t Depth(Item item, std::uint32_t point) const;
  std::uint32_t NextPoint(Item item, std::uint32_t point) const;
  std::uint32_t FirstPoint(Item item) const;
  MemberState& At(std::uint32_t point) {
    return members_[ring_.points()[point].member];
  }
  RankedSet::Entry EntryAt(Item item, std::uint32_t point) const {
    return {Distance(item, point), item};
  }

  // One item or one seat at a time.
  void Add(const Addition& addition);
  void Remove(Item item);
  void ResizeTo(std::uint64_t total);
  void Propose(Item item, std::uint32_t point);
  void Reject(Item item, std::uint32_t point);
  void StopWaiting(Item item, std::uint32_t from, std::uint32_t to);
  void FillPlace(std::uint32_t member);
  void Place(Item item, std::uint32_t point);
  void ShedWorst(std::uint32_t member);

  // Everything at once (matching_from_scratch.cc).
  bool IsLarge(std::size_t removed, std::size_t added) const;
  void Reorder(std::span<const Item> removed, std::span<const Addition> added);
  void MatchFromScratch();
  void LinkLanes();
  std::vector<MemberHandle> Owners() const;
  std::vector<Move> MovesSince(const std::vector<MemberHandle>& owners) const;
  std::vector<Move> TakeMoves();

  int load_ratio_thousandths_;
  Ring ring_;
  std::vector<MemberState> members_;       // as ring_.members()
  std::vector<std::uint32_t> seat_order_;  // indices into members_
  std::uint64_t seats_ = 0;                // sum of the capacities
  std::vector<Slot> slots_;                // by Item
  RankedSet order_;  // all items, by descending key: along a lane
  std::vector<Change> changes_;
};

}  // namespace ta
