// The scrape configs, as collectors are told them, but for their secrets.

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "api/json.h"
#include "api/pages/page.h"
#include "api/pages/pages.h"
#include "api/pages/pretty_json.h"

namespace ta {
namespace {

// Scrape configs on one page, and bytes that are shown of each: a static list
// of targets in one may be megabytes.
constexpr std::size_t kConfigs = 20;
constexpr std::size_t kConfigBytes = 64 << 10;

void WriteConfig(std::string_view job, std::string_view json,
                 HtmlWriter& html) {
  html.Raw("<h2>").Link(JobHref(job), job).Raw("</h2>\n<pre>");
  const std::string text = PrettyJson(json, kConfigBytes);
  // Line by line: Text shows ends of lines as what they are in a value.
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    html.Text(rest.substr(0, end), kConfigBytes).Raw("\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  html.Raw("</pre>\n");
  if (text.size() >= kConfigBytes) {
    html.Raw("<p class=\"dim\">It goes on; all of it is in the JSON of ");
    html.Link(Href("scrape_configs"), "/scrape_configs").Raw(".</p>\n");
  }
}

}  // namespace

Response ScrapeConfigsPage(const Context& context) {
  const Snapshot& snapshot = context.snapshot;
  if (!snapshot.configured || !snapshot.config) {
    return ErrorPage(
        context, 503,
        OrElse(snapshot.waiting_for, "No configuration is loaded yet."));
  }
  const auto window = ReadWindow(context.query, kConfigs);
  if (!window) return ErrorPage(context, 400, kPageIsNoNumber);
  const auto& jobs = snapshot.config->jobs;
  const std::string_view wanted = context.query.First("job_id").value_or("");
  // Both are by name.
  const auto values = ValuesOf(snapshot.config->MaskedScrapeConfigs());
  const std::size_t total = std::min(jobs.size(), values.size());
  if (wanted.empty()) {
    return PageResponse(context, 200, "Scrape configs", [&](HtmlWriter& html) {
      if (total == 0) html.Raw("<p>There are none.</p>\n");
      for (std::size_t i = window->first(total);
           i < window->last(total) && !html.refused(); ++i) {
        WriteConfig(jobs[i]->job_name, values[i], html);
      }
      WritePager(*window, total, Href("debug/scrape_configs"), html);
    });
  }
  for (std::size_t i = 0; i < total; ++i) {
    if (jobs[i]->job_name != wanted) continue;
    return PageResponse(context, 200, "Scrape config", [&](HtmlWriter& html) {
      WriteConfig(wanted, values[i], html);
    });
  }
  return ErrorPage(context, 404, fmt::format("There is no job {}.", wanted));
}

}  // namespace ta
