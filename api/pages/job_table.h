// A table of jobs, with what became of their targets.

#pragma once

#include "allocator/snapshot.h"
#include "api/pages/page.h"

namespace ta {

// The rows of `window`; says so where there are no jobs.
void WriteJobTable(const Snapshot& snapshot, const Window& window,
                   HtmlWriter& html);

}  // namespace ta
