#include "api/pages/collector_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

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

}  // namespace ta
