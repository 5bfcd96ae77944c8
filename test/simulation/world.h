// A fleet with a life of its own around one allocator, under a virtual clock:
// groups change, collectors join, leave, die and poll, configurations are
// reloaded, the allocator is restarted. Everything is drawn from one seed.
// After every Apply the promises of DESIGN.md that can be seen from outside are
// checked, against the oracle and against the scrapers' own experience.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "allocator/allocator.h"
#include "test/simulation/oracle.h"
#include "test/simulation/scrapers.h"
#include "test/support/allocator_driver.h"

namespace ta::test {

enum class MembersKind { kList, kPolling, kPods };

struct WorldOptions {
  std::uint32_t seed = 1;
  StrategyKind strategy = StrategyKind::kConsistentHashing;
  MembersKind members = MembersKind::kList;
  bool unplanned = true;  // deaths and restarts too
  int seconds = 2'000;
};

class World {
 public:
  explicit World(const WorldOptions& options);

  // Runs to the end, then lets all come to rest. Stops at the first failure.
  void Run();
  // How much happened.
  struct Tally {
    int applies = 0;
    int snapshots = 0;
    int polls = 0;
    int scrapes = 0;
    int events = 0;
  };
  const Tally& tally() const { return tally_; }

 private:
  // One discoverer as the allocator knows it.
  struct Running {
    bool synced = false;
    TimePoint answers_at;
    std::map<std::string, TargetGroup> given;  // by source
  };
  // What the allocator knows of a job, replayed.
  struct KnownJob {
    std::shared_ptr<const ScrapeConfig> config;
    std::set<std::string> active;
    std::optional<std::set<std::string>> awaited;
    bool served = false;
  };

  bool Chance(int percent) { return Draw(100) < percent; }
  int Draw(int below) { return static_cast<int>(random_() % below); }

  // What happens in the world.
  void Happen();
  void ChangeGroup();
  void ChangeMembers();
  void Reload();
  void Restart();
  void Unplanned();
  void SayNothingNew();
  Labels RandomTarget(const std::string& discoverer);
  void Join();
  void Leave(bool planned);
  std::vector<MemberObservation> ListedMembers() const;
  std::string RandomNode();

  // Collectors that are pods (world_pods.cc). `listed_` has those that are
  // meant to be live at rest.
  bool polling() const { return options_.members == MembersKind::kPolling; }
  bool pods() const { return options_.members == MembersKind::kPods; }
  struct PodState {
    MemberObservation seen;
    TimePoint readiness_since;
    std::optional<TimePoint> ready_at;  // it becomes ready then
  };
  void AddPod(const std::string& name);
  void EndPod(const std::string& name, bool told_to_end);
  void ChangePods();
  void RunPods();
  MembersUpdate PodsNow();

  // One second, and one call of the allocator.
  void Tick();
  void Apply();
  void Settle();
  void Replay(const AllocatorInput& input);
  void RunDiscoverers();
  void RunScrapers();
  void StopDrained();

  // Promises.
  void CheckSnapshot();
  void CheckOwners(const OracleState& oracle);
  void StandingTargets(const OracleState& oracle,
                       const std::map<TargetId, std::string>& owners);
  enum class Scrape { kCounts, kLate, kUnheard };
  Scrape Judge(const Scraper& scraper, const Endpoint& endpoint) const;
  void CheckBound(const OracleState& oracle);
  void CheckFromScratch();
  void CheckAtRest();
  OracleInput InputOfOracle() const;
  std::map<std::string, std::string> LiveMembers() const;
  // Owner names by id, and lists as text.
  static std::string Picture(const Snapshot& snapshot, bool with_earlier);

  WorldOptions options_;
  std::mt19937 random_;
  TimePoint now_{std::chrono::hours(1)};
  Tally tally_;

  // The world as it is.
  std::map<std::string, std::map<std::string, TargetGroup>> groups_;
  ConfigBuilder builder_;
  std::map<std::string, std::string> listed_;  // members: name -> node
  std::map<std::string, Scraper> scrapers_;    // processes that run
  std::map<std::string, TimePoint> leaving_;   // since when; until drained
  int next_scraper_ = 0;
  std::map<std::string, PodState> pods_;        // that are selected
  std::map<std::string, PodState> deselected_;  // whose processes run on
  std::vector<std::string> ended_pods_;         // since the last list
  bool pods_changed_ = false;
  TimePoint outage_until_;  // nobody hears of pods before
  int next_uid_ = 0;
  ScrapeLog log_;
  // After a restart or a death: what was handed over then is nobody's promise.
  TimePoint measured_from_;
  // What stands at an endpoint that is one target and has an owner.
  struct Standing {
    TargetId id;
    std::string labels;
    std::uint64_t placement_key = 0;
    TimePoint since;
    std::set<std::string> served_to;
  };
  std::map<Endpoint, Standing> standing_;

  // What the allocator was told.
  std::unique_ptr<Allocator> allocator_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Config> config_;
  std::optional<TimePoint> deadline_;
  std::set<std::string> in_use_;
  std::map<std::string, Running> running_;
  std::map<std::string, KnownJob> jobs_;
  bool members_told_ = false;
  AllocatorInput next_;
  std::vector<Poll> late_polls_;
};

}  // namespace ta::test
