// The pages for people, one file each. Those that the Go allocator has are at
// its paths and take its parameters. Each is a function of its context, as the
// handlers of handlers.h are.

#pragma once

#include "api/handlers.h"

namespace ta {

// / : the state of everything in one look.
Response IndexPage(const Context& context);
// /debug/collectors?page= : all of them.
Response CollectorsPage(const Context& context);
// /debug/collector?collector_id=&page= : one, with its targets.
Response CollectorPage(const Context& context);
// /debug/jobs?page=, and /jobs for browsers.
Response JobsPage(const Context& context);
// /debug/job?job_id=&page= : where its targets went, and why others did not.
Response JobPage(const Context& context);
// /debug/targets?job_id=&collector_id=&state=&rule=&address=&page= : every
// discovered target.
Response TargetsPage(const Context& context);
// /debug/target?target_hash=&job_id= : one that is served, rule by rule, and
// why it is where it is; with `unserved` instead of `target_hash`, one that
// isn't.
Response TargetPage(const Context& context);
// /debug/scrape_configs?job_id=&page=, and /scrape_configs for browsers. Never
// tells a secret, whoever asks and whatever the plain port may.
Response ScrapeConfigsPage(const Context& context);

}  // namespace ta
