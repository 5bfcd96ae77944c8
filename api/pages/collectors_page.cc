// Collectors: all of them, and one with what it scrapes.

#include <fmt/format.h>

#include <string>

#include "api/pages/collector_table.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/target_table.h"

namespace ta {
namespace {

void WriteFacts(const Context& context, const MemberView& member,
                HtmlWriter& html) {
  BeginFacts(html);
  WriteFact("State", html, [&] {
    WriteBadge(member.state, html);
    const std::string since = TimeInState(context, member);
    if (!since.empty()) html.Raw(" for ").Text(since);
  });
  if (!member.reason.empty()) WriteFact("Reason", member.reason, html);
  if (!member.node.empty()) WriteFact("Node", member.node, html);
  if (!member.pod_uid.empty()) WriteFact("Pod's uid", member.pod_uid, html);
  WriteFact("Targets", member.owned, html);
  if (member.handing_over > 0) {
    WriteFact("Handed over to others", member.handing_over, html);
  }
  EndFacts(html);
}

// The jobs that it is served something of, as many as a page has rows.
void WriteJobs(const Snapshot& snapshot, const MemberView& member,
               HtmlWriter& html) {
  html.Raw("<h2>Jobs</h2>\n");
  html.BeginTable({{"Job"}, {"Targets", Column::Kind::kNumber}});
  std::size_t jobs = 0;
  for (const auto& job : snapshot.jobs) {
    const TargetList* list = job->ListOf(member.id);
    if (list == nullptr || ++jobs > kPageRows) continue;
    html.BeginRow().Cell(JobHref(job->name()), job->name());
    html.Raw("<td class=\"number\">")
        .Link(Href("debug/targets")
                  .With("job_id", job->name())
                  .With("collector_id", member.name),
              std::to_string(list->targets.size()))
        .Raw("</td>")
        .EndRow();
  }
  html.EndTable();
  if (jobs == 0) html.Raw("<p>It is served no targets.</p>\n");
  if (jobs > kPageRows) {
    html.Raw("<p class=\"pager\">and ").Number(jobs - kPageRows);
    html.Raw(" more</p>\n");
  }
}

}  // namespace

Response CollectorsPage(const Context& context) {
  const auto window = ReadWindow(context.query);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  return PageResponse(context, 200, "Collectors", [&](HtmlWriter& html) {
    WriteCollectorTable(context, *window, html);
    WritePager(*window, context.snapshot.members.size(),
               Href("debug/collectors"), html);
  });
}

Response CollectorPage(const Context& context) {
  const std::string_view name =
      context.query.First("collector_id").value_or("");
  if (name.empty()) {
    return ErrorPage(context, 400, "Say which collector: collector_id=…");
  }
  const MemberView* member = context.snapshot.FindMember(name);
  if (member == nullptr) {
    return ErrorPage(context, 404,
                     fmt::format("There is no collector {}.", name));
  }
  const auto window = ReadWindow(context.query);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  TargetFilter filter;
  filter.collector = member;
  const TargetRows found =
      FindTargets(context.snapshot, filter, window->begin(), kPageRows);
  return PageResponse(
      context, 200, fmt::format("Collector: {}", name), [&](HtmlWriter& html) {
        WriteFacts(context, *member, html);
        WriteJobs(context.snapshot, *member, html);
        html.Raw("<h2>Targets</h2>\n");
        WriteTargetTable(context.snapshot, found.rows, html);
        WritePager(*window, found.matches, CollectorHref(name), html);
      });
}

}  // namespace ta
