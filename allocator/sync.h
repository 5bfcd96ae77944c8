// What has been heard of yet, and so what may be served: no answer is given out
// of ignorance.
//
// Also which discoverers feed a job. A job that is served and is pointed at
// other discoverers stays with its old ones until all the new ones have
// answered, then changes over in one step.

#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/config/config.h"
#include "allocator/ids.h"
#include "allocator/relabel.h"

namespace ta {

// One job as the allocator knows it.
struct SyncedJob {
  JobId id = 0;
  std::shared_ptr<const ScrapeConfig> config;
  std::shared_ptr<const Relabeler> relabeler;  // null: filter_strategy none
  std::uint64_t rules_digest = 0;              // of rules and seeds
  std::set<std::string> active;                // discoverers that feed it
  // Those that are to feed it, when they are others and not all have answered.
  std::optional<std::set<std::string>> awaited;
  bool served = false;
  // Why it is not served; or, while it is, why not from where the
  // configuration says.
  std::string waiting_for;
  // Until then it waits for discoverers that have only partly answered.
  std::optional<TimePoint> give_up_at;
};

// Confined to the writer.
class Sync {
 public:
  // What is known of a discoverer's first answer.
  struct Answered {
    bool synced = false;
    bool partial = false;
    std::string problem;
    bool operator==(const Answered&) const = default;
  };

  void Heard(const std::string& discoverer, const Answered& answered);
  void Forget(const std::string& discoverer) {
    dirty_ |= answered_.erase(discoverer) > 0;
  }

  // The first configuration starts the clock of sync_timeout; a job that comes
  // later has one of its own. To be called whenever jobs() were changed.
  void Configure(const Config& config, TimePoint now);

  std::map<std::string, SyncedJob, std::less<>>& jobs() { return jobs_; }
  const std::map<std::string, SyncedJob, std::less<>>& jobs() const {
    return jobs_;
  }

  // Settles which jobs are served and whether answers may be given. O(jobs)
  // when something was heard or a timeout is over, else O(1).
  struct Step {
    std::vector<const SyncedJob*> changed_over;  // `active` is the new set
    std::vector<const SyncedJob*> changed;  // `served` or `waiting_for` is new
    bool readiness_changed = false;
  };
  // `members_wait` says why the members are not known, "" if they are; only
  // with `members_block_readiness` does `/readyz` wait for them.
  Step Advance(const std::string& members_wait, bool members_block_readiness,
               TimePoint now);
  std::optional<TimePoint> Deadline() const;

  bool configured() const { return configured_; }
  // `/readyz`. Once true, it stays so.
  bool ready() const { return ready_; }
  const std::string& waiting_for() const { return waiting_for_; }
  // Targets may be answered. Once true, it stays so.
  bool targets_served() const { return targets_served_; }
  const std::string& targets_wait() const { return targets_wait_; }
  // Sorted; as of the last Advance.
  const std::vector<std::string>& JobsNotSynced() const { return not_synced_; }
  std::set<std::string> InUse() const;

 private:
  // Partly is good enough for a job that has waited long, but no reason to give
  // up what is served: stale beats partial.
  enum class Accept { kComplete, kPartial };
  // "" if all have answered, else which has not, and its problem.
  std::string Missing(const std::set<std::string>& discoverers,
                      Accept accept) const;
  void AdvanceJobs(Step& step, TimePoint now);

  std::map<std::string, SyncedJob, std::less<>> jobs_;  // by name
  std::map<std::string, Answered> answered_;
  bool configured_ = false;
  bool custom_resources_only_ = false;
  std::vector<std::string> not_synced_;
  bool dirty_ = false;         // AdvanceJobs has something to do
  std::string first_missing_;  // the first job that is waited for, and for what
  std::chrono::milliseconds sync_timeout_{};
  TimePoint give_up_at_;                   // the end of the first sync_timeout
  std::optional<TimePoint> next_give_up_;  // the next job's
  bool gave_up_ = false;
  bool ready_ = false;
  bool targets_served_ = false;
  std::string waiting_for_ = "the configuration";
  std::string targets_wait_ = "the configuration";
};

// The keys of the discoverers of `config` that we run; unimplemented mechanisms
// have none.
std::set<std::string> ImplementedDiscoverers(const ScrapeConfig& config);

}  // namespace ta
