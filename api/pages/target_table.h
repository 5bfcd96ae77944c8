// A table of discovered targets, as several pages show it.

#pragma once

#include <string>
#include <vector>

#include "api/pages/html.h"
#include "api/pages/target_rows.h"

namespace ta {

// The page of the target in `row`.
Href TargetHref(const TargetRow& row);
// Why nobody, or who else, scrapes it: a clause; "" where there is nothing to
// say.
std::string ReasonOf(const Snapshot& snapshot, const TargetRow& row);

// Job, address, state, collector, reason, and the endpoint slices of those that
// have one.
void WriteTargetTable(const Snapshot& snapshot,
                      const std::vector<TargetRow>& rows, HtmlWriter& html);

}  // namespace ta
