// The allocator's own settings: from their record, the environment and the
// flags to the plain fields of Config.

#pragma once

#include <string>

#include "allocator/config/config.h"
#include "allocator/config/load.h"
#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// Where the settings come from when the file doesn't name its collectors.
enum class DefaultMembers { kPods, kPolling };

// Fills in everything of `config` but jobs, scrape configs and unknown keys.
// `own` is OwnRecord() as read; of a Prometheus file, its defaults. Says every
// mistake; what is accepted but does nothing yet is a warning.
void ApplyOwnConfig(const Value& own, DefaultMembers members,
                    const LoadOptions& options, const std::string& folder,
                    SchemaReader& reader, Config& config);

}  // namespace ta
