// A list of collectors, as `collectors.static` has it and as a watched file
// holds it, in YAML or JSON: names, or maps with `name` and `node`.

#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "allocator/config/config.h"
#include "allocator/config/mistake.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// Reads a list node. Says every mistake: empty and duplicate names, those that
// CheckCollectorName refuses, a `weight`, elements that are neither text nor a
// map. In the order of the list.
std::vector<StaticCollector> ReadCollectors(const YamlNode& list,
                                            const Path& path,
                                            SchemaReader& reader);

// Reads a whole file; unknown keys are mistakes. A file without a list is one
// too (it may be half written); no collectors at all are written as `[]`.
std::expected<std::vector<StaticCollector>, Mistakes> ParseCollectorsFile(
    std::string_view file, std::string_view text);

}  // namespace ta
