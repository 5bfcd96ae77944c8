// One target: what it was discovered with, what each rule made of it, and why
// it is where it is. explain.h with a face.

#include <fmt/format.h>

#include <array>
#include <string>

#include "allocator/explain.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/target_table.h"

namespace ta {
namespace {

// Values are shown longer here than in tables of many targets.
constexpr std::size_t kValueBytes = 4000;

// What people look for first, by Prometheus's names of it.
struct Known {
  Markup name;
  Markup label;
};
constexpr std::array kKnown = {
    Known{"Namespace", "__meta_kubernetes_namespace"},
    Known{"Service Name", "__meta_kubernetes_service_name"},
    Known{"Service Port", "__meta_kubernetes_service_port"},
    Known{"Pod Name", "__meta_kubernetes_pod_name"},
    Known{"Container Name", "__meta_kubernetes_pod_container_name"},
    Known{"Container Port Name", "__meta_kubernetes_pod_container_port_name"},
    Known{"Node Name", "__meta_kubernetes_pod_node_name"},
    Known{"Endpoint Slice Name", "__meta_kubernetes_endpointslice_name"},
};

void WriteFacts(const TargetRow& row, const Explanation& explanation,
                HtmlWriter& html) {
  BeginFacts(html);
  WriteFact("State", html, [&] {
    WriteBadge(row.entry.state, html);
    html.Raw(" ").Text(explanation.summary, kValueBytes);
  });
  WriteFact("Collector", html, [&] {
    if (explanation.owner.empty()) {
      html.Raw("none");
    } else {
      html.Link(CollectorHref(explanation.owner), explanation.owner);
    }
  });
  for (const std::string& earlier : explanation.earlier_owners) {
    WriteFact("Still served to", html,
              [&] { html.Link(CollectorHref(earlier), earlier); });
  }
  WriteFact("Job", html,
            [&] { html.Link(JobHref(explanation.job), explanation.job); });
  if (explanation.duplicate_of) {
    WriteFact("Duplicate of", html, [&] {
      html.Link(TargetHref(explanation.job, *explanation.duplicate_of),
                ToHex(*explanation.duplicate_of));
    });
  } else if (explanation.id) {
    WriteFact("Target id", ToHex(*explanation.id), html);
    WriteFact("Placement key",
              fmt::format("{:016x}", explanation.placement_key), html);
  }
  if (row.entry.target != nullptr) {
    WriteFact("As JSON", html, [&] {
      html.Link(Href("api/v1/explain")
                    .With("id", ToHex(row.entry.target->id))
                    .With("job", explanation.job),
                "explain");
    });
  }
  if (!explanation.group.empty()) {
    WriteFact("Discovered in", explanation.group, html);
  }
  for (const Known& known : kKnown) {
    const auto value = explanation.discovered.Find(known.label.text());
    if (value && !value->empty()) WriteFact(known.name, *value, html);
  }
  EndFacts(html);
}

void WriteLabels(Markup title, const Labels& labels, HtmlWriter& html) {
  html.Raw("<h2>").Raw(title).Raw("</h2>\n<div class=\"mono\">");
  html.BeginTable({{"Label"}, {"Value"}});
  for (const LabelPair& pair : labels) {
    html.BeginRow().Cell(pair.name).Raw("<td>");
    html.Text(pair.value, kValueBytes).Raw("</td>").EndRow();
  }
  html.EndTable().Raw("</div>\n");
}

void WriteChange(const LabelChange& change, HtmlWriter& html) {
  html.Raw("<div><code>").Text(change.name).Raw("</code>: ");
  const auto value = [&](std::string_view text) {
    if (text.empty()) {
      html.Raw("<span class=\"dim\">none</span>");
    } else {
      html.Raw("<code>").Text(text).Raw("</code>");
    }
  };
  value(change.before);
  html.Raw(" → ");
  value(change.after);
  html.Raw("</div>");
}

void WriteRules(const Explanation& explanation, HtmlWriter& html) {
  const RelabelTrace& trace = *explanation.trace;
  html.Raw("<h2>Relabel rules</h2>\n");
  if (trace.steps.empty()) {
    html.Raw("<p>The job has none.</p>\n");
    return;
  }
  html.BeginTable(
      {{"#", Column::Kind::kNumber}, {"Rule"}, {"Why"}, {"What it changed"}});
  for (std::size_t i = 0; i < trace.steps.size() && !html.refused(); ++i) {
    const RelabelStep& step = trace.steps[i];
    html.BeginRow().Cell(static_cast<std::uint64_t>(step.rule));
    html.Raw("<td><code>").Text(explanation.rules[i], kValueBytes);
    html.Raw("</code></td><td>").Text(explanation.whys[i], kValueBytes);
    html.Raw("</td><td>");
    if (step.dropped) {
      html.Raw("<span class=\"badge bad\">dropped the target</span>");
    }
    for (const LabelChange& change : step.changes) WriteChange(change, html);
    html.Raw("</td>").EndRow();
  }
  html.EndTable();
}

void WritePlacement(const PlacementExplanation& placement, HtmlWriter& html) {
  html.Raw("<h2>Placement</h2>\n<p>").Text(placement.strategy).Raw(": ");
  html.Text(placement.summary, kValueBytes).Raw("</p>\n");
  if (placement.candidates.empty()) return;
  html.BeginTable({{"Collector"},
                   {"Distance"},
                   {"Load", Column::Kind::kNumber},
                   {"Capacity", Column::Kind::kNumber},
                   {"Verdict"}});
  for (const Candidate& candidate : placement.candidates) {
    html.BeginRow();
    html.Cell(CollectorHref(candidate.collector), candidate.collector);
    html.Raw("<td><code>").Text(fmt::format("{:016x}", candidate.distance));
    html.Raw("</code></td>").Cell(candidate.load).Cell(candidate.capacity);
    html.Cell(candidate.verdict).EndRow();
  }
  html.EndTable();
}

Response Show(const Context& context, const TargetRow& row) {
  const Explanation explanation =
      ExplainEntry(context.snapshot, *row.job, row.entry);
  const std::string_view address = row.entry.Get("__address__");
  return PageResponse(
      context, 200, fmt::format("Target: {}", address), [&](HtmlWriter& html) {
        WriteFacts(row, explanation, html);
        if (explanation.placement) WritePlacement(*explanation.placement, html);
        WriteLabels("Discovered labels", explanation.discovered, html);
        if (!explanation.trace) return;
        WriteRules(explanation, html);
        if (explanation.trace->outcome.kept()) {
          WriteLabels("Labels after the rules", explanation.trace->after, html);
        }
      });
}

}  // namespace

Response TargetPage(const Context& context) {
  const std::string_view job_name = context.query.First("job_id").value_or("");
  const std::string_view hash = context.query.First("target_hash").value_or("");
  const std::string_view unserved =
      context.query.First("unserved").value_or("");
  const JobView* job = nullptr;
  if (!job_name.empty()) {
    job = context.snapshot.FindJob(job_name);
    if (job == nullptr) {
      return ErrorPage(context, 404,
                       fmt::format("There is no job {}.", job_name));
    }
  }
  std::optional<TargetRow> row;
  if (!hash.empty()) {
    const auto id = ParseTargetId(hash);
    if (!id) {
      return ErrorPage(context, 400,
                       "target_hash must be 32 hexadecimal digits, as the "
                       "pages of targets have it.");
    }
    row = FindTarget(context.snapshot, job, *id);
  } else if (!unserved.empty() && job != nullptr) {
    const auto key = ReadNumber(unserved, 16);
    if (!key) {
      return ErrorPage(context, 400,
                       "unserved must be hexadecimal digits, as the pages of "
                       "targets have them.");
    }
    row = FindUnserved(*job, *key);
  } else {
    return ErrorPage(context, 400,
                     "Say which target: target_hash=…, as the pages of targets "
                     "have it.");
  }
  if (!row) {
    return ErrorPage(context, 404,
                     "There is no such target any more. Its labels may have "
                     "changed: look for its address among the targets.");
  }
  return Show(context, *row);
}

}  // namespace ta
