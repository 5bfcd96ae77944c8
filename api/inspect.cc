// What the person on call asks: /api/v1/targets, /api/v1/explain.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/config/nearest.h"
#include "allocator/explain.h"
#include "allocator/inventory.h"
#include "api/explain_json.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/render.h"

namespace ta {
namespace {

// One screen of explanations; the count of all matches stands beside them.
constexpr std::size_t kExplained = 10;

// "unknown job wbe (did you mean \"web\"?)".
std::string UnknownJob(const Snapshot& snapshot, std::string_view name) {
  std::vector<std::string_view> jobs;
  for (const auto& job : snapshot.jobs) jobs.push_back(job->name());
  const std::string_view nearest = Nearest(name, jobs);
  std::string message = fmt::format("unknown job {}", name);
  if (!nearest.empty()) {
    message += fmt::format(" (did you mean \"{}\"?)", nearest);
  }
  return message;
}

std::string_view NameOf(UnservedTarget::State state) {
  return state == UnservedTarget::State::kDroppedByRule ? "rule" : "check";
}

void WriteEntry(const Snapshot& snapshot, const JobView& job,
                const InventoryEntry& entry, ByteBuffer& out,
                JsonWriter& json) {
  json.BeginObject()
      .Field("job", job.name())
      .Field("state", ToString(entry.state))
      .Field("address", entry.Get("__address__"));
  if (const Target* target = entry.target) {
    json.Field("id", ToHex(target->id));
    if (entry.owner != kNoMember) {
      json.Field("collector", MemberName(snapshot, entry.owner));
    } else {
      json.Field("reason", ToString(entry.unassigned_reason));
    }
    if (!entry.earlier.empty()) {
      json.Key("earlier_collectors").BeginArray();
      for (const MemberId member : entry.earlier) {
        json.String(MemberName(snapshot, member));
      }
      json.EndArray();
    }
  } else {
    const UnservedTarget& unserved = *entry.unserved;
    if (entry.state == TargetState::kDropped) {
      json.Field("dropped_by", NameOf(unserved.state));
    }
    if (unserved.rule >= 0) json.Field("rule", unserved.rule);
    if (!unserved.reason.empty()) json.Field("reason", unserved.reason);
    if (entry.state == TargetState::kDuplicate) {
      json.Field("duplicate_of", ToHex(unserved.id));
    }
    json.Field("source", entry.unserved_group->source);
  }
  json.Key("labels");
  RenderLabels(entry.group(), entry.own(), out);
  json.Ended().EndObject();
}

// Which targets are asked for.
struct Filter {
  std::string_view job;
  std::optional<MemberId> collector;  // owned by it, or still served to it
  std::optional<TargetState> state;

  bool Matches(const InventoryEntry& entry) const {
    if (state && entry.state != *state) return false;
    return !collector || entry.owner == *collector ||
           std::find(entry.earlier.begin(), entry.earlier.end(), *collector) !=
               entry.earlier.end();
  }
};

Result<Filter> ReadFilter(const Context& context, int& status) {
  const Snapshot& snapshot = context.snapshot;
  Filter filter;
  status = 400;
  for (const auto& [name, value] : context.query.pairs()) {
    if (value.empty()) continue;  // "?job=&state=dropped" as a form sends it
    if (name == "job") {
      filter.job = value;
    } else if (name == "collector") {
      const MemberView* member = snapshot.FindMember(value);
      if (member == nullptr) {
        status = 404;
        return Reject("unknown collector " + value);
      }
      filter.collector = member->id;
    } else if (name == "state") {
      filter.state = ParseTargetState(value);
      if (!filter.state) {
        return Reject(
            "state must be assigned, unassigned, dropped, duplicate or "
            "invalid");
      }
    } else {
      return Reject("unknown parameter " + name +
                    "; there are job, collector and state");
    }
  }
  if (!filter.job.empty() && snapshot.FindJob(filter.job) == nullptr) {
    status = 404;
    return Reject(UnknownJob(snapshot, filter.job));
  }
  return filter;
}

void WriteTargets(const Context& context, const Filter& filter,
                  ByteBuffer& out) {
  JsonWriter json(out);
  std::size_t matches = 0;
  std::size_t shown = 0;
  json.BeginObject()
      .Field("generation", context.snapshot.generation)
      .Key("targets")
      .BeginArray();
  for (const auto& job : context.snapshot.jobs) {
    if (!filter.job.empty() && job->name() != filter.job) continue;
    for (const InventoryEntry& entry : InventoryOf(*job)) {
      if (out.refused()) return;
      if (!filter.Matches(entry)) continue;
      ++matches;
      if (out.size() >= context.options.inspect_bytes) continue;
      WriteEntry(context.snapshot, *job, entry, out, json);
      ++shown;
    }
  }
  json.EndArray()
      .Field("matches", matches)
      .Field("truncated", shown < matches)
      .EndObject();
  out.Append('\n');
}

}  // namespace

Response HandleInspectTargets(const Context& context) {
  int status = 400;
  const Result<Filter> filter = ReadFilter(context, status);
  if (!filter) return Router::ErrorResponse(status, filter.error().message);
  return Respond(context, ByteBudget::Use::kPerson, kJsonType,
                 [&](ByteBuffer& out) { WriteTargets(context, *filter, out); });
}

Response HandleExplain(const Context& context) {
  ExplainQuery query;
  bool as_text = false;
  for (const auto& [name, value] : context.query.pairs()) {
    if (name == "job") {
      query.job = value;
    } else if (name == "id") {
      query.id = ParseTargetId(value);
      if (!query.id) {
        return Router::ErrorResponse(
            400, "id must be 32 hexadecimal digits, as /api/v1/targets shows");
      }
    } else if (name == "address") {
      query.address = value;
    } else if (name == "format") {
      if (value != "text" && value != "json") {
        return Router::ErrorResponse(400, "format must be json or text");
      }
      as_text = value == "text";
    } else {
      query.labels.emplace_back(name, value);
    }
  }
  if (query.empty()) {
    return Router::ErrorResponse(
        400,
        "say which target: job=… and id=…, address=… or any label=value, "
        "discovered or relabeled");
  }
  if (!query.job.empty() && context.snapshot.FindJob(query.job) == nullptr) {
    return Router::ErrorResponse(404, UnknownJob(context.snapshot, query.job));
  }
  const ExplainResult result =
      ExplainTargets(context.snapshot, query, kExplained);
  if (result.matches == 0) {
    return Router::ErrorResponse(
        404,
        "no discovered target matches; /api/v1/status shows whether its "
        "discoverer has answered");
  }
  if (!as_text) {
    return Respond(context, ByteBudget::Use::kPerson, kJsonType,
                   ExplainJson(result));
  }
  std::string text;
  for (const Explanation& explanation : result.explanations) {
    if (!text.empty()) text += '\n';
    text += ToText(explanation);
  }
  if (result.matches > result.explanations.size()) {
    text += fmt::format("\nand {} more match\n",
                        result.matches - result.explanations.size());
  }
  return Respond(context, ByteBudget::Use::kPerson, kTextType, std::move(text));
}

}  // namespace ta
