// An Allocator with everything around it played by a test: configuration,
// groups, members, polls and the clock.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/config/units.h"
#include "allocator/members_key.h"

namespace ta::test {

using Seconds = std::chrono::seconds;
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Labels LabelsOf(const Pairs& pairs) {
  std::vector<LabelPair> views;
  for (const auto& [name, value] : pairs) views.push_back({name, value});
  return Labels::Of(std::move(views));
}

// A target that has nothing but its address, and `more`.
inline Labels At(const std::string& address, Pairs more = {}) {
  more.emplace_back("__address__", address);
  return LabelsOf(more);
}

// A group of targets that have nothing but their addresses.
inline TargetGroup GroupOf(std::string source,
                           const std::vector<std::string>& addresses,
                           const Pairs& common = {}) {
  TargetGroup group;
  group.source = std::move(source);
  group.labels = LabelsOf(common);
  for (const std::string& address : addresses) {
    group.targets.push_back(At(address));
  }
  return group;
}

// What Prometheus seeds a job's targets with.
inline Labels SeedsOf(const std::string& job,
                      std::chrono::milliseconds interval) {
  const std::string text = FormatPrometheusDuration(interval);
  return LabelsOf({{"job", job},
                   {"__scheme__", "http"},
                   {"__metrics_path__", "/metrics"},
                   {"__scrape_interval__", text},
                   {"__scrape_timeout__", text}});
}

inline RelabelConfig DropRule(const std::string& label,
                              const std::string& regex) {
  RelabelConfig rule;
  rule.action = RelabelConfig::Action::kDrop;
  rule.source_labels = {label};
  rule.regex = regex;
  return rule;
}

inline RelabelConfig SetRule(const std::string& label,
                             const std::string& value) {
  RelabelConfig rule;
  rule.target_label = label;
  rule.replacement = value;
  return rule;
}

inline RelabelConfig CopyRule(const std::string& from, const std::string& to) {
  RelabelConfig rule;
  rule.source_labels = {from};
  rule.target_label = to;
  return rule;
}

// A configuration, a job at a time. Jobs are fed by discoverers named by keys
// of the test's own; "none:…" is a mechanism that is not implemented.
class ConfigBuilder {
 public:
  ConfigBuilder() {
    config_.members = FileMembers{"collectors.yaml"};
    config_.scrape_configs_json = "{}";
  }
  // Settings that have no shorthand.
  Config& raw() { return config_; }

  ConfigBuilder& Job(const std::string& name,
                     const std::vector<std::string>& discoverers,
                     std::vector<RelabelConfig> rules = {},
                     std::chrono::milliseconds interval = Seconds(30)) {
    auto job = std::make_shared<ScrapeConfig>();
    job->job_name = name;
    job->seeds = SeedsOf(name, interval);
    job->scrape_interval = interval;
    job->relabel_configs = std::move(rules);
    for (const std::string& key : discoverers) {
      DiscoveryConfig discovery;
      discovery.mechanism = key.substr(0, key.find(':'));
      discovery.key = key;
      if (discovery.mechanism == "none") {
        discovery.settings = UnimplementedDiscovery{};
      } else {
        discovery.settings = FileDiscovery{{key}};
      }
      job->discoveries.push_back(std::move(discovery));
    }
    jobs_[name] = std::move(job);
    return *this;
  }
  ConfigBuilder& WithoutJob(const std::string& name) {
    jobs_.erase(name);
    return *this;
  }
  ConfigBuilder& Members(MembersConfig members) {
    config_.members = std::move(members);
    return *this;
  }
  ConfigBuilder& Strategy(StrategyKind kind) {
    config_.strategy = kind;
    return *this;
  }

  std::shared_ptr<const Config> Build() const {
    auto config = std::make_shared<Config>(config_);
    for (const auto& [name, job] : jobs_) config->jobs.push_back(job);
    return config;
  }

 private:
  Config config_;
  std::map<std::string, std::shared_ptr<const ScrapeConfig>> jobs_;
};

inline MembersConfig PollingIn(int poll_timeout_seconds) {
  return PollingMembers{Seconds(poll_timeout_seconds)};
}

// Every call is one Apply, at now(). Checks what holds for any snapshot.
class AllocatorDriver {
 public:
  explicit AllocatorDriver(StageTimer* timer = nullptr) : allocator_(timer) {}

