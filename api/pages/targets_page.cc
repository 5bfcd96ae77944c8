// Every discovered target, with what became of it; filtered, a page at a time.

#include <fmt/format.h>

#include <expected>
#include <limits>
#include <string>

#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/target_table.h"

namespace ta {
namespace {

// The question, as it was asked; views of it.
struct Asked {
  std::string_view job;
  std::string_view collector;
  std::string_view state;
  std::string_view rule;
  std::string_view address;

  explicit Asked(const Query& query)
      : job(query.First("job_id").value_or("")),
        collector(query.First("collector_id").value_or("")),
        state(query.First("state").value_or("")),
        rule(query.First("rule").value_or("")),
        address(query.First("address").value_or("")) {}

  Href Here() const {
    return Href("debug/targets")
        .With("job_id", job)
        .With("collector_id", collector)
        .With("state", state)
        .With("rule", rule)
        .With("address", address);
  }
};

struct Mistaken {
  int status;
  std::string message;
};

std::expected<TargetFilter, Mistaken> FilterOf(const Snapshot& snapshot,
                                               const Asked& asked) {
  TargetFilter filter;
  if (!asked.job.empty()) {
    filter.job = snapshot.FindJob(asked.job);
    if (filter.job == nullptr) {
      return std::unexpected(
          Mistaken{404, fmt::format("There is no job {}.", asked.job)});
    }
  }
  if (!asked.collector.empty()) {
    filter.collector = snapshot.FindMember(asked.collector);
    if (filter.collector == nullptr) {
      return std::unexpected(Mistaken{
          404, fmt::format("There is no collector {}.", asked.collector)});
    }
  }
  if (!asked.state.empty()) {
    filter.state = ParseTargetState(asked.state);
    if (!filter.state) {
      return std::unexpected(
          Mistaken{400,
                   "state must be assigned, unassigned, dropped, "
                   "duplicate or invalid."});
    }
  }
  if (!asked.rule.empty()) {
    const auto rule = ReadNumber(asked.rule);
    if (!rule || *rule > std::numeric_limits<int>::max()) {
      return std::unexpected(Mistaken{400, "rule must be a number from 0 on."});
    }
    filter.rule = static_cast<int>(*rule);
  }
  filter.address = asked.address;
  return filter;
}

void WriteInput(Markup open, std::string_view value, HtmlWriter& html) {
  html.Raw(open).Text(value, std::string_view::npos).Raw("\"></label>\n");
}

void WriteForm(const Asked& asked, HtmlWriter& html) {
  html.Raw("<form method=\"get\" action=\"").Address(Href("debug/targets"));
  html.Raw("\">\n");
  WriteInput("<label>Job <input name=\"job_id\" value=\"", asked.job, html);
  WriteInput("<label>Collector <input name=\"collector_id\" value=\"",
             asked.collector, html);
  html.Raw(
      "<label>State <select name=\"state\"><option value=\"\">any"
      "</option>");
  for (const TargetState state :
       {TargetState::kAssigned, TargetState::kUnassigned, TargetState::kDropped,
        TargetState::kDuplicate, TargetState::kInvalid}) {
    const std::string_view name = ToString(state);
    html.Raw(name == asked.state ? Markup("<option selected>")
                                 : Markup("<option>"));
    html.Text(name).Raw("</option>");
  }
  html.Raw("</select></label>\n");
  WriteInput("<label>Rule <input name=\"rule\" size=\"4\" value=\"", asked.rule,
             html);
  WriteInput("<label>A part of the address <input name=\"address\" value=\"",
             asked.address, html);
  html.Raw("<button>Find</button>\n</form>\n");
}

}  // namespace

Response TargetsPage(const Context& context) {
  const Asked asked(context.query);
  const auto filter = FilterOf(context.snapshot, asked);
  if (!filter) {
    return ErrorPage(context, filter.error().status, filter.error().message);
  }
  const auto window = ReadWindow(context.query);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  const TargetRows found =
      FindTargets(context.snapshot, *filter, window->begin(), kPageRows);
  return PageResponse(context, 200, "Targets", [&](HtmlWriter& html) {
    WriteForm(asked, html);
    if (found.matches == 0) {
      html.Raw("<p>No discovered target is like that.</p>\n");
    }
    WriteTargetTable(context.snapshot, found.rows, html);
    WritePager(*window, found.matches, asked.Here(), html);
  });
}

}  // namespace ta
