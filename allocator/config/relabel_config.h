// Relabel rules of a scrape config: checked, and as plain RelabelConfigs.

#pragma once

#include <string_view>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// Says what is wrong with the rules in the field `name` of a scrape config,
// each at its own place. `legacy`: label names must be [a-zA-Z_][a-zA-Z0-9_]*.
// False if there was something.
bool CheckRelabelConfigs(const Value& scrape_config, std::string_view name,
                         bool legacy, const Path& path, SchemaReader& reader);

// The rules as plain structs. REQUIRES: CheckRelabelConfigs said they are good
std::vector<RelabelConfig> RelabelConfigsOf(const Value& rules, bool legacy);

// Is `name` a label name as it was before UTF-8 names?
bool IsLegacyLabelName(std::string_view name);

}  // namespace ta
