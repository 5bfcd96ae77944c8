// The first look: is it well, who scrapes how much, and what is wrong.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "api/pages/collector_table.h"
#include "api/pages/job_table.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"

namespace ta {
namespace {

// Everything that somebody should look at, one line each.
std::vector<std::string> ProblemsOf(const Snapshot& snapshot) {
  std::vector<std::string> problems = snapshot.reload.mistakes;
  if (!snapshot.members_problem.empty()) {
    problems.push_back("collectors: " + snapshot.members_problem);
  }
  for (const auto& job : snapshot.jobs) {
    if (!job->waiting_for.empty()) {
      problems.push_back(
          fmt::format("job {}: {}", job->name(), job->waiting_for));
    }
  }
  for (const auto& discoverer : snapshot.discoverers) {
    if (discoverer->problem.empty()) continue;
    problems.push_back(fmt::format(
        "{} discovery{}: {}", discoverer->mechanism,
        discoverer->jobs.empty() ? "" : " of job " + discoverer->jobs.front(),
        discoverer->problem));
  }
  for (const auto& [name, reason] : snapshot.left_out) {
    problems.push_back(fmt::format("pod {} is no member: {}", name, reason));
  }
  for (const std::string& name : snapshot.strangers) {
    problems.push_back(fmt::format("{} asks, but is no member", name));
  }
  if (snapshot.config) {
    const auto& warnings = snapshot.config->warnings;
    problems.insert(problems.end(), warnings.begin(), warnings.end());
  }
  return problems;
}

void WriteProblems(const Snapshot& snapshot, HtmlWriter& html) {
  const std::vector<std::string> problems = ProblemsOf(snapshot);
  if (problems.empty()) return;
  html.Raw("<h2>Problems</h2>\n<ul class=\"problems\">\n");
  for (std::size_t i = 0; i < std::min(problems.size(), kListed); ++i) {
    html.Raw("<li>").Text(problems[i]).Raw("</li>\n");
  }
  if (problems.size() > kListed) {
    html.Raw("<li>and ").Number(problems.size() - kListed).Raw(" more: ");
    html.Link(Href("api/v1/status"), "status").Raw("</li>\n");
  }
  html.Raw("</ul>\n");
}

void WriteState(const Snapshot& snapshot, HtmlWriter& html) {
  JobCounts all;
  for (const auto& job : snapshot.jobs) {
    const JobCounts& counts = job->counts;
    all.discovered += counts.discovered;
    all.assigned += counts.assigned;
    all.unassigned += counts.unassigned;
    all.dropped += counts.dropped;
    all.duplicates += counts.duplicates;
    all.invalid += counts.invalid;
  }
  BeginFacts(html);
  WriteFact("State", snapshot.ready ? "ready" : "not ready", html);
  WriteFact("Collectors", html, [&] {
    html.Link(Href("debug/collectors"), std::to_string(snapshot.LiveMembers()));
    html.Raw(" live, ").Number(snapshot.members.size()).Raw(" in all");
  });
  WriteFact("Scrape Configs", html, [&] {
    html.Link(
        Href("debug/scrape_configs"),
        std::to_string(snapshot.config ? snapshot.config->jobs.size() : 0));
  });
  WriteFact("Jobs", html, [&] {
    html.Link(Href("debug/jobs"), std::to_string(snapshot.jobs.size()));
  });
  WriteFact("Targets", html, [&] {
    html.Link(Href("debug/targets"), std::to_string(all.discovered));
    html.Raw(" discovered");
    const auto part = [&](TargetState state, std::size_t count) {
      if (count == 0) return;
      html.Raw(", ").Link(Href("debug/targets").With("state", ToString(state)),
                          fmt::format("{} {}", count, ToString(state)));
    };
    part(TargetState::kAssigned, all.assigned);
    part(TargetState::kUnassigned, all.unassigned);
    part(TargetState::kDropped, all.dropped);
    part(TargetState::kDuplicate, all.duplicates);
    part(TargetState::kInvalid, all.invalid);
  });
  if (snapshot.hand_overs_open > 0) {
    WriteFact("Being handed over", snapshot.hand_overs_open, html);
  }
  if (snapshot.config) {
    const Config& config = *snapshot.config;
    WriteFact("Strategy", ToString(config.strategy), html);
    WriteFact("Configuration", config.path, html);
  }
  EndFacts(html);
}

void WriteRest(std::size_t total, const Href& all, HtmlWriter& html) {
  if (total <= kPageRows) return;
  html.Raw("<p class=\"pager\">and ").Number(total - kPageRows).Raw(" more: ");
  html.Link(all, "all of them").Raw("</p>\n");
}

}  // namespace

Response IndexPage(const Context& context) {
  const Snapshot& snapshot = context.snapshot;
  return PageResponse(context, 200, "Overview", [&](HtmlWriter& html) {
    WriteState(snapshot, html);
    WriteProblems(snapshot, html);
    html.Raw("<h2>Find targets</h2>\n");
    html.Raw("<form method=\"get\" action=\"").Address(Href("debug/targets"));
    html.Raw(
        "\"><label>A part of the address <input name=\"address\" "
        "type=\"search\"></label> <button>Find</button></form>\n");
    html.Raw("<h2>Collectors</h2>\n");
    WriteCollectorTable(context, Window(), html);
    WriteRest(snapshot.members.size(), Href("debug/collectors"), html);
    html.Raw("<h2>Jobs</h2>\n");
    WriteJobTable(snapshot, Window(), html);
    WriteRest(snapshot.jobs.size(), Href("debug/jobs"), html);
  });
}

}  // namespace ta
