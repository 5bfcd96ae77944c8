// Snapshots by hand, for tests of what reads them: no allocator, no strategy,
// just who is served what.

#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocator/snapshot.h"

namespace ta::test {

// {"name": "value", …} as Labels.
inline Labels MakeLabels(
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<LabelPair> views;
  for (const auto& [name, value] : pairs) views.push_back({name, value});
  return Labels::Of(std::move(views));
}

// What a scrape config without settings seeds
// (scrape.PopulateDiscoveredLabels).
inline Labels Seeds(const std::string& job) {
  return MakeLabels({{"__metrics_path__", "/metrics"},
                     {"__scheme__", "http"},
                     {"__scrape_interval__", "1m"},
                     {"__scrape_timeout__", "10s"},
                     {"job", job}});
}

// Builds one Snapshot: ready and served unless said otherwise. Members get ids
// from 1 in the order of their names; lists are sorted by TargetId, as
// Snapshot's contract has it, so a test that depends on the order of targets
// asks for one target at a time or computes their ids.
class SnapshotBuilder {
 public:
  SnapshotBuilder() {
    config_ = std::make_shared<Config>();
    snapshot_.generation = 1;
    snapshot_.configured = true;
    snapshot_.ready = true;
    snapshot_.targets_served = true;
  }

  // Fields that have no shorthand.
  Snapshot& raw() { return snapshot_; }
  Config& config() { return *config_; }

  SnapshotBuilder& Member(const std::string& name,
                          MemberView::State state = MemberView::State::kLive) {
    members_[name] = state;
    return *this;
  }

  SnapshotBuilder& Job(const std::string& name,
                       std::vector<RelabelConfig> rules = {}) {
    return Job(name, std::move(rules), Seeds(name));
  }
  SnapshotBuilder& Job(const std::string& name,
                       std::vector<RelabelConfig> rules, const Labels& seeds) {
    auto& job = jobs_[name];
    auto config = std::make_shared<ScrapeConfig>();
    config->job_name = name;
    config->seeds = seeds;
    config->relabel_configs = rules;
    job.view.config = config;
    job.view.served = true;
    job.view.rules_digest = 0x1234;
    if (auto made = Relabeler::Create(name, seeds, rules)) {
      job.view.relabeler = *std::move(made);
    }
    return *this;
  }
  JobView& view(const std::string& job) { return jobs_[job].view; }

  // A target of `job`, owned by `owner`; also served to `earlier`.
  SnapshotBuilder& Target(
      const std::string& job, const std::string& owner,
      const std::vector<std::pair<std::string, std::string>>& own,
      const std::vector<std::pair<std::string, std::string>>& group = {},
      const std::vector<std::string>& earlier = {}) {
    const auto target = MakeTarget(job, own, group);
    jobs_[job].lists[owner].push_back({target, true});
    for (const std::string& name : earlier) {
      jobs_[job].lists[name].push_back({target, false});
    }
    ++jobs_[job].view.counts.discovered;
    ++jobs_[job].view.counts.assigned;
    return *this;
  }

  SnapshotBuilder& Unassigned(
      const std::string& job, UnassignedReason reason,
      const std::vector<std::pair<std::string, std::string>>& own) {
    jobs_[job].unassigned.push_back({MakeTarget(job, own, {}), reason});
    ++jobs_[job].view.counts.discovered;
    ++jobs_[job].view.counts.unassigned;
    return *this;
  }

  SnapshotBuilder& Unserved(const std::string& job, const std::string& source,
                            UnservedTarget unserved) {
    JobCounts& counts = jobs_[job].view.counts;
    ++counts.discovered;
    switch (unserved.state) {
      case UnservedTarget::State::kDroppedByRule:
      case UnservedTarget::State::kDroppedByCheck:
        ++counts.dropped;
        break;
      case UnservedTarget::State::kDuplicate:
        ++counts.duplicates;
        break;
      case UnservedTarget::State::kInvalid:
        ++counts.invalid;
        break;
    }
    auto group = std::make_shared<UnservedGroup>();
    group->discoverer = "file";
    group->source = source;
    group->targets.push_back(std::move(unserved));
    auto bucket = std::make_shared<UnservedBucket>();
    bucket->groups.push_back(std::move(group));
    jobs_[job].view.unserved.push_back(std::move(bucket));
    return *this;
  }

  std::shared_ptr<const Snapshot> Build() {
    std::vector<MemberView> members;
    std::map<std::string, MemberId> ids;
    for (const auto& [name, state] : members_) {
      ids.emplace(name, static_cast<MemberId>(ids.size() + 1));
      MemberView member;
      member.name = name;
      member.id = ids[name];
      member.state = state;
      members.push_back(std::move(member));
    }
    snapshot_.members = SharedBlocks(std::move(members));
    snapshot_.jobs.clear();
    config_->jobs.clear();
    for (auto& [name, job] : jobs_) {
      auto view = std::make_shared<JobView>(job.view);
      for (const auto& [collector, targets] : job.lists) {
        view->shares.push_back({ids.at(collector), MakeList(targets)});
      }
      std::sort(
          view->shares.begin(), view->shares.end(),
          [](const auto& a, const auto& b) { return a.member < b.member; });
      std::ranges::sort(job.unassigned, {}, [](const UnassignedTarget& one) {
        return one.target->id;
      });
      view->unassigned =
          std::make_shared<const std::vector<UnassignedTarget>>(job.unassigned);
      config_->jobs.push_back(view->config);
      snapshot_.jobs.push_back(std::move(view));
    }
    snapshot_.config = config_;
    return std::make_shared<const Snapshot>(snapshot_);
  }

 private:
  struct JobParts {
    JobView view;
    std::map<std::string, std::vector<ListedTarget>> lists;
    std::vector<UnassignedTarget> unassigned;
  };

  TargetPtr MakeTarget(
      const std::string& job,
      const std::vector<std::pair<std::string, std::string>>& own,
      const std::vector<std::pair<std::string, std::string>>& group) {
    const boost::intrusive_ptr<ta::Target> target(new ta::Target);
    target->group = MakeLabels(group);
    target->own = MakeLabels(own);
    const Labels all = Labels::Merge(target->group, target->own);
    target->id = TargetIdOf(job, all);
    target->placement_key = PlacementKeyOf(job, all);
    RelabelBuffer buffer;
    const auto& relabeler = jobs_[job].view.relabeler;
    if (relabeler &&
        relabeler->Relabel(target->group, target->own, buffer).kept()) {
      target->id = buffer.Id();
      target->placement_key = buffer.PlacementKey();
    }
    return target;
  }

  static std::shared_ptr<const TargetList> MakeList(
      std::vector<ListedTarget> targets) {
    std::sort(targets.begin(), targets.end(),
              [](const ListedTarget& a, const ListedTarget& b) {
                return a.target->id < b.target->id;
              });
    auto list = std::make_shared<TargetList>();
    Hasher hasher;
    for (const ListedTarget& listed : targets) {
      hasher.Append(listed.target->id.high)
          .Append(listed.target->id.low)
          .Append(listed.target->group.Hash())
          .Append(listed.target->own.Hash());
      list->owned += listed.owned;
    }
    list->digest = hasher.Hash64();
    list->targets = std::move(targets);
    return list;
  }

  Snapshot snapshot_;
  std::shared_ptr<Config> config_;
  std::map<std::string, MemberView::State> members_;
  std::map<std::string, JobParts> jobs_;
};

}  // namespace ta::test
