#include "api/explain_json.h"

#include <fmt/format.h>

namespace ta {
namespace {

void WriteStep(const RelabelStep& step, std::string_view rule,
               std::string_view why, JsonWriter& json) {
  json.BeginObject()
      .Field("index", step.rule)
      .Field("rule", rule)
      .Field("source", step.source)
      .Field("matched", step.matched)
      .Field("why", why)
      .Field("dropped", step.dropped);
  json.Key("changes").BeginArray();
  for (const LabelChange& change : step.changes) {
    json.BeginObject()
        .Field("name", change.name)
        .Field("before", change.before)
        .Field("after", change.after)
        .EndObject();
  }
  json.EndArray().EndObject();
}

void WritePlacement(const PlacementExplanation& placement, JsonWriter& json) {
  json.BeginObject()
      .Field("strategy", placement.strategy)
      .Field("summary", placement.summary);
  json.Key("candidates").BeginArray();
  for (const Candidate& candidate : placement.candidates) {
    json.BeginObject()
        .Field("collector", candidate.collector)
        // 64 bits don't fit a double, which most readers of JSON use.
        .Field("distance", fmt::format("{:016x}", candidate.distance))
        .Field("load", candidate.load)
        .Field("capacity", candidate.capacity)
        .Field("verdict", candidate.verdict)
        .EndObject();
  }
  json.EndArray().EndObject();
}

void WriteTrace(const Explanation& explanation, JsonWriter& json) {
  const RelabelTrace& trace = *explanation.trace;
  json.Key("before_rules");
  WriteLabels(trace.before, json);
  json.Key("rules").BeginArray();
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    WriteStep(trace.steps[i], explanation.rules[i], explanation.whys[i], json);
  }
  json.EndArray();
  if (trace.outcome.kept()) {
    json.Key("after_rules");
    WriteLabels(trace.after, json);
  }
}

}  // namespace

void WriteLabels(const Labels& labels, JsonWriter& json) {
  json.BeginObject();
  for (const LabelPair& pair : labels) json.Field(pair.name, pair.value);
  json.EndObject();
}

void WriteExplanation(const Explanation& explanation, JsonWriter& json) {
  json.BeginObject()
      .Field("job", explanation.job)
      .Field("state", ToString(explanation.state))
      .Field("summary", explanation.summary);
  if (!explanation.reason.empty()) json.Field("reason", explanation.reason);
  if (explanation.id) {
    json.Field("id", ToHex(*explanation.id))
        .Field("placement_key",
               fmt::format("{:016x}", explanation.placement_key));
  }
  if (explanation.duplicate_of) {
    json.Field("duplicate_of", ToHex(*explanation.duplicate_of));
  }
  if (!explanation.owner.empty()) json.Field("collector", explanation.owner);
  if (!explanation.earlier_owners.empty()) {
    json.Key("earlier_collectors").BeginArray();
    for (const std::string& name : explanation.earlier_owners) {
      json.String(name);
    }
    json.EndArray();
  }
  if (!explanation.group.empty()) json.Field("group", explanation.group);
  json.Key("discovered");
  WriteLabels(explanation.discovered, json);
  if (explanation.trace) WriteTrace(explanation, json);
  if (explanation.placement) {
    json.Key("placement");
    WritePlacement(*explanation.placement, json);
  }
  json.EndObject();
}

std::string ExplainJson(const ExplainResult& result) {
  ByteBuffer out;
  JsonWriter json(out);
  json.BeginObject().Field("matches", result.matches);
  json.Key("targets").BeginArray();
  for (const Explanation& explanation : result.explanations) {
    WriteExplanation(explanation, json);
  }
  json.EndArray().EndObject();
  out.Append('\n');
  return out.Take();
}

}  // namespace ta
