#include <array>
#include <map>
#include <set>
#include <string_view>
#include <variant>

#include "api/handlers.h"
#include "api/metric_family.h"
#include "api/metrics.h"

namespace ta {
namespace {

// Distinct discovery configurations that are not run, because their mechanism
// is not implemented: nothing else fails to load.
std::size_t NotRun(const Snapshot& snapshot) {
  std::set<std::string_view> keys;
  for (const auto& job : snapshot.jobs) {
    for (const DiscoveryConfig& discovery : job->config->discoveries) {
      if (std::holds_alternative<UnimplementedDiscovery>(discovery.settings)) {
        keys.insert(discovery.key);
      }
    }
  }
  return keys.size();
}

// What the Go allocator has, under its names.
void AddTheirs(const Snapshot& snapshot, FamilyList& out) {
  const std::string strategy(
      snapshot.config ? ToString(snapshot.config->strategy) : "");
  const std::size_t live = snapshot.LiveMembers();
  std::size_t kept = 0;
  std::size_t unassigned = 0;
  for (const auto& job : snapshot.jobs) {
    kept += job->counts.assigned + job->counts.unassigned;
    unassigned += job->counts.unassigned;
  }
  out.Gauge("opentelemetry_allocator_collectors_allocatable",
            "Number of collectors the allocator is able to allocate to.")
      .With(OtelScope())
      .Sample(live, {{"strategy", strategy}});
  out.Gauge("opentelemetry_allocator_collectors_discovered",
            "Number of collectors discovered.")
      .With(OtelScope())
      .Sample(live);
  out.Gauge("opentelemetry_allocator_targets", "Number of targets discovered.")
      .With(OtelScope());
  for (const auto& job : snapshot.jobs) {
    out.Sample(job->counts.discovered, {{"job_name", job->name()}});
  }
  out.Gauge("opentelemetry_allocator_targets_per_collector",
            "The number of targets for each collector.")
      .With(OtelScope());
  for (const MemberView& member : snapshot.members) {
    if (member.state == MemberView::State::kDrained) continue;
    out.Sample(member.owned,
               {{"collector_name", member.name}, {"strategy", strategy}});
  }
  out.Gauge("opentelemetry_allocator_targets_remaining",
            "Number of targets kept after filtering.")
      .With(OtelScope())
      .Sample(kept);
  out.Gauge("opentelemetry_allocator_targets_unassigned",
            "Number of targets that have no collector.")
      .With(OtelScope())
      .Sample(unassigned);
  out.Gauge("prometheus_sd_discovered_targets",
            "Current number of discovered targets.");
  for (const auto& job : snapshot.jobs) {
    out.Sample(job->counts.discovered, {{"config", job->name()}, {"name", ""}});
  }
  out.Gauge("prometheus_sd_failed_configs",
            "Current number of service discovery configurations that failed to "
            "load.")
      .Sample(NotRun(snapshot), {{"name", ""}});
  out.Counter("prometheus_sd_updates_total",
              "Total number of update events sent to the SD consumers.")
      .Sample(snapshot.generation, {{"name", ""}});
}

void AddConfig(const Snapshot& snapshot, FamilyList& out) {
  out.Gauge("target_allocator_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.")
      .Sample(snapshot.reload.successful ? 1 : 0);
  out.Gauge("target_allocator_config_last_reload_success_timestamp_seconds",
            "When the configuration that is in force was loaded.")
      .Sample(snapshot.reload.unix_seconds);
  out.Gauge("target_allocator_ready", "Whether /readyz is 200.")
      .Sample(snapshot.ready ? 1 : 0);
  if (!snapshot.config) return;
  const Config& config = *snapshot.config;
  out.Gauge("target_allocator_config_unknown_keys",
            "Keys of the configuration that are not known.")
      .Sample(config.unknown_keys);
  out.Gauge("target_allocator_config_warnings",
            "Warnings about the configuration.")
      .Sample(config.warnings.size());
  out.Gauge("target_allocator_unimplemented_mechanism_jobs",
            "Jobs that use a discovery mechanism that is not implemented.");
  for (const auto& [mechanism, jobs] : config.unimplemented_mechanisms) {
    out.Sample(jobs, {{"mechanism", mechanism}});
  }
  out.Gauge("target_allocator_prometheus_cr_unimplemented",
            "1 if prometheus_cr is enabled: it is not implemented.")
      .Sample(config.custom_resources_enabled ? 1 : 0);
}

void AddMembers(const Snapshot& snapshot, FamilyList& out) {
  constexpr std::array kStates = {
      MemberView::State::kLive, MemberView::State::kGrace,
      MemberView::State::kDraining, MemberView::State::kDrained};
  std::array<std::size_t, kStates.size()> counts{};
  out.Gauge("target_allocator_collector_handing_over_targets",
            "Targets that a collector is still served as an earlier owner.");
  for (const MemberView& member : snapshot.members) {
    ++counts[static_cast<std::size_t>(member.state)];
    out.Sample(member.handing_over, {{"collector", member.name}});
  }
  out.Gauge("target_allocator_members", "Collectors by state.");
  for (const auto state : kStates) {
    out.Sample(counts[static_cast<std::size_t>(state)],
               {{"state", std::string(ToString(state))}});
  }
  out.Gauge("target_allocator_pods_left_out",
            "Pods that are selected as collectors and are no members.")
      .Sample(snapshot.left_out.size());
  out.Gauge("target_allocator_members_problem",
            "1 while the source of members has a problem; see /api/v1/status.")
      .Sample(snapshot.members_problem.empty() ? 0 : 1);
  out.Gauge("target_allocator_strangers",
            "Collectors that ask for targets and are no members.")
      .Sample(snapshot.strangers.size());
}

void AddDiscovery(const Snapshot& snapshot, FamilyList& out) {
  struct Count {
    std::size_t synced = 0;
    std::size_t waiting = 0;
    std::size_t problems = 0;
    std::size_t groups = 0;
  };
  // By mechanism: a discoverer's key may be as long as its configuration.
  std::map<std::string, Count> counts;
  for (const auto& discoverer : snapshot.discoverers) {
    Count& count = counts[discoverer->mechanism];
    ++(discoverer->synced ? count.synced : count.waiting);
    count.problems += !discoverer->problem.empty();
    count.groups += discoverer->groups;
  }
  out.Gauge("target_allocator_discoverers",
            "Running discoverers, by whether they have answered.");
  for (const auto& [mechanism, count] : counts) {
    out.Sample(count.synced, {{"mechanism", mechanism}, {"state", "synced"}});
    out.Sample(count.waiting,
               {{"mechanism", mechanism}, {"state", "not_synced"}});
  }
  out.Gauge("target_allocator_discoverer_problems",
            "Discoverers that have a problem now; see /api/v1/status.");
  for (const auto& [mechanism, count] : counts) {
    out.Sample(count.problems, {{"mechanism", mechanism}});
  }
  out.Gauge("target_allocator_target_groups", "Target groups held.");
  for (const auto& [mechanism, count] : counts) {
    out.Sample(count.groups, {{"mechanism", mechanism}});
  }
  std::size_t not_served = 0;
  out.Gauge("target_allocator_job_targets",
            "Discovered targets of a job by what became of them.");
  for (const auto& job : snapshot.jobs) {
    not_served += !job->served;
    const JobCounts& jobs = job->counts;
    const auto sample = [&](std::string state, std::size_t count) {
      out.Sample(count, {{"job", job->name()}, {"state", std::move(state)}});
    };
    sample("assigned", jobs.assigned);
    sample("unassigned", jobs.unassigned);
    sample("dropped", jobs.dropped);
    sample("duplicate", jobs.duplicates);
    sample("invalid", jobs.invalid);
  }
  out.Gauge("target_allocator_jobs", "Jobs of the configuration.")
      .Sample(snapshot.jobs.size());
  out.Gauge(
         "target_allocator_jobs_not_synced",
         "Jobs that are answered 503, because a discoverer has not answered.")
      .Sample(not_served);
}

void AddAssignment(const Snapshot& snapshot, FamilyList& out) {
  const Totals& totals = snapshot.totals;
  out.Gauge("target_allocator_generation", "Number of the snapshot served.")
      .Sample(snapshot.generation);
  out.Counter("target_allocator_moves_total",
              "Targets that moved from one collector to another.")
      .Sample(totals.moves_members, {{"reason", "members"}})
      .Sample(totals.moves_rebalance, {{"reason", "rebalance"}})
      .Sample(totals.moves_config, {{"reason", "config"}});
  out.Gauge("target_allocator_hand_overs_open",
            "Targets that are served to an earlier owner, too.")
      .Sample(snapshot.hand_overs_open);
  out.Counter("target_allocator_hand_overs_timed_out_total",
              "Hand-overs that ended before the new owner had asked.")
      .Sample(totals.hand_overs_timed_out);
  out.Histogram("target_allocator_hand_over_overlap_seconds",
                "How long a moved target was served to its earlier owner.")
      .Buckets(DurationHistogram::kBounds, totals.overlap_seconds.counts,
               totals.overlap_seconds.sum);
  out.Counter("target_allocator_targets_relabeled_total",
              "Targets sent through relabel rules.")
      .Sample(totals.targets_relabeled);
  const Labels::PoolStats pool = Labels::Stats();
  out.Gauge("target_allocator_label_pool_pairs",
            "Distinct label pairs held, each once.")
      .Sample(pool.pairs);
  out.Gauge("target_allocator_label_pool_bytes", "Memory of the label pool.")
      .Sample(pool.bytes);
}

}  // namespace

std::vector<prometheus::MetricFamily> SnapshotMetrics::Collect() const {
  const auto snapshot = snapshots_.Get();
  FamilyList out;
  AddTheirs(*snapshot, out);
  AddConfig(*snapshot, out);
  AddMembers(*snapshot, out);
  AddDiscovery(*snapshot, out);
  AddAssignment(*snapshot, out);
  return out.Take();
}

}  // namespace ta
