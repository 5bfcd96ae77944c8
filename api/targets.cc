// What collectors ask: /scrape_configs, /jobs, /jobs/{job}/targets.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "allocator/collector_name.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/render.h"
#include "hashing/hash.h"

namespace ta {
namespace {

// BodyCache::Key::form of the bodies made here.
constexpr std::uint32_t kDiscoveredForm = 1;
constexpr std::uint32_t kRelabeledForm = 2;
constexpr std::uint32_t kScrapeConfigsForm = 3;
constexpr std::uint32_t kSecretScrapeConfigsForm = 4;

constexpr std::string_view kStarting = "starting: no configuration loaded yet";

// A scraper says how often it asks, in seconds with or without a fraction.
// Anything else, or more than a day, counts as not said.
std::chrono::milliseconds RefreshInterval(std::string_view seconds) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0 ||
      value > 86400) {
    return {};
  }
  return std::chrono::milliseconds(std::llround(value * 1000));
}

// The list that `collector` is served of `job`; null for an empty one.
const TargetList* ListFor(const JobView* job, const MemberView& member) {
  if (job == nullptr || member.state == MemberView::State::kDrained) {
    return nullptr;
  }
  const TargetList* list = job->ListOf(member.id);
  return list == nullptr || list->targets.empty() ? nullptr : list;
}

std::uint64_t DigestOf(const TargetList* list) {
  return list == nullptr ? 0 : list->digest;
}

// Entity tags are weak, because one names the content in any encoding. The
// digests cover ids and discovered labels, and what relabels them.
std::string ListETag(std::uint64_t digest, LabelsMode mode,
                     std::uint64_t rules_digest) {
  return mode == LabelsMode::kDiscovered
             ? fmt::format("W/\"{:016x}\"", digest)
             : fmt::format("W/\"{:016x}-{:016x}\"", digest, rules_digest);
}

// `{"collector-0":{"_link":…,"targets":[…]},…}`, of every collector that is
// served anything; collectors without targets have `[]`.
Response AllCollectors(const Context& context, std::string_view job_name,
                       const JobView* job, LabelsMode mode) {
  std::vector<const MemberView*> served;
  Hasher hasher;
  for (const MemberView& member : context.snapshot.members) {
    if (member.state == MemberView::State::kDrained) continue;
    served.push_back(&member);
    hasher.Append(member.name).Append(DigestOf(ListFor(job, member)));
  }
  const std::uint64_t rules = job == nullptr ? 0 : job->rules_digest;
  // Never kept: people ask for this, now and then.
  return RespondCached(
      context, ByteBudget::Use::kPerson, ListETag(hasher.Hash64(), mode, rules),
      std::nullopt, [&](ByteBuffer& out) {
        JsonWriter json(out);
        json.BeginObject();
        const std::string escaped_job = QueryEscape(job_name);
        for (const MemberView* member : served) {
          // The name is not escaped in the link: the Go allocator's bytes.
          json.Key(member->name)
              .BeginObject()
              .Field("_link", "/debug/jobs/" + escaped_job +
                                  "/targets?collector_id=" + member->name)
              .Key("targets");
          if (const TargetList* list = ListFor(job, *member)) {
            RenderTargets(*job, list, mode, out);
          } else {
            out.Append("[]");
          }
          json.Ended().EndObject();
        }
        json.EndObject();
        out.Append('\n');
      });
}

// What one collector is answered. `job` is null for one that a reload removed.
Response OneCollector(const Context& context, std::string_view collector,
                      const JobView* job, LabelsMode mode) {
  const Snapshot& snapshot = context.snapshot;
  const MemberView* member = snapshot.FindMember(collector);
  if (snapshot.polling_members && IsScraper(context.request) &&
      (member == nullptr || member->state != MemberView::State::kLive)) {
    // Who asks becomes a member, and is answered from the snapshot that says
    // so: never `[]`.
    if (context.patience == Patience::kFresh) {
      Response response;
      response.hold = true;
      return response;
    }
    return Router::ErrorResponse(
        503, fmt::format("collector {} is not a member yet", collector));
  }
  const bool any_served = std::any_of(
      snapshot.members.begin(), snapshot.members.end(),
      [](const auto& one) { return one.state != MemberView::State::kDrained; });
  if (!any_served) return Router::ErrorResponse(503, "no collectors");

  const TargetList* list = member == nullptr ? nullptr : ListFor(job, *member);
  const std::uint64_t digest = DigestOf(list);
  const bool relabeled = mode == LabelsMode::kRelabeled;
  const std::uint64_t rules =
      relabeled && job != nullptr ? job->rules_digest : 0;
  const BodyCache::Key key{digest, rules,
                           relabeled ? kRelabeledForm : kDiscoveredForm};
  return RespondCached(context, ByteBudget::Use::kScraper,
                       ListETag(digest, mode, rules), key,
                       [&](ByteBuffer& out) {
                         if (list == nullptr) {
                           out.Append("[]");
                         } else {
                           RenderTargets(*job, list, mode, out);
                         }
                         out.Append('\n');
                       });
}

// The client's certificate names others, or nobody is asked for.
Response Foreign(std::optional<std::string_view> collector,
                 const std::vector<std::string>& names) {
  std::string message = collector ? fmt::format("collector_id {}: ", *collector)
                                  : std::string("collector_id is missing: ");
  if (names.empty()) {
    message +=
        "the client's certificate names no collector; it takes a DNS name or "
        "a URI among its subject alternative names";
  } else {
    message += "the client's certificate is for ";
    for (const std::string& name : names) {
      message.append(&name == &names.front() ? "" : ", ").append(name);
    }
  }
  Response response = Router::ErrorResponse(403, message);
  response.foreign_name = true;
  return response;
}

