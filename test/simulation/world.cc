#include "test/simulation/world.h"

#include <algorithm>
#include <utility>

#include "allocator/members_key.h"

namespace ta::test {
namespace {

const std::vector<std::string> kDiscoverers = {"file:1", "file:2", "file:3",
                                               "file:4"};
const std::vector<std::string> kJobs = {"a", "b", "c"};
constexpr std::size_t kMostScrapers = 7;

std::vector<RelabelConfig> RandomRules(int which) {
  switch (which) {
    case 0:
      return {DropRule("env", "test")};
    case 1:
      return {CopyRule("__meta_pod", "pod")};
    case 2:
      return {SetRule("__param_module", "http"), DropRule("env", "test")};
    case 3:
      return {SetRule("zone", "z"), CopyRule("__meta_pod", "pod")};
    default:
      return {};
  }
}

// A job's interval is its own for good: what is scraped goes on.
Seconds IntervalOf(const std::string& job) {
  return Seconds(10 + 10 * (job[0] - 'a'));
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options), random_(options.seed) {
  builder_.Strategy(options_.strategy);
  if (polling()) builder_.Members(PollingIn(90));
  if (pods()) builder_.Members(PodMembers{true, "x"});
  for (const std::string& job : kJobs) {
    builder_.Job(job, {kDiscoverers[Draw(4)], kDiscoverers[Draw(4)]},
                 RandomRules(Draw(6)), IntervalOf(job));
  }
  for (int i = 0; i < 40; ++i) ChangeGroup();
  for (int i = 0; i < 3; ++i) Join();
  allocator_ = std::make_unique<Allocator>();
  next_.config = builder_.Build();
}

void World::Run() {
  for (int second = 0; second < options_.seconds; ++second) {
    // Quiet times, in which hand-overs end, and busy ones.
    const bool busy = second / 150 % 3 != 2;
    if (second > 120 && busy) {
      for (int i = Draw(4); i > 0; --i) {
        if (Chance(12)) Happen();
      }
    }
    Tick();
    if (::testing::Test::HasFailure()) return;
  }
  Settle();
}

// Nothing happens for long enough that all hand-overs end.
void World::Settle() {
  for (int second = 0; second < 1'000; ++second) {
    Tick();
    if (::testing::Test::HasFailure()) return;
  }
  CheckAtRest();
}

// -- what happens --

void World::Happen() {
  ++tally_.events;
  const int what = Draw(100);
  if (what < 60) {
    ChangeGroup();
  } else if (what < 80) {
    ChangeMembers();
  } else if (what < 92) {
    Reload();
  } else if (what < 97) {
    SayNothingNew();
  } else if (options_.unplanned) {
    Restart();
  }
}

Labels World::RandomTarget(const std::string& discoverer) {
  // Addresses of a discoverer are its own; the same one may stand in several
  // groups, so that there are duplicates, also with other labels.
  const std::string address =
      "h" + std::to_string(Draw(12)) + "." + discoverer.substr(5) + ":80";
  Pairs more;
  if (Chance(20)) more.emplace_back("env", "test");
  if (Chance(50)) more.emplace_back("__meta_pod", std::to_string(Draw(2)));
  if (Chance(70)) {
    more.emplace_back("__meta_kubernetes_pod_node_name", RandomNode());
  }
  if (Chance(3)) return LabelsOf({{"lost", "its address"}});
  return At(address, more);
}

std::string World::RandomNode() {
  const int node = Draw(4);
  return node == 0 ? "" : "n" + std::to_string(node);
}

void World::ChangeGroup() {
  const std::string& discoverer = kDiscoverers[Draw(4)];
  const std::string source = "s" + std::to_string(Draw(8));
  TargetGroup group = groups_[discoverer][source];
  group.source = source;
  if (Chance(10)) group.targets.clear();
  if (Chance(20)) {
    group.labels = LabelsOf({{"__meta_group", std::to_string(Draw(2))}});
  }
  for (int i = Draw(3); i > 0; --i) {
    group.targets.insert(group.targets.begin() +
                             Draw(static_cast<int>(group.targets.size()) + 1),
                         RandomTarget(discoverer));
  }
  if (!group.targets.empty() && Chance(40)) {
    group.targets.erase(group.targets.begin() +
                        Draw(static_cast<int>(group.targets.size())));
  }
  group.invalid.clear();
  if (Chance(5)) group.invalid = {{"x", "bad label"}};
  groups_[discoverer][source] = group;
}

void World::Join() {
  const std::string name = "c" + std::to_string(next_scraper_++ % 20);
  if (scrapers_.contains(name) || scrapers_.size() >= kMostScrapers) return;
  const std::chrono::seconds refresh(5 + Draw(3) * 10);
  scrapers_.emplace(name, Scraper(name, refresh, now_));
  listed_[name] = RandomNode();
  if (pods()) AddPod(name);
}

void World::Leave(bool planned) {
  std::vector<std::string> names;
  for (const auto& [name, node] : listed_) names.push_back(name);
  if (names.empty()) return;
  const std::string name = names[Draw(static_cast<int>(names.size()))];
  listed_.erase(name);
  if (pods()) EndPod(name, planned);
  if (planned && !polling()) {
    leaving_[name] = now_;
    return;
  }
  scrapers_.erase(name);
  Unplanned();
}

void World::ChangeMembers() {
  const int what = Draw(10);
  if (what < 5) {
    Join();
  } else if (what < 8) {
    // With polling members nobody leaves as planned.
    if (!polling() || options_.unplanned) {
      if (listed_.size() > 1 || Chance(20)) Leave(true);
    }
  } else if (what < 9) {
    if (options_.unplanned) Leave(false);
  } else if (pods()) {
    ChangePods();
  } else if (!leaving_.empty()) {
    // One that leaves comes back.
    const std::string name = leaving_.begin()->first;
    leaving_.erase(name);
    listed_[name] = RandomNode();
  } else if (!listed_.empty() && options_.unplanned) {
    listed_.begin()->second = RandomNode();  // on another node
  }
  if (options_.members != MembersKind::kList) return;
  MembersUpdate update;
  update.source = MembersKey(config_->members);
  update.members = ListedMembers();
  std::shuffle(update.members.begin(), update.members.end(), random_);
  next_.members.push_back(std::move(update));
}

std::vector<MemberObservation> World::ListedMembers() const {
  std::vector<MemberObservation> members;
  for (const auto& [name, node] : listed_) members.push_back({name, node});
  return members;
}

void World::Reload() {
  const std::string& job = kJobs[Draw(3)];
  const int what = Draw(10);
  if (what < 2) {
    builder_.WithoutJob(job);
  } else if (what < 8) {
    builder_.Job(job, {kDiscoverers[Draw(4)], kDiscoverers[Draw(4)]},
                 RandomRules(Draw(6)), IntervalOf(job));
  } else if (options_.strategy != StrategyKind::kLeastWeighted) {
    builder_.raw().max_load_ratio_thousandths = 1'000 + 50 * Draw(5);
    builder_.raw().fallback_scope =
        Chance(50) ? FallbackScope::kNode : FallbackScope::kAll;
  }
  next_.config = builder_.Build();
}

// Until it is over nobody promises anything about scrapes.
void World::Unplanned() { measured_from_ = now_ + std::chrono::seconds(200); }

// A new process: it knows nothing, and what was handed over is forgotten.
void World::Restart() {
  allocator_ = std::make_unique<Allocator>();
  Unplanned();
  for (const auto& [name, since] : leaving_) {
    scrapers_.erase(name);
    pods_.erase(name);
    deselected_.erase(name);
  }
  leaving_.clear();
  ended_pods_.clear();
  snapshot_ = nullptr;
  deadline_.reset();
  in_use_.clear();
  running_.clear();
  jobs_.clear();
  members_told_ = false;
  next_ = AllocatorInput();
  late_polls_.clear();
  next_.config = builder_.Build();
  if (polling() && Chance(50)) {
    for (const auto& [name, node] : listed_) {
      next_.remembered_members.push_back(name);
    }
  }
}

// Promise 8: none of this may change anything that is served.
void World::SayNothingNew() {
  if (snapshot_ == nullptr) return;
  AllocatorInput input;
  DiscoveryUpdate stale;
  stale.discoverer = kDiscoverers[Draw(4)];
  stale.problem = "cannot be read: " + std::to_string(Draw(1'000));
  input.discovery.push_back(stale);
  DiscoveryUpdate foreign;
  foreign.discoverer = "file:of an older configuration";
  foreign.groups = {GroupOf("0", {"old:1"})};
  foreign.synced = true;
  input.discovery.push_back(foreign);
  MembersUpdate unreadable;
  unreadable.source = MembersKey(config_->members);
  unreadable.complete = false;
  unreadable.problem = "no such file";
  input.members.push_back(unreadable);
  MembersUpdate late;
  late.source = "file:another";
  late.members = {{"nobody", ""}};
  input.members.push_back(late);
  const auto before = snapshot_;
  const auto output = allocator_->Apply(std::move(input), now_);
  deadline_ = output.deadline;
  if (output.snapshot == nullptr) return;
  snapshot_ = output.snapshot;
  ASSERT_EQ(snapshot_->digest, before->digest);
  // Why a job waits may be said in other words.
  if (std::ranges::all_of(before->jobs, [](const auto& job) {
        return job->waiting_for.empty();
      })) {
    ASSERT_TRUE(snapshot_->jobs == before->jobs) << "not the same objects";
  }
  ASSERT_EQ(Picture(*snapshot_, true), Picture(*before, true));
}

// -- the clock --

void World::Tick() {
  now_ += std::chrono::seconds(1);
  RunDiscoverers();
  if (pods()) RunPods();
  RunScrapers();
  const bool due = deadline_ && *deadline_ <= now_;
  const bool events = next_.config != nullptr || !next_.discovery.empty() ||
                      !next_.members.empty() || !next_.polls.empty();
  if (due || events) Apply();
  StopDrained();
}

void World::RunDiscoverers() {
  std::vector<DiscoveryUpdate> updates;
  for (const std::string& key : in_use_) {
    const auto [at, is_new] = running_.try_emplace(key);
    Running& running = at->second;
    if (is_new) running.answers_at = now_ + std::chrono::seconds(Draw(4));
    if (running.answers_at > now_) continue;
    DiscoveryUpdate update;
    update.discoverer = key;
    update.synced = !running.synced;
    for (const auto& [source, group] : groups_[key]) {
      auto& given = running.given[source];
      if (!running.synced || given != group) update.groups.push_back(group);
      given = group;
    }
    if (!update.synced && update.groups.empty()) continue;
    running.synced = true;
    std::shuffle(update.groups.begin(), update.groups.end(), random_);
    updates.push_back(std::move(update));
  }
  std::shuffle(updates.begin(), updates.end(), random_);
  for (DiscoveryUpdate& update : updates) {
    next_.discovery.push_back(std::move(update));
  }
  if (!members_told_ && options_.members == MembersKind::kList &&
      snapshot_ != nullptr && Chance(50)) {
    members_told_ = true;
    MembersUpdate update;
    update.source = MembersKey(config_->members);
    update.members = ListedMembers();
    next_.members.push_back(std::move(update));
  }
}

void World::RunScrapers() {
  // Some are told a second late: the world may have moved on since.
  next_.polls = std::exchange(late_polls_, {});
  for (auto& [name, scraper] : scrapers_) {
    const std::size_t before = next_.polls.size();
    scraper.Poll(snapshot_.get(), kJobs, now_, next_.polls);
    tally_.polls += static_cast<int>(next_.polls.size() - before);
    for (const auto& [endpoint, interval] : scraper.Scrape(now_)) {
      ++tally_.scrapes;
      const Scrape scrape = Judge(scraper, endpoint);
      if (now_ < measured_from_ || scrape == Scrape::kUnheard) {
        log_.Forget(endpoint);
      }
      if (now_ < measured_from_ || scrape != Scrape::kCounts) continue;
      const auto last = log_.last().find(endpoint);
      const auto since = last == log_.last().end() ? now_ : last->second;
      EXPECT_TRUE(log_.Scraped(endpoint, now_, interval))
          << endpoint.first << " " << endpoint.second << " scraped by " << name
          << " after " << std::chrono::floor<Seconds>(now_ - since).count()
          << " s, interval " << std::chrono::floor<Seconds>(interval).count()
          << " s";
    }
  }
  std::erase_if(next_.polls, [&](const Poll& poll) {
    if (poll.at < now_ || !Chance(20)) return false;
    late_polls_.push_back(poll);
    return true;
  });
}

// A collector that is scaled away stops when it is served nothing any more, or
// when whoever scales it loses patience: it keeps what nobody else may have.
void World::StopDrained() {
  if (snapshot_ == nullptr) return;
  for (auto it = leaving_.begin(); it != leaving_.end();) {
    const auto& [name, since] = *it;
    const MemberView* member = snapshot_->FindMember(name);
    const auto scraper = scrapers_.find(name);
    const bool drained =
        member == nullptr || member->state == MemberView::State::kDrained;
    const bool killed = since + std::chrono::seconds(600) < now_;
    if (killed || (drained && scraper->second.Endpoints().empty())) {
      scrapers_.erase(scraper);
      if (const auto pod = pods_.find(name); pod != pods_.end()) {
        ended_pods_.push_back(pod->second.seen.pod->uid);
        pods_.erase(pod);
        pods_changed_ = true;
      }
      deselected_.erase(name);
      it = leaving_.erase(it);
    } else {
      ++it;
    }
  }
}

void World::Apply() {
  AllocatorInput input = std::exchange(next_, {});
  if (input.config != nullptr) config_ = input.config;
  Replay(input);
  const std::uint64_t generation =
      snapshot_ == nullptr ? 0 : snapshot_->generation;
  const AllocatorOutput output = allocator_->Apply(std::move(input), now_);
  ++tally_.applies;
  deadline_ = output.deadline;
  if (deadline_) {
    ASSERT_GT(*deadline_, now_) << "the caller would spin";
  }
  if (output.discoverers_in_use) {
    in_use_ = *output.discoverers_in_use;
    std::erase_if(running_, [&](const auto& entry) {
      return !in_use_.contains(entry.first);
    });
  }
  if (output.snapshot == nullptr) return;
  ++tally_.snapshots;
  ASSERT_GT(output.snapshot->generation, generation);
  snapshot_ = output.snapshot;
  CheckSnapshot();
}

// What the allocator now knows of jobs and their discoverers.
void World::Replay(const AllocatorInput& input) {
  if (input.config != nullptr) {
    std::map<std::string, KnownJob> known;
    for (const auto& scrape : input.config->jobs) {
      KnownJob job;
      if (const auto at = jobs_.find(scrape->job_name); at != jobs_.end()) {
        job = at->second;
      }
      job.config = scrape;
      const auto feeds = ImplementedDiscoverers(*scrape);
      job.awaited.reset();
      if (!job.served) {
        job.active = feeds;
      } else if (feeds != job.active) {
        job.awaited = feeds;
      }
      known[scrape->job_name] = std::move(job);
    }
    jobs_ = std::move(known);
  }
  const auto synced = [&](const std::set<std::string>& keys) {
    return std::ranges::all_of(keys, [&](const std::string& key) {
      const auto at = running_.find(key);
      return at != running_.end() && at->second.synced;
    });
  };
  for (auto& [name, job] : jobs_) {
    if (job.awaited && synced(*job.awaited)) {
      job.active = *std::exchange(job.awaited, std::nullopt);
    }
    if (synced(job.active)) job.served = true;
  }
}

}  // namespace ta::test