  AllocatorOutput Apply(AllocatorInput input) {
    if (input.config != nullptr) config_ = input.config;
    AllocatorOutput output = allocator_.Apply(std::move(input), now_);
    deadline_ = output.deadline;
    if (deadline_) {
      EXPECT_GT(*deadline_, now_) << "the caller would spin";
    }
    if (output.discoverers_in_use) in_use_ = *output.discoverers_in_use;
    if (output.snapshot != nullptr) {
      EXPECT_GT(output.snapshot->generation, generation());
      snapshot_ = output.snapshot;
      CheckCounts();
    }
    return output;
  }

  AllocatorOutput Configure(std::shared_ptr<const Config> config) {
    AllocatorInput input;
    input.config = std::move(config);
    return Apply(std::move(input));
  }
  AllocatorOutput Configure(const ConfigBuilder& builder) {
    return Configure(builder.Build());
  }
  // A complete answer of a discoverer with these groups.
  AllocatorOutput Discover(const std::string& discoverer,
                           std::vector<TargetGroup> groups) {
    DiscoveryUpdate update;
    update.discoverer = discoverer;
    update.groups = std::move(groups);
    update.synced = true;
    return Discover(std::move(update));
  }
  AllocatorOutput Discover(DiscoveryUpdate update) {
    AllocatorInput input;
    input.discovery.push_back(std::move(update));
    return Apply(std::move(input));
  }
  // The complete list of the configured source of members.
  MembersUpdate ListOf(const std::vector<MemberObservation>& members) const {
    MembersUpdate update;
    update.source = MembersKey(config_->members);
    update.members = members;
    return update;
  }
  AllocatorOutput SetListed(const std::vector<MemberObservation>& members) {
    AllocatorInput input;
    input.members.push_back(ListOf(members));
    return Apply(std::move(input));
  }
  AllocatorOutput SetMembers(std::initializer_list<const char*> names) {
    std::vector<MemberObservation> members;
    for (const char* name : names) members.push_back({name, ""});
    return SetListed(members);
  }
  AllocatorOutput SetMembers(const std::vector<std::string>& names) {
    std::vector<MemberObservation> members;
    for (const std::string& name : names) members.push_back({name, ""});
    return SetListed(members);
  }
  // A scraper's request that was answered in full from the latest snapshot.
  AllocatorOutput Sent(const std::string& collector, const std::string& job) {
    return Polled({collector, job, generation(), refresh_, now_});
  }
  // One that was answered with an error, or not at all.
  AllocatorOutput Asked(const std::string& collector, const std::string& job) {
    return Polled({collector, job, std::nullopt, refresh_, now_});
  }
  AllocatorOutput Polled(Poll poll) {
    AllocatorInput input;
    input.polls.push_back(std::move(poll));
    return Apply(std::move(input));
  }
  void set_refresh(std::chrono::milliseconds refresh) { refresh_ = refresh; }

