// The immutable state that is being served. A snapshot shares everything that
// did not change with the one before: jobs, the per-collector lists in a job,
// the targets in a list. One changed target copies one list and one job.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/config/config.h"
#include "allocator/ids.h"
#include "allocator/labels.h"
#include "allocator/live_target.h"
#include "allocator/relabel.h"
#include "allocator/shared_blocks.h"
#include "allocator/strategy_view.h"
#include "allocator/target.h"
#include "allocator/updates.h"

namespace ta {

// A target in a collector's list: owned, or still served to it as an earlier
// owner while its hand-over is open.
struct ListedTarget {
  TargetPtr target;
  bool owned = true;
  bool operator==(const ListedTarget&) const = default;  // the same object
};

// What one collector is served of one job.
struct TargetList {
  std::vector<ListedTarget> targets;  // by TargetId, ascending
  // Of what is served (ids and discovered labels), whoever owns it: equal
  // lists have equal digests in every process.
  std::uint64_t digest = 0;
  std::size_t owned = 0;
};

// A discovered target that is not served, and why.
struct UnservedTarget {
  enum class State {
    kDroppedByRule,   // `rule` says which
    kDroppedByCheck,  // `reason` says which check after relabeling
    kDuplicate,       // of the target `id`
    kInvalid,         // not accepted by its discoverer: `reason`
  };
  State state;
  int rule = -1;       // index into relabel_configs
  TargetId id;         // kDuplicate: of the target that is served instead
  std::string reason;  // kDroppedByCheck, kInvalid; for kInvalid with address
  Labels group;
  Labels own;
};

// The unserved targets of one group, in the order discovered.
struct UnservedGroup {
  std::string discoverer;  // its key
  std::string source;
  std::vector<UnservedTarget> targets;
};

// Some of a job's groups, so that a changed group copies a few pointers and not
// all that the job dropped. In no order: sort before showing.
struct UnservedBucket {
  std::vector<std::shared_ptr<const UnservedGroup>> groups;
};

// A live target without an owner.
struct UnassignedTarget {
  TargetPtr target;
  UnassignedReason reason;
  bool operator==(const UnassignedTarget&) const = default;  // the same object
};

// Counts of a job's discovered targets by state; they add up to `discovered`.
struct JobCounts {
  std::size_t discovered = 0;
  std::size_t assigned = 0;
  std::size_t unassigned = 0;
  std::size_t dropped = 0;  // by rule or check
  std::size_t duplicates = 0;
  std::size_t invalid = 0;
};

// One job as served.
struct JobView {
  std::shared_ptr<const ScrapeConfig> config;
  // What turns a discovered target of this job into its relabeled labels.
  std::shared_ptr<const Relabeler> relabeler;  // null: filter_strategy none
  std::uint64_t rules_digest = 0;  // of rules and seeds; part of the ETag

  // While false the job's targets are answered 503 with `waiting_for`. While
  // true, `waiting_for` says which of its new discoverers has not answered yet,
  // so that it is still served from its old ones; "" at rest.
  bool served = false;
  std::string waiting_for;

  struct Share {
    MemberId member;
    std::shared_ptr<const TargetList> list;
  };
  std::vector<Share> shares;  // by member id; members with no target are absent
  std::vector<std::shared_ptr<const UnservedBucket>> unserved;
  std::shared_ptr<const std::vector<UnassignedTarget>> unassigned;  // by id
  JobCounts counts;

  const std::string& name() const { return config->job_name; }
  // The list of `member`; null when it has none. O(log members).
  const TargetList* ListOf(MemberId member) const;
};

// A collector that is a member, or was one and is still served.
struct MemberView {
  // kGrace is live, too: a pod that is not ready, excluded if it stays so.
  enum class State { kLive, kGrace, kDraining, kDrained };
  std::string name;
  MemberId id = 0;
  std::string node;
  std::string pod_uid;  // "" if it is no pod
  State state = State::kLive;
  std::string reason;     // why it is not kLive: "not in the list any more"
  TimePoint since;        // when it became live, grace, or neither
  std::size_t owned = 0;  // targets it owns
  std::size_t handing_over = 0;  // targets it is served as an earlier owner

