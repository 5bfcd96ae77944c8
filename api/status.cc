// What probes and people ask: /, /livez, /readyz, /api/v1/status.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/handlers.h"
#include "api/json.h"

namespace ta {
namespace {

std::string_view ToString(FilterStrategy filter) {
  return filter == FilterStrategy::kNone ? "none" : "relabel-config";
}

std::string_view SourceOf(const MembersConfig& members) {
  struct Namer {
    std::string_view operator()(const PodMembers&) { return "pods"; }
    std::string_view operator()(const StaticMembers&) { return "static"; }
    std::string_view operator()(const FileMembers&) { return "file"; }
    std::string_view operator()(const PollingMembers&) { return "polling"; }
  };
  return std::visit(Namer(), members);
}

void Strings(std::string_view key, const std::vector<std::string>& values,
             JsonWriter& json) {
  json.Key(key).BeginArray();
  for (const std::string& value : values) json.String(value);
  json.EndArray();
}

void WriteConfig(const Snapshot& snapshot, JsonWriter& json) {
  json.Key("config").BeginObject();
  if (snapshot.config) {
    const Config& config = *snapshot.config;
    json.Field("path", config.path)
        .Field("jobs", config.jobs.size())
        .Field("unknown_keys", config.unknown_keys)
        .Field("prometheus_cr_enabled", config.custom_resources_enabled);
    json.Key("unimplemented_mechanisms").BeginObject();
    for (const auto& [mechanism, jobs] : config.unimplemented_mechanisms) {
      json.Field(mechanism, jobs);
    }
    json.EndObject();
    Strings("warnings", config.warnings, json);
  }
  const ReloadStatus& reload = snapshot.reload;
  json.Key("last_reload")
      .BeginObject()
      .Field("successful", reload.successful)
      .Field("last_success_unix_seconds", reload.unix_seconds);
  Strings("mistakes", reload.mistakes, json);
  json.EndObject().EndObject();
}

void WriteAssignment(const Snapshot& snapshot, JsonWriter& json) {
  if (!snapshot.config) return;
  const Config& config = *snapshot.config;
  json.Key("assignment")
      .BeginObject()
      .Field("strategy", ta::ToString(config.strategy));
  if (config.strategy == StrategyKind::kPerNode) {
    json.Field("fallback_strategy", ta::ToString(config.fallback_strategy));
  }
  json.Key("max_load_ratio")
      .Double(config.max_load_ratio_thousandths / 1000.0)
      .Field("filter_strategy", ToString(config.filter_strategy))
      .Field("hand_over", config.hand_over.enabled ? "overlap" : "none")
      .Field("hand_overs_open", snapshot.hand_overs_open)
      .EndObject();
}

void WriteCollectors(const Context& context, JsonWriter& json) {
  const Snapshot& snapshot = context.snapshot;
  json.Key("collectors").BeginObject();
  json.Field("source", snapshot.config ? SourceOf(snapshot.config->members)
                                       : std::string_view());
  json.Field("problem", snapshot.members_problem);
  json.Key("members").BeginArray();
  for (const MemberView& member : snapshot.members) {
    json.BeginObject()
        .Field("name", member.name)
        .Field("state", ta::ToString(member.state))
        .Field("reason", member.reason)
        .Field("node", member.node);
    if (context.options.now) {
      json.Field("seconds_in_state", std::chrono::floor<std::chrono::seconds>(
                                         context.options.now() - member.since)
                                         .count());
    }
    if (!member.pod_uid.empty()) json.Field("pod_uid", member.pod_uid);
    json.Field("targets", member.owned)
        .Field("handing_over", member.handing_over)
        .EndObject();
  }
  json.EndArray();
  json.Key("pods_left_out").BeginArray();
  for (const auto& [name, reason] : snapshot.left_out) {
    json.BeginObject().Field("name", name).Field("reason", reason).EndObject();
  }
  json.EndArray();
  Strings("asking_but_no_member", snapshot.strangers, json);
  json.EndObject();
}

void WriteJobs(const Snapshot& snapshot, JsonWriter& json) {
  json.Key("jobs").BeginArray();
  for (const auto& job : snapshot.jobs) {
    const JobCounts& counts = job->counts;
    json.BeginObject()
        .Field("name", job->name())
        .Field("served", job->served)
        .Field("waiting_for", job->waiting_for)
        .Field("discovered", counts.discovered)
        .Field("assigned", counts.assigned)
        .Field("unassigned", counts.unassigned)
        .Field("dropped", counts.dropped)
        .Field("duplicates", counts.duplicates)
        .Field("invalid", counts.invalid)
        .EndObject();
  }
  json.EndArray();
}

void WriteDiscoverers(const Snapshot& snapshot, JsonWriter& json) {
  json.Key("discoverers").BeginArray();
  for (const auto& discoverer : snapshot.discoverers) {
    json.BeginObject()
        .Field("mechanism", discoverer->mechanism)
        .Field("key", discoverer->key)
        .Field("synced", discoverer->synced)
        .Field("problem", discoverer->problem)
        .Field("groups", discoverer->groups)
        .Field("targets", discoverer->targets);
    Strings("jobs", discoverer->jobs, json);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

Response HandleIndex(const Context& context) {
  return Respond(
      context, ByteBudget::Use::kPerson, kTextType,
      "target-allocator\n"
      "\n"
      "For collectors\n"
      "  /scrape_configs                     scrape configs by job\n"
      "  /jobs                               jobs that have targets\n"
      "  /jobs/{job}/targets?collector_id=   targets of one collector, for\n"
      "                                      http_sd_configs; without "
      "collector_id\n"
      "                                      those of all; &labels=relabeled "
      "for\n"
      "                                      scrapers without rules of their "
      "own\n"
      "For people\n"
      "  /api/v1/status                      readiness, members, discoverers\n"
      "  /api/v1/targets?job=&collector=&state=\n"
      "                                      every discovered target and its "
      "state\n"
      "  /api/v1/explain?job=&address=       why one target is where it is; "
      "also\n"
      "                                      &id= or any label=value\n"
      "  /debug/collectors  /debug/jobs  /debug/targets  "
      "/debug/scrape_configs\n"
      "                                      the same as pages; this one is a "
      "page\n"
      "                                      in a browser, too\n"
      "For probes and monitoring\n"
      "  /livez  /readyz  /metrics\n"
      "  POST /-/reload                      read the configuration again\n");
}

Response HandleLivez(const Context&) { return Response(); }

Response HandleReadyz(const Context& context) {
  const Snapshot& snapshot = context.snapshot;
  if (!snapshot.ready) {
    return Router::ErrorResponse(
        503, OrElse(snapshot.waiting_for, "starting: not ready yet"));
  }
  if (snapshot.jobs_not_synced.empty()) return Response();
  return Respond(context, ByteBudget::Use::kScraper, kTextType,
                 fmt::format("ready, without jobs that are not synced: {}\n",
                             fmt::join(snapshot.jobs_not_synced, ", ")));
}

static void WriteStatus(const Context& context, ByteBuffer& out) {
  const Snapshot& snapshot = context.snapshot;
  JsonWriter json(out);
  json.BeginObject()
      .Field("version", context.options.version)
      .Field("generation", snapshot.generation)
      .Field("digest", fmt::format("{:016x}", snapshot.digest))
      .Field("ready", snapshot.ready)
      .Field("waiting_for", snapshot.waiting_for)
      .Field("targets_served", snapshot.targets_served)
      .Field("targets_wait", snapshot.targets_wait);
  Strings("jobs_not_synced", snapshot.jobs_not_synced, json);
  Strings("removed_jobs", snapshot.removed_jobs, json);
  WriteConfig(snapshot, json);
  WriteAssignment(snapshot, json);
  WriteCollectors(context, json);
  WriteJobs(snapshot, json);
  WriteDiscoverers(snapshot, json);
  json.EndObject();
  out.Append('\n');
}

Response HandleStatus(const Context& context) {
  return Respond(context, ByteBudget::Use::kPerson, kJsonType,
                 [&](ByteBuffer& out) { WriteStatus(context, out); });
}

}  // namespace ta