  // Lets time pass, with a call at each deadline on the way and one at the end.
  void Pass(Duration duration) {
    const TimePoint end = now_ + duration;
    int calls = 0;
    while (deadline_ && *deadline_ < end) {
      ASSERT_LT(++calls, 100'000) << "deadlines make no progress";
      now_ = std::max(now_, *deadline_);
      Apply({});
    }
    now_ = end;
    Apply({});
  }

  TimePoint now() const { return now_; }
  std::optional<TimePoint> deadline() const { return deadline_; }
  std::uint64_t generation() const {
    return snapshot_ == nullptr ? 0 : snapshot_->generation;
  }
  const Snapshot& snapshot() const { return *snapshot_; }
  std::shared_ptr<const Snapshot> shared_snapshot() const { return snapshot_; }
  const std::set<std::string>& in_use() const { return in_use_; }
  const JobView& job(const std::string& name) const {
    return *snapshot_->FindJob(name);
  }

  // Addresses that `collector` is served of `job`; with `owned_only`, owns.
  std::set<std::string> Served(const std::string& collector,
                               const std::string& job_name,
                               bool owned_only = false) const {
    std::set<std::string> addresses;
    const MemberView* member = snapshot_->FindMember(collector);
    const JobView* job = snapshot_->FindJob(job_name);
    if (member == nullptr || job == nullptr) return addresses;
    const TargetList* list = job->ListOf(member->id);
    if (list == nullptr) return addresses;
    for (const ListedTarget& listed : list->targets) {
      if (owned_only && !listed.owned) continue;
      addresses.emplace(listed.target->Get("__address__"));
    }
    return addresses;
  }
  std::set<std::string> Owned(const std::string& collector,
                              const std::string& job_name) const {
    return Served(collector, job_name, true);
  }
  // Who owns the target at `address`; "" if nobody does.
  std::string OwnerOf(const std::string& job_name,
                      const std::string& address) const {
    for (const MemberView& member : snapshot_->members) {
      if (Owned(member.name, job_name).contains(address)) return member.name;
    }
    return "";
  }
  // Everyone who is served the target at `address`, sorted.
  std::vector<std::string> ServedTo(const std::string& job_name,
                                    const std::string& address) const {
    std::vector<std::string> names;
    for (const MemberView& member : snapshot_->members) {
      if (Served(member.name, job_name).contains(address)) {
        names.push_back(member.name);
      }
    }
    return names;
  }
  // State and reason of the targets of a job that have no owner.
  std::map<std::string, std::string> Unassigned(const std::string& name) const {
    std::map<std::string, std::string> reasons;
    const JobView& view = job(name);
    if (view.unassigned == nullptr) return reasons;
    for (const UnassignedTarget& each : *view.unassigned) {
      reasons[std::string(each.target->Get("__address__"))] =
          ToString(each.reason);
    }
    return reasons;
  }
  std::vector<UnservedTarget> Unserved(const std::string& name) const {
    std::vector<std::shared_ptr<const UnservedGroup>> groups;
    for (const auto& bucket : job(name).unserved) {
      groups.insert(groups.end(), bucket->groups.begin(), bucket->groups.end());
    }
    std::ranges::sort(groups, {}, [](const auto& group) {
      return std::pair(group->discoverer, group->source);
    });
    std::vector<UnservedTarget> all;
    for (const auto& group : groups) {
      all.insert(all.end(), group->targets.begin(), group->targets.end());
    }
    return all;
  }

 private:
  void CheckCounts() const {
    std::map<MemberId, std::size_t> owned, handing_over;
    for (const auto& job : snapshot_->jobs) {
      const JobCounts& counts = job->counts;
      EXPECT_EQ(counts.discovered, counts.assigned + counts.unassigned +
                                       counts.dropped + counts.duplicates +
                                       counts.invalid)
          << job->name();
      std::size_t assigned = 0;
      for (const JobView::Share& share : job->shares) {
        EXPECT_FALSE(share.list->targets.empty());
        EXPECT_EQ(share.list->owned,
                  std::ranges::count(share.list->targets, true,
                                     &ListedTarget::owned));
        EXPECT_TRUE(std::ranges::is_sorted(
            share.list->targets, {},
            [](const ListedTarget& listed) { return listed.target->id; }));
        assigned += share.list->owned;
        owned[share.member] += share.list->owned;
        handing_over[share.member] +=
            share.list->targets.size() - share.list->owned;
      }
      EXPECT_EQ(counts.assigned, assigned) << job->name();
    }
    for (const MemberView& member : snapshot_->members) {
      EXPECT_EQ(member.owned, owned[member.id]) << member.name;
      EXPECT_EQ(member.handing_over, handing_over[member.id]) << member.name;
      owned.erase(member.id);
    }
    for (const auto& [id, count] : owned) {
      EXPECT_EQ(count, 0u) << "targets of a member that is gone";
    }
  }

  Allocator allocator_;
  TimePoint now_{std::chrono::hours(1)};
  std::shared_ptr<const Config> config_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::optional<TimePoint> deadline_;
  std::set<std::string> in_use_;
  std::chrono::milliseconds refresh_ = Seconds(30);
};

}  // namespace ta::test