  // It may own targets.
  bool live() const { return state == State::kLive || state == State::kGrace; }
};
std::string_view ToString(MemberView::State state);

// One running discoverer.
struct DiscovererView {
  std::string mechanism;
  std::string key;
  std::vector<std::string> jobs;  // sorted; that use it now
  bool synced = false;
  std::string problem;
  std::size_t groups = 0;
  std::size_t targets = 0;
};

// Fixed buckets, in seconds, of the durations that the core itself measures.
struct DurationHistogram {
  static constexpr std::array<double, 10> kBounds = {1,  5,   10,  20,  30,
                                                     60, 120, 180, 300, 600};
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum = 0;
  void Add(double seconds);
};

// Totals since the process started.
struct Totals {
  std::uint64_t targets_relabeled = 0;
  // Moves of a live target from one collector to another, by cause.
  std::uint64_t moves_members = 0;    // a collector joined or left
  std::uint64_t moves_rebalance = 0;  // targets came or went
  std::uint64_t moves_config = 0;     // a reload changed strategy or ratio
  DurationHistogram overlap_seconds;  // of hand-overs that ended
  std::uint64_t hand_overs_timed_out = 0;
};

struct Snapshot {
  std::uint64_t generation = 0;
  // Of every assignment: equal in replicas that know the same targets and
  // members, whatever way they came to know them.
  std::uint64_t digest = 0;

  // -- readiness (section 8 of the design) --
  bool configured = false;  // a configuration is loaded
  // `/readyz`; once true it stays so. When false, `waiting_for` says for what.
  bool ready = false;
  std::string waiting_for;
  // Targets may be answered at all; when false, 503 with `targets_wait`.
  bool targets_served = false;
  std::string targets_wait;
  // Jobs that sync_timeout left out: ready, but 503 for themselves. Sorted.
  std::vector<std::string> jobs_not_synced;

  std::shared_ptr<const Config> config;              // null until configured
  std::vector<std::shared_ptr<const JobView>> jobs;  // by name
  std::vector<std::string> removed_jobs;  // by a reload; sorted; served as []

  bool polling_members = false;
  SharedBlocks<MemberView> members;  // live and draining, by name
  // Pods that are selected and no members, by name, with the reason.
  std::vector<std::pair<std::string, std::string>> left_out;
  // Names that ask as scrapers and are no members. Sorted, at most 1,000.
  std::vector<std::string> strangers;
  std::vector<std::shared_ptr<const DiscovererView>> discoverers;  // by key
  std::string members_problem;  // of the source of members; "" if none
  std::shared_ptr<const StrategyView> strategy;  // explains assignments
  std::size_t hand_overs_open = 0;
  ReloadStatus reload;
  Totals totals;

  const JobView* FindJob(std::string_view name) const;        // O(log jobs)
  const MemberView* FindMember(std::string_view name) const;  // O(log members)
  bool WasRemoved(std::string_view job) const;
  std::size_t LiveMembers() const;
};

// The one place where writer and readers meet. Thread-safe.
class SnapshotHolder {
 public:
  // Called after each Set, on the writer's thread; must not block.
  using Listener = std::function<void()>;

  SnapshotHolder();
  // Never null: before the first Set, an empty snapshot that is not configured.
  std::shared_ptr<const Snapshot> Get() const;
  void Set(std::shared_ptr<const Snapshot> snapshot);
  // At most one listener; it must outlive the holder's last Set, or be reset.
  void OnChange(Listener listener);

 private:
  mutable std::mutex mutex_;  // guards snapshot_ and listener_
  std::shared_ptr<const Snapshot> snapshot_;
  Listener listener_;
};

}  // namespace ta
