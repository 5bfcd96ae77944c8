// The command `explain`: what becomes of one target. A running allocator is
// asked over HTTP, or a configuration's rules are applied here.

#pragma once

#include <string>

#include "allocator/base/result.h"
#include "allocator/cli.h"
#include "allocator/config/config.h"
#include "allocator/labels.h"

namespace ta {

// The labels of --labels, or of --address. An error tells what is wrong with
// the JSON: it must be an object whose values are strings.
Result<Labels> ExplainedLabels(const CommandLine& line);

// Applies the job's rules of `config`. kRefused if there is no such job.
CommandOutput ExplainOffline(const CommandLine& line, const Labels& labels,
                             const Config& config);

// Asks line.server. Blocks for at most some seconds. kRefused if it knows no
// such target, kFailed if it does not answer.
CommandOutput ExplainOnline(const CommandLine& line, const Labels& labels);

}  // namespace ta
