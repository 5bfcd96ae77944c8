#include "allocator/snapshot.h"

#include <algorithm>
#include <utility>

namespace ta {

std::string_view ToString(MemberView::State state) {
  switch (state) {
    case MemberView::State::kLive:
      return "live";
    case MemberView::State::kGrace:
      return "grace";
    case MemberView::State::kDraining:
      return "draining";
    case MemberView::State::kDrained:
      return "drained";
  }
  return "";
}

const TargetList* JobView::ListOf(MemberId member) const {
  const auto it = std::ranges::lower_bound(shares, member, {}, &Share::member);
  return it != shares.end() && it->member == member ? it->list.get() : nullptr;
}

void DurationHistogram::Add(double seconds) {
  const auto bound = std::ranges::lower_bound(kBounds, seconds);
  ++counts[static_cast<std::size_t>(bound - kBounds.begin())];
  sum += seconds;
}

const JobView* Snapshot::FindJob(std::string_view name) const {
  const auto it = std::ranges::lower_bound(
      jobs, name, {},
      [](const auto& job) -> std::string_view { return job->name(); });
  return it != jobs.end() && (*it)->name() == name ? it->get() : nullptr;
}

const MemberView* Snapshot::FindMember(std::string_view name) const {
  const auto it = std::ranges::lower_bound(
      members, name, {},
      [](const MemberView& member) -> std::string_view { return member.name; });
  return it != members.end() && it->name == name ? &*it : nullptr;
}

bool Snapshot::WasRemoved(std::string_view job) const {
  return std::ranges::binary_search(removed_jobs, job);
}

std::size_t Snapshot::LiveMembers() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members, &MemberView::live));
}

SnapshotHolder::SnapshotHolder()
    : snapshot_(std::make_shared<const Snapshot>()) {}

std::shared_ptr<const Snapshot> SnapshotHolder::Get() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void SnapshotHolder::Set(std::shared_ptr<const Snapshot> snapshot) {
  Listener listener;
  {
    const std::lock_guard lock(mutex_);
    snapshot_.swap(snapshot);  // the old one is dropped outside of the lock
    listener = listener_;
  }
  if (listener) listener();
}

void SnapshotHolder::OnChange(Listener listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

}  // namespace ta
