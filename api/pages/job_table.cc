#include "api/pages/job_table.h"

namespace ta {

void WriteJobTable(const Snapshot& snapshot, const Window& window,
                   HtmlWriter& html) {
  if (snapshot.jobs.empty()) {
    html.Raw("<p>There are no jobs.</p>\n");
    return;
  }
  html.BeginTable({{"Job"},
                   {"Target Count", Column::Kind::kNumber},
                   {"Unassigned", Column::Kind::kNumber},
                   {"Dropped", Column::Kind::kNumber},
                   {"Duplicates", Column::Kind::kNumber},
                   {"Invalid", Column::Kind::kNumber},
                   {"Waiting for"}});
  const std::size_t first = window.first(snapshot.jobs.size());
  const std::size_t last = window.last(snapshot.jobs.size());
  for (std::size_t i = first; i < last; ++i) {
    const JobView& job = *snapshot.jobs[i];
    const JobCounts& counts = job.counts;
    html.BeginRow().Cell(JobHref(job.name()), job.name());
    html.Cell(counts.assigned + counts.unassigned).Cell(counts.unassigned);
    html.Cell(counts.dropped).Cell(counts.duplicates).Cell(counts.invalid);
    html.Cell(job.waiting_for).EndRow();
  }
  html.EndTable();
}

}  // namespace ta
