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

  snapshot->jobs.reserve(sync_.jobs().size());
  for (const auto& [name, job] : sync_.jobs()) {
    auto& view = views_[name];
    if (view == nullptr || stale_views_.contains(job.id)) view = ViewOf(job);
    snapshot->jobs.push_back(view);
  }
  stale_views_.clear();
  snapshot->removed_jobs.assign(removed_jobs_.begin(), removed_jobs_.end());

  snapshot->polling_members = membership_.polling();
  snapshot->members = MemberViews();
  snapshot->strangers = strangers_;
  snapshot->members_problem = members_problem_;
  RefreshDiscovererViews();
  for (const auto& [key, view] : discoverer_views_) {
    snapshot->discoverers.push_back(view);
  }
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

std::vector<MemberView> Allocator::MemberViews() const {
  std::vector<MemberView> views;
  views.reserve(membership_.members().size());
  for (const auto& [name, member] : membership_.members()) {
    MemberView& view = views.emplace_back();
    view.name = name;
    view.id = member.id;
    view.node = member.node;
    view.reason = member.reason;
    view.owned = shares_.Owned(member.id);
    view.handing_over = hand_over_.HandingOver(member.id);
    view.state = member.live             ? MemberView::State::kLive
                 : view.handing_over > 0 ? MemberView::State::kDraining
                                         : MemberView::State::kDrained;
  }
  return views;
}

void Allocator::RefreshDiscovererViews() {
  if (std::ranges::none_of(discoverer_views_, [](const auto& entry) {
        return entry.second == nullptr;
      })) {
    return;
  }
  std::map<std::string_view, std::vector<std::string>> jobs;
  for (const auto& [name, job] : sync_.jobs()) {
    for (const std::string& key : job.active) jobs[key].push_back(name);
    if (!job.awaited) continue;
    for (const std::string& key : *job.awaited) {
      if (!job.active.contains(key)) jobs[key].push_back(name);
    }
  }
  for (auto& [key, view] : discoverer_views_) {
    if (view != nullptr) continue;
    auto made = std::make_shared<DiscovererView>();
    made->key = key;
    made->mechanism = key.substr(0, key.find(':'));
    made->jobs = std::move(jobs[key]);
    if (const auto* stats = targets_.Stats(key)) {
      made->synced = stats->synced;
      made->problem = stats->problem;
      made->groups = stats->groups;
      made->targets = stats->targets;
    }
    view = std::move(made);
  }
}

}  // namespace ta
