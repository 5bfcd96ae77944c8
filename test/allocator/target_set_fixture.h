// A target set with one job that one discoverer feeds, and a look at what it
// serves.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/target_set.h"
#include "test/support/allocator_driver.h"

namespace ta {

class TargetSetTest : public ::testing::Test {
 public:
  static constexpr JobId kJob = 0;

  void SetUp() override {
    Rules(kJob, {});
    targets_.Feed(kJob, {"d"});
  }
  void Rules(JobId job, std::vector<RelabelConfig> rules) {
    auto config = std::make_shared<ScrapeConfig>();
    config->job_name = "job" + std::to_string(job);
    config->seeds = test::SeedsOf(config->job_name, std::chrono::seconds(30));
    config->scrape_interval = std::chrono::seconds(30);
    config->relabel_configs = rules;
    auto relabeler = Relabeler::Create(config->job_name, config->seeds, rules);
    ASSERT_TRUE(relabeler);
    targets_.SetJob(job, config, *relabeler);
  }
  // filter_strategy none: the interval is no part of a target's id then.
  void NotRelabeled(std::chrono::seconds interval) {
    auto config = std::make_shared<ScrapeConfig>();
    config->job_name = "job";
    config->scrape_interval = interval;
    targets_.SetJob(kJob, config, nullptr);
  }
  bool Apply(std::vector<TargetGroup> groups, const std::string& from = "d") {
    DiscoveryUpdate update;
    update.discoverer = from;
    update.groups = std::move(groups);
    return targets_.Apply(update);
  }
  TargetSet::Changes Take() {
    TargetSet::Changes changes = targets_.Take();
    for (const Slot slot : changes.added) live_.insert(slot);
    for (const auto& removed : changes.removed) live_.erase(removed.slot);
    return changes;
  }
  // A label's values over all live targets.
  std::multiset<std::string> Live(const std::string& label = "__address__") {
    std::multiset<std::string> values;
    for (const Slot slot : live_) {
      values.emplace(targets_.TargetOf(slot)->Get(label));
    }
    return values;
  }
  std::vector<UnservedTarget> Unserved(JobId job = kJob) const {
    std::vector<UnservedTarget> all;
    for (const auto& bucket : targets_.Unserved(job).buckets()) {
      for (const auto& group : bucket->groups) {
        all.insert(all.end(), group->targets.begin(), group->targets.end());
      }
    }
    return all;
  }

  TargetSet targets_;
  std::set<Slot> live_;
};

}  // namespace ta
