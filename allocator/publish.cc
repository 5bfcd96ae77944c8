// The part of the allocator that makes a snapshot of its state.

#include <algorithm>
#include <utility>

#include "allocator/allocator.h"

namespace ta {

std::shared_ptr<const Snapshot> Allocator::Publish() {
  changed_ = false;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = ++generation_;
  snapshot->digest = shares_.digest();
  snapshot->configured = sync_.configured();
  snapshot->ready = sync_.ready();
  snapshot->waiting_for = sync_.waiting_for();
  snapshot->targets_served = sync_.targets_served();
  snapshot->targets_wait = sync_.targets_wait();
  snapshot->jobs_not_synced = sync_.JobsNotSynced();
  snapshot->config = config_;

  for (const JobId id : std::exchange(stale_views_, {})) {
    const auto position = job_position_.find(id);
    if (position == job_position_.end()) continue;
    views_[position->second] = ViewOf(*job_order_[position->second]);
  }
  snapshot->jobs = views_;
  snapshot->removed_jobs.assign(removed_jobs_.begin(), removed_jobs_.end());

  snapshot->polling_members = membership_.polling();
  RefreshMemberViews();
  snapshot->members = member_views_;
  snapshot->left_out.assign(membership_.left_out().begin(),
                            membership_.left_out().end());
  snapshot->strangers = strangers_;
  snapshot->members_problem = members_problem_;
  RefreshDiscovererViews();
  snapshot->discoverers = discoverer_views_;
  if (strategy_ != nullptr) snapshot->strategy = strategy_->View();
  snapshot->hand_overs_open = hand_over_.open();
  snapshot->reload = reload_;
  totals_.targets_relabeled = targets_.relabeled();
  snapshot->totals = totals_;
  return snapshot;
}

std::shared_ptr<const JobView> Allocator::ViewOf(const SyncedJob& job) const {
  auto view = std::make_shared<JobView>();
  view->config = job.config;
  view->relabeler = job.relabeler;
  view->rules_digest = job.rules_digest;
  view->served = job.served;
  view->waiting_for = job.waiting_for;
  const Shares::OfJob& shares = shares_.Job(job.id);
  view->shares = shares.shares;
  view->unassigned = shares.unassigned;
  view->unserved = targets_.Unserved(job.id).buckets();
  view->counts = targets_.Counts(job.id);
  view->counts.assigned = shares.assigned;
  view->counts.unassigned =
      shares.unassigned == nullptr ? 0 : shares.unassigned->size();
  return view;
}

// The members may be thousands, and an event changes what a few of them own.
void Allocator::RefreshMemberViews() {
  auto counted = shares_.TakeCounted();
  counted.merge(hand_over_.TakeCounted());
  if (std::exchange(viewed_version_, membership_.version()) !=
      membership_.version()) {
    member_order_.clear();
    member_position_.clear();
    for (const auto& [name, member] : membership_.members()) {
      member_position_[member.id] = member_order_.size();
      member_order_.push_back(&member);
    }
  } else if (counted.size() <= member_order_.size() / member_views_.kBlock) {
    for (const MemberId id : counted) {
      const auto position = member_position_.find(id);
      if (position == member_position_.end()) continue;
      member_views_.Set(position->second,
                        ViewOf(*member_order_[position->second]));
    }
    return;
  }
  std::vector<MemberView> views;
  views.reserve(member_order_.size());
  for (const auto* member : member_order_) views.push_back(ViewOf(*member));
  member_views_ = SharedBlocks(std::move(views));
}

MemberView Allocator::ViewOf(const Membership::Member& member) const {
  MemberView view;
  view.name = member.name;
  view.id = member.id;
  view.node = member.node;
  view.pod_uid = member.uid;
  view.reason = member.reason;
  view.since = member.changed;
  view.owned = shares_.Owned(member.id);
  view.handing_over = hand_over_.HandingOver(member.id);
  if (member.live()) {
    view.state = member.state == Membership::State::kGrace
                     ? MemberView::State::kGrace
                     : MemberView::State::kLive;
  } else {
    view.state = view.handing_over > 0 ? MemberView::State::kDraining
                                       : MemberView::State::kDrained;
  }
  return view;
}

// After a configuration: all views must be redone, since their jobs' settings
// are others.
void Allocator::IndexJobs() {
  job_order_.clear();
  job_position_.clear();
  for (const auto& [name, job] : sync_.jobs()) {
    job_position_[job.id] = job_order_.size();
    job_order_.push_back(&job);
    stale_views_.insert(job.id);
  }
  views_.assign(job_order_.size(), nullptr);
}

// After the discoverers in use, or the jobs that use them, became others.
void Allocator::IndexDiscoverers() {
  discoverer_position_.clear();
  std::vector<std::vector<std::string>> jobs(in_use_.size());
  for (const std::string& key : in_use_) {
    discoverer_position_.emplace(key, discoverer_position_.size());
  }
  for (const auto& [name, job] : sync_.jobs()) {
    for (const std::string& key : job.active) {
      jobs[discoverer_position_.at(key)].push_back(name);
    }
    if (!job.awaited) continue;
    for (const std::string& key : *job.awaited) {
      if (job.active.contains(key)) continue;
      jobs[discoverer_position_.at(key)].push_back(name);
    }
  }
  discoverer_views_.assign(in_use_.size(), nullptr);
  for (const auto& [key, position] : discoverer_position_) {
    auto view = std::make_shared<DiscovererView>();
    view->key = key;
    view->mechanism = key.substr(0, key.find_first_of(": "));
    view->jobs = std::move(jobs[position]);
    discoverer_views_[position] = std::move(view);
    stale_discoverers_.insert(key);
  }
}

void Allocator::RefreshDiscovererViews() {
  for (const std::string& key : std::exchange(stale_discoverers_, {})) {
    const auto position = discoverer_position_.find(key);
    const auto* stats = targets_.Stats(key);
    if (position == discoverer_position_.end() || stats == nullptr) continue;
    auto& view = discoverer_views_[position->second];
    auto next = std::make_shared<DiscovererView>(*view);
    next->synced = stats->synced;
    next->problem = stats->problem;
    next->groups = stats->groups;
    next->targets = stats->targets;
    view = std::move(next);
  }
}

}  // namespace ta
