// Who the collectors are: live, draining, drained or gone.
//
// Members come from one source: a list (static, a watched file, pods) or
// polling, where whoever asks for targets as a scraper is a member. A member
// that its list no longer names, or a pod that is not fit to own targets any
// more (member_pods.h), may well go on scraping, so it drains: it owns nothing
// from then on, but is served what is being handed over until it falls silent.
// A polling member that falls silent is gone at once, as is a pod whose object
// was deleted after it was told to end; there is nobody to wait for. A pod of
// the same name with another uid is a new process, and so a new member. Pure:
// time is a parameter.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/config/config.h"
#include "allocator/ids.h"
#include "allocator/member_pods.h"
#include "allocator/updates.h"

namespace ta {

// Confined to the writer.
class Membership {
 public:
  // kGrace is live, but a pod that is not ready: soon excluded if it stays so.
  enum class State { kLive, kGrace, kDraining };
  struct Member {
    MemberId id = kNoMember;
    std::string name;
    std::string node;
    std::string uid;  // of its pod; "" if it is none
    State state = State::kLive;
    std::string reason;  // of the state; "" while kLive
    TimePoint changed;   // when the state last became another
    // It may own targets.
    bool live() const { return state != State::kDraining; }
  };

  // Names that ask but are no members are remembered up to this many, and
  // polling makes at most this many members: a bound on what strangers cost.
  static constexpr std::size_t kMostStrangers = 1'000;
  static constexpr std::size_t kMostPollingMembers = 10'000;

  // A new source. The members stay as they are until its first complete
  // answer: a list's first update, or, for polling, `poll_timeout` from now
  // unless names were remembered. No effect when the source is the same.
  void Configure(const MembersConfig& config, TimePoint now);

  // For how long a pod that is not ready stays live (30 s if not set); 0: never
  // judged by readiness. Takes effect at once.
  void SetNotReadyGrace(Duration grace, TimePoint now);

  // A list's answer. One for another source than the current or the awaited
  // one is late, and ignored. Duplicate names count once.
  void Observe(const MembersUpdate& update, TimePoint now);

  // Names that polled before a restart: with a polling source that has not
  // answered yet, they are its first members, as if they had polled now. Before
  // the first Configure they are kept for it.
  void Remember(std::span<const std::string> names, TimePoint now);

  // A scraper asked. O(log members).
  void Polled(const Poll& poll);

  // Lets time pass: ends what has been silent for too long and completes an
  // awaited polling source. Returns the ids of members gone since the last
  // call: they are in members() no more and nothing is served to them. O(1)
  // before the deadline, else O(members log members).
  std::vector<MemberId> Advance(TimePoint now);

  // When Advance must be called at the latest; after an Advance, later than its
  // `now`. It may come too early, since whoever asks again puts off only when
  // he falls silent, not this.
  std::optional<TimePoint> Deadline() const;

  // The first complete answer of a source is in.
  bool known() const { return known_; }
  bool polling() const;
  // Why it is not, "" once it is.
  std::string waiting_for() const;
  // Nothing is known yet because polls are being waited for.
  bool awaits_polls() const { return !known_ && awaited_ && awaited_->polling; }
  // Changes whenever members() or polling() does.
  std::uint64_t version() const { return version_; }
  // Changes whenever the set of live members, or a node of one, does.
  std::uint64_t live_version() const { return live_version_; }
  const std::map<std::string, Member, std::less<>>& members() const {
    return members_;
  }
  // Pods that are selected and no members, with the reason: they were never
  // live here, or fell silent since. Changes with version().
  const std::map<std::string, std::string>& left_out() const {
    return left_out_;
  }
  std::vector<std::string> Strangers() const;  // sorted; O(askers)
  // Changes whenever Strangers() may have.
  std::uint64_t strangers_version() const { return strangers_version_; }
  // Of the awaited source, if it has one, else of the current one; or "".
  std::string problem() const;
  // The largest refresh interval that a member named; strangers name anything.
  std::chrono::milliseconds largest_refresh_interval() const {
    return largest_refresh_interval_;
  }

 private:
  struct Asker {
    TimePoint last;
    std::chrono::milliseconds refresh_interval{0};
  };

  Duration Silence(const Asker* asker) const;
  // When the member has been silent for too long.
  TimePoint SilentAt(const Member& member) const;
  using Members = std::map<std::string, Member, std::less<>>;
  void Join(const MemberObservation& seen, State state, std::string reason,
            TimePoint now);
  void Exclude(Member& member, std::string reason, TimePoint now);
  Members::iterator Gone(Members::iterator member);
  void Replace(const MembersUpdate& update, bool first, TimePoint now);
  void JudgePods(TimePoint now);
  void CompletePolling(TimePoint now);
  void CheckBy(TimePoint time) { check_at_ = std::min(check_at_, time); }

  struct Source {
    std::string key;
    bool polling = false;
    std::chrono::milliseconds poll_timeout{std::chrono::seconds(90)};
    TimePoint complete_at;     // polling: answers complete from then on
    std::string problem = {};  // as last observed
  };
  std::optional<Source> current_;
  std::optional<Source> awaited_;

  bool known_ = false;
  std::uint64_t version_ = 0;
  std::uint64_t live_version_ = 0;
  std::uint64_t strangers_version_ = 0;
  // Nothing completes and nobody falls silent before.
  TimePoint check_at_ = TimePoint::max();
  std::vector<std::string> remembered_;  // until the first Configure
  MemberId next_id_ = 0;
  Members members_;
  MemberPods pods_;
  std::map<std::string, std::string> left_out_;
  std::vector<MemberId> gone_;                        // since the last Advance
  std::map<std::string, Asker, std::less<>> askers_;  // members and strangers
  std::chrono::milliseconds largest_refresh_interval_{0};
};

}  // namespace ta
