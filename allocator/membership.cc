#include "allocator/membership.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "allocator/members_key.h"

namespace ta {
namespace {

// A scraper may name any refresh interval; longer ones would keep a dead
// collector a member for days.
constexpr std::chrono::milliseconds kLongestRefresh = std::chrono::hours(24);

}  // namespace

bool Membership::polling() const { return current_ && current_->polling; }

std::string Membership::waiting_for() const {
  if (known_) return "";
  if (awaits_polls()) {
    return "collectors to poll: until poll_timeout has passed since the start, "
           "not all of them are known";
  }
  const std::string why = problem();
  return why.empty() ? "the list of collectors"
                     : "the list of collectors: " + why;
}

std::string Membership::problem() const {
  if (awaited_ && !awaited_->problem.empty()) return awaited_->problem;
  return current_ ? current_->problem : "";
}

void Membership::Configure(const MembersConfig& config, TimePoint now) {
  Source source;
  source.key = MembersKey(config);
  if (const auto* polling = std::get_if<PollingMembers>(&config)) {
    source.polling = true;
    source.poll_timeout = polling->poll_timeout;
    source.complete_at = now + polling->poll_timeout;
  }
  if (awaited_ && awaited_->key == source.key) return;
  if (current_ && current_->key == source.key) {
    awaited_.reset();  // a reload that went back
    return;
  }
  if (current_ && current_->polling && source.polling) {
    current_ = std::move(source);  // only the timeout differs
    awaited_.reset();
    CheckBy(now);
    return;
  }
  if (awaited_ && awaited_->polling && source.polling) {
    // The wait began when the first of them did.
    const TimePoint began = awaited_->complete_at - awaited_->poll_timeout;
    source.complete_at = std::max(now, began + source.poll_timeout);
  }
  ++strangers_version_;
  awaited_ = std::move(source);
  CheckBy(now);
  Remember(std::exchange(remembered_, {}), now);
}

void Membership::SetNotReadyGrace(Duration grace, TimePoint now) {
  pods_.SetGrace(grace);
  CheckBy(now);
}

void Membership::Observe(const MembersUpdate& update, TimePoint now) {
  const bool is_awaited = awaited_ && awaited_->key == update.source;
  const bool is_current = current_ && current_->key == update.source;
  if (!is_awaited && !is_current) return;
  (is_awaited ? awaited_ : current_)->problem = update.problem;
  if (!update.complete) return;
  if (is_awaited) {
    current_ = std::exchange(awaited_, std::nullopt);
    ++version_;
  }
  known_ = true;
  CheckBy(now);
  Replace(update, is_awaited, now);
}

void Membership::Remember(std::span<const std::string> names, TimePoint now) {
  if (!current_ && !awaited_) {
    remembered_.insert(remembered_.end(), names.begin(), names.end());
  }
  if (names.empty() || known_ || !awaited_ || !awaited_->polling) return;
  for (const std::string& name : names) {
    if (askers_.size() >= kMostPollingMembers) break;
    askers_.try_emplace(name, Asker{now});
  }
  ++strangers_version_;
  awaited_->complete_at = now;
  CheckBy(now);
}

void Membership::Polled(const Poll& poll) {
  const auto refresh = std::clamp(
      poll.refresh_interval, std::chrono::milliseconds(0), kLongestRefresh);
  if (pods_.Polled(poll.collector, poll.at)) CheckBy(poll.at);
  auto found = askers_.find(poll.collector);
  if (found == askers_.end()) {
    const bool open = (awaited_ && awaited_->polling) || polling();
    const std::size_t most =
        open ? kMostPollingMembers : kMostStrangers + members_.size();
    if (askers_.size() >= most && !members_.contains(poll.collector)) return;
    found = askers_.try_emplace(poll.collector).first;
    found->second.last = poll.at;
    ++strangers_version_;
    CheckBy(poll.at + Silence(nullptr));
  }
  Asker& asker = found->second;
  asker.last = std::max(asker.last, poll.at);
  asker.refresh_interval = std::max(asker.refresh_interval, refresh);
  if (polling()) Join({poll.collector, ""}, State::kLive, "", poll.at);
  if (members_.contains(poll.collector)) {
    largest_refresh_interval_ =
        std::max(largest_refresh_interval_, asker.refresh_interval);
  }
}

std::vector<MemberId> Membership::Advance(TimePoint now) {
  if (now < check_at_) return {};
  if (awaited_ && awaited_->polling && awaited_->complete_at <= now) {
    CompletePolling(now);
  }
  JudgePods(now);
  for (auto it = members_.begin(); it != members_.end();) {
    const bool may_fall_silent = !it->second.live() || polling();
    it = may_fall_silent && SilentAt(it->second) <= now ? Gone(it)
                                                        : std::next(it);
  }
  if (!gone_.empty()) JudgePods(now);  // of some nothing is left but the pod
  std::vector<MemberId> gone = std::exchange(gone_, {});
  if (!gone.empty()) {
    largest_refresh_interval_ = std::chrono::milliseconds(0);
    for (const auto& [name, member] : members_) {
      if (const auto asker = askers_.find(name); asker != askers_.end()) {
        largest_refresh_interval_ =
            std::max(largest_refresh_interval_, asker->second.refresh_interval);
      }
    }
  }
  const std::size_t removed = std::erase_if(askers_, [&](const auto& entry) {
    return !members_.contains(entry.first) &&
           entry.second.last + Silence(&entry.second) <= now;
  });
  if (removed > 0) ++strangers_version_;

  check_at_ = pods_.Deadline(now);
  if (awaited_ && awaited_->polling) CheckBy(awaited_->complete_at);
  for (const auto& [name, member] : members_) {
    if (!member.live() || polling()) CheckBy(SilentAt(member));
  }
  for (const auto& [name, asker] : askers_) {
    if (!members_.contains(name)) CheckBy(asker.last + Silence(&asker));
  }
  return gone;
}

std::optional<TimePoint> Membership::Deadline() const {
  if (check_at_ == TimePoint::max()) return std::nullopt;
  return check_at_;
}

std::vector<std::string> Membership::Strangers() const {
  std::vector<std::string> names;
  // Who asks while polls are collected is about to be a member.
  if (awaited_ && awaited_->polling) return names;
  for (const auto& [name, asker] : askers_) {
    if (!members_.contains(name)) names.push_back(name);
    if (names.size() == kMostStrangers) break;
  }
  return names;
}

Duration Membership::Silence(const Asker* asker) const {
  std::chrono::milliseconds timeout =
      current_ ? current_->poll_timeout : Source().poll_timeout;
  if (awaited_ && awaited_->polling) {
    // Who asks while these polls are collected must not be forgotten.
    timeout = current_ ? std::max(timeout, awaited_->poll_timeout)
                       : awaited_->poll_timeout;
  }
  if (asker == nullptr) return timeout;
  return std::max<Duration>(
      timeout, 2 * asker->refresh_interval + std::chrono::seconds(10));
}

TimePoint Membership::SilentAt(const Member& member) const {
  const auto asker = askers_.find(member.name);
  if (asker == askers_.end()) return member.changed + Silence(nullptr);
  // One that was excluded just now gets its time even if it had not asked for
  // a while: its process may be about to.
  const TimePoint since = member.live()
                              ? asker->second.last
                              : std::max(asker->second.last, member.changed);
  return since + Silence(&asker->second);
}

void Membership::Join(const MemberObservation& seen, State state,
                      std::string reason, TimePoint now) {
  auto [it, added] = members_.try_emplace(seen.name);
  Member& member = it->second;
  if (added) {
    ++strangers_version_;
    member.id = next_id_++;
    member.name = seen.name;
  }
  const bool was_live = !added && member.live();
  if (added || member.state != state) member.changed = now;
  if (!was_live || member.node != seen.node) {
    ++live_version_;
    ++version_;
  } else if (member.state != state || member.reason != reason) {
    ++version_;
  }
  member.uid = seen.pod ? seen.pod->uid : "";
  member.node = seen.node;
  member.state = state;
  member.reason = std::move(reason);
}

void Membership::Exclude(Member& member, std::string reason, TimePoint now) {
  if (member.live()) {
    ++live_version_;
    member.state = State::kDraining;
    member.changed = now;
  } else if (member.reason == reason) {
    return;
  }
  member.reason = std::move(reason);
  ++version_;
}

Membership::Members::iterator Membership::Gone(Members::iterator member) {
  if (member->second.live()) ++live_version_;
  ++version_;
  ++strangers_version_;
  gone_.push_back(member->second.id);
  return members_.erase(member);
}

void Membership::Replace(const MembersUpdate& update, bool first,
                         TimePoint now) {
  std::map<std::string_view, const MemberObservation*> named;
  for (const MemberObservation& seen : update.members) {
    named.try_emplace(seen.name, &seen);
  }
  const std::set<std::string_view> ended(update.ended_pods.begin(),
                                         update.ended_pods.end());
  for (auto it = members_.begin(); it != members_.end();) {
    Member& member = it->second;
    const auto seen = named.find(member.name);
    const bool replaced = seen != named.end() && seen->second->pod &&
                          !member.uid.empty() &&
                          seen->second->pod->uid != member.uid;
    if (replaced || (!member.uid.empty() && ended.contains(member.uid))) {
      // Nobody asks under this name any more, until somebody new does.
      askers_.erase(member.name);
      it = Gone(it);
      continue;
    }
    if (seen == named.end()) {
      Exclude(member,
              member.uid.empty() ? "not in the list of collectors any more"
                                 : "no pod of this name is selected any more",
              now);
    }
    ++it;
  }
  for (const auto& [name, seen] : named) {
    if (!seen->pod) Join(*seen, State::kLive, "", now);
  }
  pods_.Replace(update.members, first, now);
  JudgePods(now);
}

// Those that were never live are no members: nothing is served to them, and
// while there are no others nobody is answered an empty list.
void Membership::JudgePods(TimePoint now) {
  std::map<std::string, std::string> left_out;
  for (const auto& [name, pod] : pods_.pods()) {
    auto [verdict, reason] = pods_.Judge(pod, now);
    if (verdict != MemberPods::Verdict::kExcluded) {
      Join(
          {name, pod.node, pod.seen},
          verdict == MemberPods::Verdict::kGrace ? State::kGrace : State::kLive,
          std::move(reason), now);
    } else if (const auto member = members_.find(name);
               member != members_.end()) {
      Exclude(member->second, std::move(reason), now);
    } else {
      left_out.emplace(name, std::move(reason));
    }
  }
  if (left_out == left_out_) return;
  left_out_ = std::move(left_out);
  ++version_;
}

void Membership::CompletePolling(TimePoint now) {
  current_ = std::exchange(awaited_, std::nullopt);
  known_ = true;
  ++version_;
  MembersUpdate polled;
  for (const auto& [name, asker] : askers_) {
    if (asker.last + Silence(&asker) > now)
      polled.members.push_back({name, ""});
  }
  Replace(polled, true, now);
}

}  // namespace ta
