// The promises, as far as they can be seen from outside.

#include <algorithm>
#include <sstream>
#include <utility>

#include "allocator/members_key.h"
#include "test/simulation/world.h"

namespace ta::test {
namespace {

std::size_t MostOf(std::size_t targets, std::size_t members, int thousandths) {
  const std::size_t total = (targets * thousandths + 999) / 1000;
  return (total + members - 1) / members;
}

}  // namespace

std::map<std::string, std::string> World::LiveMembers() const {
  std::map<std::string, std::string> live;
  for (const MemberView& member : snapshot_->members) {
    if (member.live()) {
      live[member.name] = member.node;
    }
  }
  return live;
}

OracleInput World::InputOfOracle() const {
  OracleInput input;
  for (const auto& [name, job] : jobs_) {
    input.jobs.push_back({job.config, job.active});
  }
  for (const auto& [key, running] : running_) {
    if (running.synced) input.groups[key] = running.given;
  }
  input.members = LiveMembers();
  input.strategy = config_->strategy;
  input.fallback = config_->fallback_strategy;
  input.scope = config_->fallback_scope;
  input.max_load_ratio_thousandths = config_->max_load_ratio_thousandths;
  return input;
}

void World::CheckSnapshot() {
  const OracleState oracle = Oracle(InputOfOracle());
  for (const auto& job : snapshot_->jobs) {
    const JobCounts& counts = job->counts;
    const auto discovered = oracle.discovered.find(job->name());
    ASSERT_EQ(counts.discovered, discovered->second) << job->name();
    ASSERT_EQ(counts.discovered, counts.assigned + counts.unassigned +
                                     counts.dropped + counts.duplicates +
                                     counts.invalid);
    ASSERT_EQ(job->served, jobs_.at(job->name()).served) << job->name();
  }
  CheckOwners(oracle);
  if (::testing::Test::HasFatalFailure()) return;
  if (config_->strategy == StrategyKind::kLeastWeighted) return;
  CheckBound(oracle);
  if (::testing::Test::HasFatalFailure()) return;
  if (tally_.snapshots % 10 == 0) CheckFromScratch();
}

// Promise 2: exactly one owner among the live collectors, or a reason; and
// served are owners and earlier owners that may still ask.
void World::CheckOwners(const OracleState& oracle) {
  std::map<TargetId, std::string> owners;
  std::map<TargetId, std::string> reasons;
  for (const auto& job : snapshot_->jobs) {
    for (const MemberView& member : snapshot_->members) {
      const TargetList* list = job->ListOf(member.id);
      if (list == nullptr) continue;
      for (const ListedTarget& listed : list->targets) {
        const TargetId& id = listed.target->id;
        const auto expected = oracle.targets.find(id);
        ASSERT_NE(expected, oracle.targets.end())
            << "served to " << member.name << ", but not there";
        ASSERT_EQ(TextOf(listed.target->group, listed.target->own),
                  expected->second.labels);
        ASSERT_EQ(expected->second.job, job->name());
        if (!listed.owned) continue;
        ASSERT_TRUE(member.live());
        ASSERT_TRUE(owners.emplace(id, member.name).second) << "two owners";
      }
    }
    if (job->unassigned == nullptr) continue;
    for (const UnassignedTarget& each : *job->unassigned) {
      ASSERT_TRUE(
          reasons.emplace(each.target->id, ToString(each.reason)).second);
    }
  }
  ASSERT_EQ(owners.size() + reasons.size(), oracle.targets.size());
  for (const auto& [id, target] : oracle.targets) {
    const auto owner = owners.find(id);
    const auto reason = reasons.find(id);
    ASSERT_NE(owner == owners.end(), reason == reasons.end()) << target.labels;
    if (config_->strategy == StrategyKind::kLeastWeighted) continue;
    ASSERT_EQ(owner == owners.end() ? "" : owner->second, target.owner)
        << target.labels;
    ASSERT_EQ(reason == reasons.end() ? "" : reason->second, target.reason)
        << target.labels;
  }
  StandingTargets(oracle, owners);
}

// Promise 7 is for a target that stays, or is continued: what comes, goes, is
// nobody's or is several targets at one address may be scraped late.
void World::StandingTargets(const OracleState& oracle,
                            const std::map<TargetId, std::string>& owners) {
  std::map<Endpoint, int> count;
  for (const auto& [id, target] : oracle.targets) {
    ++count[{target.job, target.address}];
  }
  std::map<Endpoint, Standing> standing;
  for (const auto& [id, target] : oracle.targets) {
    const Endpoint endpoint{target.job, target.address};
    if (count[endpoint] > 1 || !owners.contains(id)) continue;
    Standing& now = standing[endpoint];
    now = {id, target.labels, target.placement_key, now_, {}};
    const auto was = standing_.find(endpoint);
    if (was == standing_.end() ||
        (was->second.id != id && was->second.labels != target.labels &&
         was->second.placement_key != target.placement_key)) {
      log_.Forget(endpoint);
    } else {
      now.since = was->second.since;
    }
  }
  for (const auto& job : snapshot_->jobs) {
    for (const MemberView& member : snapshot_->members) {
      const TargetList* list = job->ListOf(member.id);
      if (list == nullptr) continue;
      for (const ListedTarget& listed : list->targets) {
        const auto at = standing.find(
            {job->name(), std::string(listed.target->Get("__address__"))});
        if (at != standing.end()) at->second.served_to.insert(member.name);
      }
    }
  }
  standing_ = std::move(standing);
}

// Whoever is not served it any more scrapes it for some seconds still: late,
// and for nothing. Who has not asked since it is as it is scrapes by luck, if
// it was gone and came back, or by right: nobody can tell.
World::Scrape World::Judge(const Scraper& scraper,
                           const Endpoint& endpoint) const {
  const auto at = standing_.find(endpoint);
  if (at == standing_.end()) return Scrape::kUnheard;
  if (!at->second.served_to.contains(scraper.name())) return Scrape::kLate;
  return scraper.AnsweredAt(endpoint.first) > at->second.since
             ? Scrape::kCounts
             : Scrape::kUnheard;
}

// Promise 3, for each matching.
void World::CheckBound(const OracleState& oracle) {
  const auto live = LiveMembers();
  if (live.empty()) return;
  std::map<std::string, std::map<std::string, std::size_t>> loads;
  std::map<std::string, std::size_t> totals;
  std::map<std::string, std::size_t> members;
  for (const auto& [name, node] : live) ++members[node];
  for (const auto& [id, target] : oracle.targets) {
    if (target.owner.empty()) continue;
    const bool on_node =
        config_->strategy == StrategyKind::kPerNode && !target.node.empty() &&
        live.at(target.owner) == target.node && members.contains(target.node);
    const std::string matching = on_node ? target.node : "";
    ++loads[matching][target.owner];
    ++totals[matching];
  }
  for (const auto& [matching, owned] : loads) {
    const std::size_t over =
        matching.empty() ? live.size() : members.at(matching);
    const std::size_t most =
        MostOf(totals[matching], over, config_->max_load_ratio_thousandths);
    for (const auto& [name, load] : owned) {
      ASSERT_LE(load, most) << name << " of matching '" << matching << "'";
    }
  }
}

std::string World::Picture(const Snapshot& snapshot, bool with_earlier) {
  std::ostringstream out;
  for (const auto& job : snapshot.jobs) {
    for (const MemberView& member : snapshot.members) {
      const TargetList* list = job->ListOf(member.id);
      if (list == nullptr) continue;
      if (!with_earlier && list->owned == 0) continue;
      out << job->name() << "/" << member.name << ":\n";
      for (const ListedTarget& listed : list->targets) {
        if (!listed.owned && !with_earlier) continue;
        out << "  " << ToHex(listed.target->id) << (listed.owned ? "" : " held")
            << " " << TextOf(listed.target->group, listed.target->own) << "\n";
      }
    }
  }
  return out.str();
}

// Promises 5 and 10: another allocator that is told the present only, in
// another order, says the same.
void World::CheckFromScratch() {
  Allocator fresh;
  AllocatorInput input;
  // As it is now: what feeds a job, not what it waits for.
  auto config = std::make_shared<Config>(*config_);
  config->members = FileMembers{"fresh"};
  config->jobs.clear();
  for (const auto& [name, job] : jobs_) {
    auto scrape = std::make_shared<ScrapeConfig>(*job.config);
    scrape->discoveries.clear();
    for (const std::string& key : job.active) {
      scrape->discoveries.push_back({"file", key, FileDiscovery{{key}}});
    }
    config->jobs.push_back(std::move(scrape));
  }
  input.config = config;
  std::shared_ptr<const Snapshot> last;
  const auto apply = [&](AllocatorInput step) {
    if (const auto output = fresh.Apply(std::move(step), now_);
        output.snapshot != nullptr) {
      last = output.snapshot;
    }
  };
  apply(std::move(input));
  std::vector<AllocatorInput> steps;
  for (const auto& [key, running] : running_) {
    if (!running.synced) continue;
    DiscoveryUpdate update;
    update.discoverer = key;
    update.synced = true;
    for (const auto& [source, group] : running.given) {
      update.groups.push_back(group);
    }
    std::shuffle(update.groups.begin(), update.groups.end(), random_);
    steps.emplace_back().discovery.push_back(std::move(update));
  }
  MembersUpdate members;
  members.source = MembersKey(config->members);
  for (const auto& [name, node] : LiveMembers()) {
    members.members.push_back({name, node});
  }
  steps.emplace_back().members.push_back(std::move(members));
  std::shuffle(steps.begin(), steps.end(), random_);
  for (AllocatorInput& step : steps) apply(std::move(step));
  ASSERT_EQ(last->digest, snapshot_->digest);
  ASSERT_EQ(Picture(*last, false), Picture(*snapshot_, false));
  if (snapshot_->hand_overs_open > 0) return;
  for (const auto& job : snapshot_->jobs) {
    for (const MemberView& member : snapshot_->members) {
      const TargetList* one = job->ListOf(member.id);
      const MemberView* other = last->FindMember(member.name);
      const TargetList* two =
          other == nullptr ? nullptr
                           : last->FindJob(job->name())->ListOf(other->id);
      ASSERT_EQ(one == nullptr, two == nullptr);
      if (one == nullptr) continue;
      ASSERT_EQ(one->digest, two->digest);
    }
  }
}

void World::CheckAtRest() {
  ASSERT_NE(snapshot_, nullptr);
  ASSERT_EQ(snapshot_->hand_overs_open, 0u);
  ASSERT_TRUE(snapshot_->ready);
  ASSERT_TRUE(snapshot_->targets_served);
  for (const MemberView& member : snapshot_->members) {
    ASSERT_EQ(member.state, MemberView::State::kLive) << member.name;
    ASSERT_TRUE(listed_.contains(member.name)) << member.name;
  }
  ASSERT_EQ(snapshot_->members.size(), listed_.size());
  ASSERT_EQ(Picture(*snapshot_, true), Picture(*snapshot_, false));
  CheckSnapshot();
  if (config_->strategy != StrategyKind::kLeastWeighted) CheckFromScratch();
  if (::testing::Test::HasFatalFailure()) return;
  // Every target is scraped by its owner and by nobody else.
  std::map<Endpoint, std::set<std::string>> scraped, owned;
  for (const auto& [name, scraper] : scrapers_) {
    for (const Endpoint& endpoint : scraper.Endpoints()) {
      scraped[endpoint].insert(name);
    }
  }
  for (const auto& job : snapshot_->jobs) {
    for (const MemberView& member : snapshot_->members) {
      const TargetList* list = job->ListOf(member.id);
      if (list == nullptr) continue;
      for (const ListedTarget& listed : list->targets) {
        owned[{job->name(), std::string(listed.target->Get("__address__"))}]
            .insert(member.name);
      }
    }
  }
  ASSERT_EQ(scraped, owned);
}

}  // namespace ta::test
