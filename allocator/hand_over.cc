#include "allocator/hand_over.h"

#include <algorithm>
#include <cassert>

namespace ta {

void HandOver::Moved(const Move& move, bool from_serves, TimePoint now) {
  assert(move.from != move.to);
  auto it = open_.find(move.slot);
  const bool from_stays = settings_.enabled && from_serves &&
                          move.from != kNoMember &&
                          WasSent(move.from, move.job, move.given);
  if (it == open_.end()) {
    if (!from_stays) return;
    it = open_.try_emplace(move.slot).first;
  } else {
    Untrack(move.slot, it->second);
  }
  Open& open = it->second;
  Count(open.earlier, -1);
  std::erase(open.earlier, move.to);
  if (from_stays && !std::ranges::binary_search(open.earlier, move.from)) {
    open.earlier.insert(std::ranges::upper_bound(open.earlier, move.from),
                        move.from);
  }
  Count(open.earlier, +1);
  if (open.earlier.empty()) {
    open_.erase(it);
    return;
  }
  open.job = move.job;
  open.owner = move.to;
  open.generation = move.generation;
  open.since = now;
  open.settle = move.scrape_interval + kSettleMargin;
  open.settled.reset();
  Track(move.slot, open);
}

void HandOver::Removed(Slot slot) {
  if (const auto it = open_.find(slot); it != open_.end()) Erase(it);
}

void HandOver::Continue(Slot from, Slot to) {
  const auto it = open_.find(from);
  if (it == open_.end()) return;
  Untrack(from, it->second);
  auto node = open_.extract(it);
  node.key() = to;
  assert(!open_.contains(to));
  Track(to, open_.insert(std::move(node)).position->second);
}

void HandOver::Sent(MemberId member, JobId job, std::uint64_t generation,
                    TimePoint at) {
  std::vector<std::uint64_t>& by_job = sent_[member];
  if (by_job.size() <= job) by_job.resize(job + 1);
  if (by_job[job] >= generation) return;
  by_job[job] = generation;
  const auto waiting = waiting_.find({member, job});
  if (waiting == waiting_.end()) return;
  const std::set<Slot> slots = waiting->second;
  for (const Slot slot : slots) {
    Open& open = open_.at(slot);
    if (open.generation > generation) continue;
    Untrack(slot, open);
    open.settled = at + open.settle;
    Track(slot, open);
  }
}

std::vector<Slot> HandOver::Gone(MemberId member) {
  sent_.erase(member);
  std::vector<Slot> slots;
  if (!handing_over_.contains(member)) return slots;
  for (auto& [slot, open] : open_) {
    if (std::erase(open.earlier, member) > 0) slots.push_back(slot);
  }
  handing_over_.erase(member);
  std::ranges::sort(slots);
  for (const Slot slot : slots) {
    const auto it = open_.find(slot);
    if (it->second.earlier.empty()) Erase(it);
  }
  return slots;
}

std::vector<HandOver::Ended> HandOver::Advance(
    TimePoint now, std::chrono::milliseconds largest_refresh_interval,
    const std::set<MemberId>& draining) {
  // In whole seconds and clamped first, so that a client which names a little
  // more each time doesn't have all of them looked at each time.
  const auto wait = std::min<std::chrono::seconds>(
      std::chrono::ceil<std::chrono::seconds>(2 * largest_refresh_interval),
      kLongestRefreshWait);
  if (wait != refresh_wait_) {
    refresh_wait_ = wait;
    for (auto& [slot, open] : open_) {  // rare: their limits are others now
      Untrack(slot, open);
      Track(slot, open);
    }
  }
  std::vector<Ended> ended;
  while (!due_.empty() && (due_.begin()->first <= now || !settings_.enabled)) {
    const auto it = open_.find(due_.begin()->second);
    const Open& open = it->second;
    if (open.owner == kNoMember && settings_.enabled) {
      const Ended step = EndUnowned(it, now, draining);
      ended.push_back(step);
      continue;
    }
    const bool settled = open.settled && *open.settled <= now;
    ended.push_back(
        {it->first, now - open.since, settings_.enabled && !settled});
    Erase(it);
  }
  std::ranges::sort(ended, {}, &Ended::slot);
  return ended;
}

// A target without an owner waits for one: there is nobody else to scrape it.
// But a member that is live and lost it was meant to lose it.
HandOver::Ended HandOver::EndUnowned(OpenMap::iterator it, TimePoint now,
                                     const std::set<MemberId>& draining) {
  const Slot slot = it->first;
  Open& open = it->second;
  const Ended ended{slot, now - open.since, true};
  std::erase_if(open.earlier, [&](MemberId member) {
    if (draining.contains(member)) return false;
    Count({&member, 1}, -1);
    return true;
  });
  if (open.earlier.empty()) {
    Erase(it);
    return ended;
  }
  Untrack(slot, open);
  open.since = now;  // looked at again after another such time
  Track(slot, open);
  return {slot, {}, false, true};
}

std::optional<TimePoint> HandOver::Deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

std::span<const MemberId> HandOver::Earlier(Slot slot) const {
  const auto it = open_.find(slot);
  if (it == open_.end()) return {};
  return it->second.earlier;
}

bool HandOver::IsEarlier(Slot slot, MemberId member) const {
  return std::ranges::binary_search(Earlier(slot), member);
}

bool HandOver::WasSent(MemberId member, JobId job, std::uint64_t given) const {
  const auto it = sent_.find(member);
  return it != sent_.end() && job < it->second.size() &&
         it->second[job] >= given;
}

std::size_t HandOver::HandingOver(MemberId member) const {
  const auto it = handing_over_.find(member);
  return it == handing_over_.end() ? 0 : it->second;
}

void HandOver::Track(Slot slot, Open& open) {
  open.due = open.since + Limit(open);
  if (open.settled) {
    open.due = std::min(open.due, *open.settled);
  } else if (open.owner != kNoMember) {
    waiting_[{open.owner, open.job}].insert(slot);
  }
  due_.insert({open.due, slot});
}

void HandOver::Untrack(Slot slot, Open& open) {
  due_.erase({open.due, slot});
  if (open.settled || open.owner == kNoMember) return;
  const auto waiting = waiting_.find({open.owner, open.job});
  waiting->second.erase(slot);
  if (waiting->second.empty()) waiting_.erase(waiting);
}

void HandOver::Erase(OpenMap::iterator it) {
  Untrack(it->first, it->second);
  Count(it->second.earlier, -1);
  open_.erase(it);
}

void HandOver::Count(std::span<const MemberId> members, int by) {
  for (const MemberId member : members) {
    handing_over_[member] += by;
    counted_.insert(member);
  }
}

Duration HandOver::Limit(const Open& open) const {
  return std::max<Duration>(settings_.timeout, refresh_wait_ + open.settle);
}

}  // namespace ta