// Everything between "this is a well-formed question" and the answer.
Response AnswerTargets(const Context& context, std::string_view job_name,
                       std::optional<std::string_view> collector,
                       LabelsMode mode) {
  const Snapshot& snapshot = context.snapshot;
  if (!snapshot.targets_served) {
    return Router::ErrorResponse(
        503,
        OrElse(snapshot.targets_wait, OrElse(snapshot.waiting_for, kStarting)));
  }
  if (mode == LabelsMode::kRelabeled && snapshot.config &&
      snapshot.config->filter_strategy == FilterStrategy::kNone) {
    return Router::ErrorResponse(
        400, "labels=relabeled needs filter_strategy relabel-config");
  }
  const JobView* job = snapshot.FindJob(job_name);
  if (job == nullptr && !snapshot.WasRemoved(job_name)) {
    return Router::ErrorResponse(404, fmt::format("unknown job {}", job_name));
  }
  if (job != nullptr && !job->served) {
    return Router::ErrorResponse(
        503, fmt::format("job {}: {}", job_name,
                         OrElse(job->waiting_for, "not synced yet")));
  }
  if (mode == LabelsMode::kRelabeled && job != nullptr && !job->relabeler) {
    return Router::ErrorResponse(
        400, "labels=relabeled needs filter_strategy relabel-config");
  }
  return collector ? OneCollector(context, *collector, job, mode)
                   : AllCollectors(context, job_name, job, mode);
}

void WriteJobs(const Snapshot& snapshot, ByteBuffer& out) {
  JsonWriter json(out);
  json.BeginObject();
  for (const auto& job : snapshot.jobs) {
    if (!job->served || job->counts.assigned + job->counts.unassigned == 0) {
      continue;
    }
    json.Key(job->name())
        .BeginObject()
        .Field("_link", "/jobs/" + QueryEscape(job->name()) + "/targets")
        .EndObject();
  }
  json.EndObject();
  out.Append('\n');
}

}  // namespace

Response HandleScrapeConfigs(const Context& context) {
  const Snapshot& snapshot = context.snapshot;
  if (!snapshot.configured || !snapshot.config) {
    return Router::ErrorResponse(503, OrElse(snapshot.waiting_for, kStarting));
  }
  const Config& config = *snapshot.config;
  // An empty map would make every collector drop all it has.
  if (config.custom_resources_enabled && config.jobs.empty()) {
    return Router::ErrorResponse(
        503,
        "prometheus_cr is enabled, custom resources are not implemented, and "
        "the file has no jobs of its own");
  }
  // The other is empty where it would be equal.
  const bool secrets =
      context.request.secure && !config.secret_scrape_configs_json.empty();
  const std::string& json =
      secrets ? config.secret_scrape_configs_json : config.scrape_configs_json;
  const std::uint64_t digest = Hash64(json);
  // As it stands in the configuration, which it keeps alive: no copy.
  return RespondShared(
      context, fmt::format("W/\"{:016x}\"", digest),
      {digest, 0, secrets ? kSecretScrapeConfigsForm : kScrapeConfigsForm},
      {snapshot.config, &json});
}

Response HandleJobs(const Context& context) {
  const Snapshot& snapshot = context.snapshot;
  if (!snapshot.targets_served) {
    return Router::ErrorResponse(
        503,
        OrElse(snapshot.targets_wait, OrElse(snapshot.waiting_for, kStarting)));
  }
  return Respond(context, ByteBudget::Use::kScraper, kJsonType,
                 [&](ByteBuffer& out) { WriteJobs(snapshot, out); });
}

Response HandleTargets(const Context& context, std::string_view job) {
  const auto collector = context.query.First("collector_id");
  if (collector && collector->empty()) {
    return Router::ErrorResponse(400, "collector_id is empty");
  }
  if (collector) {
    // Before it can become a member, a metric's label or a line of the log.
    if (const auto valid = CheckCollectorName(*collector); !valid) {
      return Router::ErrorResponse(400,
                                   "collector_id: " + valid.error().message);
    }
  }
  if (const auto* names = context.request.client_names;
      names != nullptr &&
      (!collector || std::ranges::find(*names, *collector) == names->end())) {
    return Foreign(collector, *names);
  }
  LabelsMode mode = LabelsMode::kDiscovered;
  if (const auto labels = context.query.First("labels")) {
    if (*labels == "relabeled") {
      mode = LabelsMode::kRelabeled;
    } else if (*labels != "discovered") {
      return Router::ErrorResponse(
          400, "labels must be discovered (the default) or relabeled");
    }
  }
  Response response = AnswerTargets(context, job, collector, mode);
  const int status = response.status;
  if (collector && IsScraper(context.request) &&
      (status == 200 || status == 304 || status == 503)) {
    Poll poll;
    poll.collector = *collector;
    poll.job = job;
    if (status != 503 && !response.hold) {
      poll.sent_generation = context.snapshot.generation;
    }
    poll.refresh_interval =
        RefreshInterval(context.request.refresh_interval.value_or(""));
    response.poll = std::move(poll);
  }
  return response;
}

}  // namespace ta
