// Make before break: a target that moves is served to its new owner and to
// every earlier owner that has it, until the new one was sent it and had time
// to scrape it. Then all earlier owners drop it together.
//
// What was sent is not noted for each target: a poll that got generation g of a
// job was sent every target of that job that the collector was given in g or
// before. So one number for each collector and job, and one for each target
// (the generation of its latest move), say it all.
//
// Pure: time is a parameter.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/ids.h"

namespace ta {

struct HandOverSettings {
  bool enabled = true;
  std::chrono::milliseconds timeout{std::chrono::minutes(2)};
  bool operator==(const HandOverSettings&) const = default;
};

// Confined to the writer.
class HandOver {
 public:
  // What a new owner needs beyond its scrape interval: the client's own
  // batching of target updates (5 s in Prometheus) and the offset of its
  // scrape.
  static constexpr std::chrono::seconds kSettleMargin{10};
  // The longest that a client's refresh interval may hold a hand-over open.
  static constexpr std::chrono::minutes kLongestRefreshWait{10};

  // In place of the generation in which a member was given a target: it was
  // sent it before, and has it still, since it was an earlier owner.
  static constexpr std::uint64_t kSent = 0;

  // A target that changed its owner.
  struct Move {
    Slot slot = 0;
    JobId job = 0;
    MemberId from = kNoMember;     // kNoMember: it had no owner
    MemberId to = kNoMember;       // kNoMember: it has none now
    std::uint64_t given = 0;       // in which `from` was given it, or kSent
    std::uint64_t generation = 0;  // in which `to` is
    std::chrono::milliseconds scrape_interval{};
  };

  // A hand-over that is over, or whose earlier owners are fewer now.
  struct Ended {
    Slot slot = 0;
    Duration lasted{};
    bool timed_out = false;
    bool still_open = false;  // draining members go on with it
  };

  // Takes effect for moves from now on; switching it off ends what is open at
  // the next Advance.
  void Configure(const HandOverSettings& settings) { settings_ = settings; }

  // The target has a new owner. Restarts a hand-over that is open; the new
  // owner is no earlier owner any more. `from` becomes one if it was sent the
  // target and `from_serves`: it is live or draining.
  void Moved(const Move& move, bool from_serves, TimePoint now);

  // `slot` left discovery; its hand-over ends at once.
  void Removed(Slot slot);

  // What `from` had open goes on under the slot `to`, of the same job: a target
  // that continues another. REQUIRES: nothing is open for `to`
  void Continue(Slot from, Slot to);

  // `member` was sent all of `job` as of `generation`.
  void Sent(MemberId member, JobId job, std::uint64_t generation, TimePoint at);

  // `member` is neither live nor draining: it is nobody's earlier owner, and
  // was sent nothing. Returns the slots that it was an earlier owner of.
  std::vector<Slot> Gone(MemberId member);

  // Ends what has settled or timed out by `now`. `largest_refresh_interval` is
  // over all scrapers. `draining` are the members that drain: to them a target
  // without a new owner is served until they are gone, to others only until the
  // hand-over times out.
  std::vector<Ended> Advance(TimePoint now,
                             std::chrono::milliseconds largest_refresh_interval,
                             const std::set<MemberId>& draining);

  // When Advance has something to do at the earliest: after an Advance, later
  // than its `now`.
  std::optional<TimePoint> Deadline() const;

  // Who is still served `slot` besides its owner, ascending; empty if none.
  // The view lives until the next call that is not const.
  std::span<const MemberId> Earlier(Slot slot) const;
  bool IsEarlier(Slot slot, MemberId member) const;

  // Whether `member` was sent the targets of `job` that it was given in
  // generation `given`. O(1).
  bool WasSent(MemberId member, JobId job, std::uint64_t given) const;

  std::size_t open() const { return open_.size(); }
  // Targets that `member` is served as an earlier owner.
  std::size_t HandingOver(MemberId member) const;
  // The members whose HandingOver may have changed since the last call.
  std::unordered_set<MemberId> TakeCounted() {
    return std::exchange(counted_, {});
  }

 private:
  struct Open {
    JobId job = 0;
    MemberId owner = kNoMember;
    std::vector<MemberId> earlier;  // ascending
    std::uint64_t generation = 0;   // of the latest move
    TimePoint since;                // of the latest move to an owner
    Duration settle{};
    std::optional<TimePoint> settled;  // when it may end; set once sent
    TimePoint due;                     // its entry in due_
  };
  using OpenMap = std::unordered_map<Slot, Open>;
  using OwnerKey = std::pair<MemberId, JobId>;

  void Track(Slot slot, Open& open);    // into due_ and waiting_
  void Untrack(Slot slot, Open& open);  // out of both
  void Erase(OpenMap::iterator it);
  void Count(std::span<const MemberId> members, int by);
  Ended EndUnowned(OpenMap::iterator it, TimePoint now,
                   const std::set<MemberId>& draining);
  Duration Limit(const Open& open) const;

  HandOverSettings settings_;
  std::chrono::seconds refresh_wait_{0};  // what clients' refreshing adds
  OpenMap open_;
  std::set<std::pair<TimePoint, Slot>> due_;
  // Not yet sent to their owner, by owner and job.
  std::map<OwnerKey, std::set<Slot>> waiting_;
  // The newest generation sent, by member, then job: 0 for none.
  std::unordered_map<MemberId, std::vector<std::uint64_t>> sent_;
  std::unordered_map<MemberId, std::size_t> handing_over_;
  std::unordered_set<MemberId> counted_;
};

}  // namespace ta
