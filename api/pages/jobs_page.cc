// Jobs: all of them, and one with where its targets went.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "allocator/explain.h"
#include "api/pages/job_table.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/target_table.h"

namespace ta {
namespace {

Href TargetsOf(const JobView& job) {
  return Href("debug/targets").With("job_id", job.name());
}

// What is not scraped, for one reason.
struct Missing {
  TargetState state;
  int rule;  // -1 for none
  std::string reason;
  auto operator<=>(const Missing&) const = default;
};

// How many for each reason. Checks and discoverers name values in theirs, so
// that there may be as many reasons as targets; those beyond kListed are told
// by their state alone.
std::map<Missing, std::size_t> CountMissing(const JobView& job) {
  std::map<Missing, std::size_t> counts;
  const auto add = [&](TargetState state, int rule, std::string_view reason) {
    Missing key{state, rule, std::string(reason)};
    if (counts.size() >= kListed && !counts.contains(key)) {
      key.reason = "for other reasons";
    }
    ++counts[key];
  };
  if (job.unassigned) {
    for (const UnassignedTarget& one : *job.unassigned) {
      add(TargetState::kUnassigned, -1, WhyUnassigned(one.reason));
    }
  }
  for (const auto& bucket : job.unserved) {
    for (const auto& group : bucket->groups) {
      for (const UnservedTarget& one : group->targets) {
        const bool by_rule = one.state == UnservedTarget::State::kDroppedByRule;
        add(StateOf(one.state), by_rule ? one.rule : -1, one.reason);
      }
    }
  }
  return counts;
}

std::string TextOf(const JobView& job, const Missing& missing) {
  if (missing.rule >= 0) {
    const auto& rules = job.config->relabel_configs;
    const auto index = static_cast<std::size_t>(missing.rule);
    return fmt::format("relabel_configs[{}]: {}", missing.rule,
                       index < rules.size() ? RuleText(rules[index]) : "");
  }
  if (missing.state == TargetState::kDuplicate) {
    return "the same job and relabeled labels as another one";
  }
  return missing.reason;
}

void WriteMissing(const JobView& job, HtmlWriter& html) {
  const auto counts = CountMissing(job);
  if (counts.empty()) return;
  html.Raw("<h2>Not scraped</h2>\n");
  html.BeginTable({{"State"}, {"Targets", Column::Kind::kNumber}, {"Reason"}});
  for (const auto& [missing, count] : counts) {
    Href href = TargetsOf(job).With("state", ToString(missing.state));
    if (missing.rule >= 0) href.With("rule", std::to_string(missing.rule));
    html.BeginRow().Raw("<td>");
    WriteBadge(missing.state, html);
    html.Raw("</td><td class=\"number\">").Link(href, std::to_string(count));
    html.Raw("</td>").Cell(TextOf(job, missing)).EndRow();
  }
  html.EndTable();
}

// A row of `window` for each collector, those without a target included.
void WriteShares(const Snapshot& snapshot, const JobView& job,
                 const Window& window, HtmlWriter& html) {
  html.Raw("<h2>Collectors</h2>\n");
  if (snapshot.members.empty()) {
    html.Raw("<p>There are no collectors.</p>\n");
    return;
  }
  html.BeginTable({{"Collector"},
                   {"Target Count", Column::Kind::kNumber},
                   {"Handing over", Column::Kind::kNumber}});
  const std::size_t first = window.first(snapshot.members.size());
  const std::size_t last = window.last(snapshot.members.size());
  for (std::size_t i = first; i < last; ++i) {
    const MemberView& member = snapshot.members[i];
    const TargetList* list = job.ListOf(member.id);
    const std::size_t owned = list == nullptr ? 0 : list->owned;
    html.BeginRow().Cell(CollectorHref(member.name), member.name);
    html.Raw("<td class=\"number\">")
        .Link(TargetsOf(job).With("collector_id", member.name),
              std::to_string(owned))
        .Raw("</td>");
    html.Cell(list == nullptr ? 0 : list->targets.size() - owned).EndRow();
  }
  html.EndTable();
  WritePager(window, snapshot.members.size(), JobHref(job.name()), html);
}

void WriteDiscoverers(const Snapshot& snapshot, const JobView& job,
                      HtmlWriter& html) {
  html.Raw("<h2>Discovery</h2>\n");
  html.BeginTable({{"Mechanism"},
                   {"Answered"},
                   {"Groups", Column::Kind::kNumber},
                   {"Targets", Column::Kind::kNumber},
                   {"Problem"}});
  std::size_t shown = 0;
  for (const auto& discoverer : snapshot.discoverers) {
    if (!std::ranges::binary_search(discoverer->jobs, job.name())) continue;
    if (++shown > kPageRows) break;
    html.BeginRow().Cell(discoverer->mechanism);
    html.Cell(discoverer->synced ? "yes" : "no").Cell(discoverer->groups);
    html.Cell(discoverer->targets).Cell(discoverer->problem).EndRow();
  }
  html.EndTable();
}

void WriteFacts(const JobView& job, HtmlWriter& html) {
  const JobCounts& counts = job.counts;
  BeginFacts(html);
  WriteFact("State",
            job.served ? "served" : "not served yet: its answer is 503", html);
  if (!job.waiting_for.empty()) {
    WriteFact("Waiting for", job.waiting_for, html);
  }
  WriteFact("Discovered", html, [&] {
    html.Link(TargetsOf(job), std::to_string(counts.discovered));
  });
  WriteFact("Assigned", counts.assigned, html);
  WriteFact("Unassigned", counts.unassigned, html);
  WriteFact("Dropped", counts.dropped, html);
  WriteFact("Duplicates", counts.duplicates, html);
  WriteFact("Invalid", counts.invalid, html);
  WriteFact("Scrape config", html, [&] {
    html.Link(Href("debug/scrape_configs").With("job_id", job.name()), "show");
  });
  EndFacts(html);
}

}  // namespace

Response JobsPage(const Context& context) {
  const auto window = ReadWindow(context.query);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  return PageResponse(context, 200, "Jobs", [&](HtmlWriter& html) {
    WriteJobTable(context.snapshot, *window, html);
    WritePager(*window, context.snapshot.jobs.size(), Href("debug/jobs"), html);
  });
}

Response JobPage(const Context& context) {
  const std::string_view name = context.query.First("job_id").value_or("");
  if (name.empty()) return ErrorPage(context, 400, "Say which job: job_id=…");
  const JobView* job = context.snapshot.FindJob(name);
  if (job == nullptr) {
    return ErrorPage(context, 404,
                     context.snapshot.WasRemoved(name)
                         ? fmt::format("A reload removed job {}.", name)
                         : fmt::format("There is no job {}.", name));
  }
  const auto window = ReadWindow(context.query);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  return PageResponse(context, 200, fmt::format("Job: {}", name),
                      [&](HtmlWriter& html) {
                        WriteFacts(*job, html);
                        WriteMissing(*job, html);
                        WriteShares(context.snapshot, *job, *window, html);
                        WriteDiscoverers(context.snapshot, *job, html);
                      });
}

}  // namespace ta
