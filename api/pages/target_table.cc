#include "api/pages/target_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "allocator/explain.h"
#include "api/pages/page.h"

namespace ta {
namespace {

constexpr std::string_view kEndpointSlice =
    "__meta_kubernetes_endpointslice_name";

std::string WhyUnserved(const TargetRow& row) {
  const UnservedTarget& unserved = *row.entry.unserved;
  switch (unserved.state) {
    case UnservedTarget::State::kDroppedByRule: {
      const auto& rules = row.job->config->relabel_configs;
      const auto index = static_cast<std::size_t>(unserved.rule);
      std::string reason = fmt::format("relabel_configs[{}]", unserved.rule);
      if (index < rules.size()) reason += ": " + RuleText(rules[index]);
      return reason;
    }
    case UnservedTarget::State::kDuplicate:
      return "of target " + ToHex(unserved.id);
    case UnservedTarget::State::kDroppedByCheck:
    case UnservedTarget::State::kInvalid:
      return unserved.reason;
  }
  return "";
}

}  // namespace

Href TargetHref(const TargetRow& row) {
  const std::string& job = row.job->name();
  if (row.entry.target != nullptr) {
    return TargetHref(job, row.entry.target->id);
  }
  return Href("debug/target")
      .With("unserved",
            fmt::format("{:016x}", UnservedKey(*row.entry.unserved_group,
                                               *row.entry.unserved)))
      .With("job_id", job);
}

std::string ReasonOf(const Snapshot& snapshot, const TargetRow& row) {
  const InventoryEntry& entry = row.entry;
  if (entry.unserved != nullptr) return WhyUnserved(row);
  std::string reason;
  if (entry.state == TargetState::kUnassigned) {
    reason = WhyUnassigned(entry.unassigned_reason);
  }
  for (const MemberId member : entry.earlier) {
    reason += reason.empty() ? "still served to " : ", still served to ";
    reason += MemberName(snapshot, member);
  }
  return reason;
}

void WriteTargetTable(const Snapshot& snapshot,
                      const std::vector<TargetRow>& rows, HtmlWriter& html) {
  if (rows.empty()) return;
  const bool slices = std::ranges::any_of(rows, [](const TargetRow& row) {
    return !row.entry.Get(kEndpointSlice).empty();
  });
  if (slices) {
    html.BeginTable({{"Job"},
                     {"Target"},
                     {"State"},
                     {"Collector"},
                     {"Reason"},
                     {"Endpoint Slice"}});
  } else {
    html.BeginTable(
        {{"Job"}, {"Target"}, {"State"}, {"Collector"}, {"Reason"}});
  }
  for (const TargetRow& row : rows) {
    const InventoryEntry& entry = row.entry;
    html.BeginRow().Cell(JobHref(row.job->name()), row.job->name());
    html.Cell(TargetHref(row), entry.Get("__address__")).Raw("<td>");
    WriteBadge(entry.state, html);
    html.Raw("</td><td>");
    if (entry.state == TargetState::kAssigned) {
      const std::string_view name = MemberName(snapshot, entry.owner);
      html.Link(CollectorHref(name), name);
    }
    html.Raw("</td>").Cell(ReasonOf(snapshot, row));
    if (slices) html.Cell(entry.Get(kEndpointSlice));
    html.EndRow();
  }
  html.EndTable();
}

}  // namespace ta
