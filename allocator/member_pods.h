// Collectors that are pods: which of those selected may own targets, judged by
// what each says of itself and for how long it has said so.
//
//   live       Running, not being deleted, and Ready
//   grace      the same, but not ready, for less than the grace period
//   excluded   anything else: it owns nothing
//
// A collector becomes ready only once it is answered. So that a fleet that is
// not ready because of us is not excluded for it, the time that a pod is not
// ready counts only while another one is Ready. Pure: time is a parameter, and
// the times that pods name by a clock of their own count at the first list
// only.

#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/updates.h"

namespace ta {

// Confined to the writer.
class MemberPods {
 public:
  struct Pod {
    PodObservation seen;
    std::string node;
    TimePoint first_seen;  // under this uid
    bool polled = false;   // it has asked as a scraper since
    // ready_time when it began to run without being ready, less the time that
    // it had been so already; nothing unless it does.
    std::optional<Duration> unready_from;
  };
  using Pods = std::map<std::string, Pod, std::less<>>;

  enum class Verdict { kLive, kGrace, kExcluded };
  struct Judgement {
    Verdict verdict = Verdict::kLive;
    std::string reason;  // "" while live
  };

  // 0: never judged by readiness. Takes effect at once.
  void SetGrace(Duration grace) { grace_ = grace; }

  // All selected pods, as they are now; entries that are no pods are passed
  // over, and of a name the first counts. At the `first` list of a source a pod
  // that was not known has been not ready for as long as it says itself, up to
  // the grace period; but for no time at all if no pod is Ready. `now` never
  // goes back. O(pods log pods).
  void Replace(std::span<const MemberObservation> list, bool first,
               TimePoint now);

  // A scraper of this name asked. A pod that does runs, even if its status
  // doesn't say so yet. True if that is news. O(log pods).
  bool Polled(const std::string& name, TimePoint at);

  Judgement Judge(const Pod& pod, TimePoint now) const;

  // When, later than `now`, a verdict becomes another one by itself; max() if
  // never. O(pods).
  TimePoint Deadline(TimePoint now) const;

  const Pods& pods() const { return pods_; }

 private:
  static bool Runs(const Pod& pod);
  // For how long, in all, there has been a Ready pod. The clock that counts.
  Duration ReadyTime(TimePoint now) const;
  void StartClock(Pod& pod, Duration age, TimePoint now);

  Duration grace_ = std::chrono::seconds(30);
  Pods pods_;
  bool any_ready_ = false;
  Duration ready_time_{0};  // at as_of_
  TimePoint as_of_;
};

}  // namespace ta
