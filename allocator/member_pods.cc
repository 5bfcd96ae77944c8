#include "allocator/member_pods.h"

#include <algorithm>
#include <utility>

#include "allocator/config/units.h"

namespace ta {

void MemberPods::Replace(std::span<const MemberObservation> list, bool first,
                         TimePoint now) {
  ready_time_ = ReadyTime(now);
  as_of_ = now;
  const Pods before = std::exchange(pods_, {});
  for (const MemberObservation& seen : list) {
    if (!seen.pod) continue;
    const auto [at, added] = pods_.try_emplace(seen.name);
    if (!added) continue;
    Pod& pod = at->second;
    pod.first_seen = now;
    const auto old = before.find(seen.name);
    if (old != before.end() && old->second.seen.uid == seen.pod->uid) {
      pod = old->second;
    }
    pod.seen = *seen.pod;
    pod.node = seen.node;
  }
  any_ready_ = std::ranges::any_of(pods_, [](const auto& entry) {
    return Runs(entry.second) && entry.second.seen.ready;
  });
  for (auto& [name, pod] : pods_) {
    const bool by_its_own_account =
        first && any_ready_ && pod.first_seen == now;
    StartClock(pod,
               by_its_own_account
                   ? std::clamp(pod.seen.not_ready_for, Duration(0), grace_)
                   : Duration(0),
               now);
  }
}

bool MemberPods::Polled(const std::string& name, TimePoint at) {
  const auto found = pods_.find(name);
  if (found == pods_.end()) return false;
  Pod& pod = found->second;
  // What asked before it was there may have been another of its name.
  if (pod.polled || at < pod.first_seen) return false;
  const bool ran = Runs(pod);
  pod.polled = true;
  if (Runs(pod) == ran) return false;
  StartClock(pod, Duration(0), std::max(at, as_of_));
  return true;
}

MemberPods::Judgement MemberPods::Judge(const Pod& pod, TimePoint now) const {
  if (pod.seen.deleted) return {Verdict::kExcluded, "pod is being deleted"};
  if (!Runs(pod)) {
    return {Verdict::kExcluded, pod.seen.phase.empty()
                                    ? "pod has not started"
                                    : "pod is " + pod.seen.phase};
  }
  if (pod.seen.ready || grace_ <= Duration(0)) return {};
  if (ReadyTime(now) - *pod.unready_from < grace_) {
    return {Verdict::kGrace, "pod is not ready"};
  }
  const auto grace =
      std::chrono::duration_cast<std::chrono::milliseconds>(grace_);
  return {Verdict::kExcluded,
          "pod has not been ready for " + FormatPrometheusDuration(grace)};
}

TimePoint MemberPods::Deadline(TimePoint now) const {
  TimePoint deadline = TimePoint::max();
  if (!any_ready_ || grace_ <= Duration(0)) return deadline;
  for (const auto& [name, pod] : pods_) {
    if (!pod.unready_from) continue;
    const TimePoint expires =
        as_of_ + (grace_ - (ready_time_ - *pod.unready_from));
    if (expires > now) deadline = std::min(deadline, expires);
  }
  return deadline;
}

bool MemberPods::Runs(const Pod& pod) {
  if (pod.seen.deleted) return false;
  if (pod.seen.phase == "Running") return true;
  return pod.polled && (pod.seen.phase == "Pending" || pod.seen.phase.empty());
}

Duration MemberPods::ReadyTime(TimePoint now) const {
  if (!any_ready_ || now < as_of_) return ready_time_;
  return ready_time_ + (now - as_of_);
}

void MemberPods::StartClock(Pod& pod, Duration age, TimePoint now) {
  if (!Runs(pod) || pod.seen.ready) {
    pod.unready_from.reset();
  } else if (!pod.unready_from) {
    pod.unready_from = ReadyTime(now) - age;
  }
}

}  // namespace ta
