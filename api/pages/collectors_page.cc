// Collectors: all of them, and one with what it scrapes.

#include <fmt/format.h>

#include <algorithm>

#include "api/pages/collector_table.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/target_table.h"

namespace ta {
namespace {

std::size_t JobsOf(const Snapshot& snapshot, const MemberView& member) {
  return static_cast<std::size_t>(std::ranges::count_if(
      snapshot.jobs,
      [&](const auto& job) { return job->ListOf(member.id) != nullptr; }));
}

// A bar as long as the collector's targets over those of the fullest one.
void WriteBar(std::size_t owned, std::size_t fullest, HtmlWriter& html) {
  if (fullest == 0) return;
  html.Raw("<meter min=\"0\" max=\"").Number(fullest).Raw("\" value=\"");
  html.Number(owned).Raw("\">").Number(owned).Raw("</meter>");
}

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
  const std::size_t jobs = JobsOf(snapshot, member);
  html.Raw("<h2>Jobs</h2>\n");
  if (jobs == 0) {
    html.Raw("<p>It is served no targets.</p>\n");
    return;
  }
  html.BeginTable({{"Job"}, {"Targets", Column::Kind::kNumber}});
  std::size_t shown = 0;
  for (const auto& job : snapshot.jobs) {
    const TargetList* list = job->ListOf(member.id);
    if (list == nullptr) continue;
    if (++shown > kPageRows) break;
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
  if (jobs > kPageRows) {
    html.Raw("<p class=\"pager\">and ").Number(jobs - kPageRows);
    html.Raw(" more</p>\n");
  }
}

}  // namespace

std::string TimeInState(const Context& context, const MemberView& member) {
  if (!context.options.now) return "";
  using std::chrono::seconds;
  const auto age = std::max(
      seconds(0),
      std::chrono::floor<seconds>(context.options.now() - member.since));
  const auto total = age.count();
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{}s", total / 60, total % 60);
  if (total < 86400) {
    return fmt::format("{}h{}m", total / 3600, total / 60 % 60);
  }
  return fmt::format("{}d{}h", total / 86400, total / 3600 % 24);
}

void WriteCollectorTable(const Context& context, const Window& window,
                         HtmlWriter& html) {
  const Snapshot& snapshot = context.snapshot;
  if (snapshot.members.empty()) {
    html.Raw("<p>There are no collectors.</p>\n");
    return;
  }
  std::size_t fullest = 0;
  for (const MemberView& member : snapshot.members) {
    fullest = std::max(fullest, member.owned);
  }
  html.BeginTable({{"Collector"},
                   {"State"},
                   {"Job Count", Column::Kind::kNumber},
                   {"Target Count", Column::Kind::kNumber},
                   {"Share"},
                   {"Handing over", Column::Kind::kNumber},
                   {"Since"},
                   {"Node"},
                   {"Reason"}});
  const std::size_t first = window.first(snapshot.members.size());
  const std::size_t last = window.last(snapshot.members.size());
  for (std::size_t i = first; i < last; ++i) {
    const MemberView& member = snapshot.members[i];
    html.BeginRow().Cell(CollectorHref(member.name), member.name).Raw("<td>");
    WriteBadge(member.state, html);
    html.Raw("</td>").Cell(JobsOf(snapshot, member)).Cell(member.owned);
    html.Raw("<td>");
    WriteBar(member.owned, fullest, html);
    html.Raw("</td>").Cell(member.handing_over);
    html.Cell(TimeInState(context, member)).Cell(member.node);
    html.Cell(member.reason).EndRow();
  }
  html.EndTable();
}

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
