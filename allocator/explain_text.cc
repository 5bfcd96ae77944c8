// An explanation for the terminal.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "allocator/base/printable.h"
#include "allocator/explain.h"

namespace ta {
namespace {

// Values come from the world: a newline or an escape sequence in one must not
// look like a line of ours, or reach the terminal.
std::string Quoted(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return "\"" + Printable(escaped) + "\"";
}

void AppendLabels(std::string_view title, const Labels& labels,
                  std::string& out) {
  out += fmt::format("{}\n", title);
  for (const LabelPair& pair : labels) {
    out += fmt::format("  {} = {}\n", Printable(pair.name), Quoted(pair.value));
  }
  if (labels.empty()) out += "  none\n";
}

void AppendChange(const LabelChange& change, std::string& out) {
  const std::string name = Printable(change.name);
  if (change.before.empty()) {
    out += fmt::format("       + {} = {}\n", name, Quoted(change.after));
  } else if (change.after.empty()) {
    out += fmt::format("       - {} = {}\n", name, Quoted(change.before));
  } else {
    out += fmt::format("       ~ {} = {}, was {}\n", name, Quoted(change.after),
                       Quoted(change.before));
  }
}

void AppendTrace(const Explanation& explanation, std::string& out) {
  const RelabelTrace& trace = *explanation.trace;
  out += "relabel rules\n";
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const RelabelStep& step = trace.steps[i];
    const std::string_view verdict = step.dropped           ? "DROPS IT"
                                     : !step.matched        ? "no match"
                                     : step.changes.empty() ? "no change"
                                                            : "";
    out += fmt::format("  [{}] {}{}{}\n", step.rule,
                       Printable(explanation.rules[i]),
                       verdict.empty() ? "" : "   -> ", verdict);
    out += fmt::format("       {}\n", Printable(explanation.whys[i]));
    for (const LabelChange& change : step.changes) AppendChange(change, out);
  }
  if (trace.steps.empty()) out += "  none\n";
  if (trace.outcome.kept()) {
    AppendLabels("labels after relabeling", trace.after, out);
  }
}

void AppendPlacement(const PlacementExplanation& placement, std::string& out) {
  out += fmt::format("placement: {}\n", placement.strategy);
  if (!placement.summary.empty()) {
    out += fmt::format("  {}\n", Printable(placement.summary));
  }
  for (const Candidate& candidate : placement.candidates) {
    out += fmt::format("  {}", Printable(candidate.collector));
    if (candidate.distance != 0) {
      out += fmt::format("  distance {:016x}", candidate.distance);
    }
    out += fmt::format("  {} targets", candidate.load);
    if (candidate.capacity != 0) {
      out += fmt::format(" of {}", candidate.capacity);
    }
    if (!candidate.verdict.empty()) {
      out += fmt::format("  {}", Printable(candidate.verdict));
    }
    out += '\n';
  }
}

}  // namespace

std::string ToText(const Explanation& explanation) {
  std::string out =
      fmt::format("job {}, target {}\n{}\n", Printable(explanation.job),
                  Quoted(explanation.discovered.Get("__address__")),
                  Printable(explanation.summary));
  if (explanation.id) {
    out += fmt::format("id {}, placement key {:016x}\n", ToHex(*explanation.id),
                       explanation.placement_key);
  }
  if (!explanation.owner.empty()) {
    out += fmt::format("collector: {}\n", Printable(explanation.owner));
  }
  if (!explanation.earlier_owners.empty()) {
    out += fmt::format("still served to: {}\n",
                       Printable(fmt::format(
                           "{}", fmt::join(explanation.earlier_owners, ", "))));
  }
  if (!explanation.group.empty()) {
    out += fmt::format("group: {}\n", Printable(explanation.group));
  }
  AppendLabels("discovered labels", explanation.discovered, out);
  if (explanation.trace) AppendTrace(explanation, out);
  if (explanation.placement) AppendPlacement(*explanation.placement, out);
  return out;
}

}  // namespace ta
