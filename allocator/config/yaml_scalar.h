// What a YAML 1.1 scalar means, as Go's yaml.v2 resolves it: `yes` is true,
// `010` is eight, `~` is null. A field that wants a string takes the raw text
// instead and never comes here, so that `yes` stays "yes".

#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "allocator/config/yaml_tree.h"

namespace ta {

// std::monostate is null; integers above int64 are unsigned; what is nothing
// else is its own text (timestamps too, as Go gives them to untyped fields).
// The view lives as long as the tree.
using YamlScalar = std::variant<std::monostate, bool, std::int64_t,
                                std::uint64_t, double, std::string_view>;

// Quoted scalars, blocks and those tagged !!str are always text.
// REQUIRES: node is a scalar or null.
YamlScalar ResolveScalar(const YamlNode& node);

// Can the node be what its tag says? False for `!!int abc`; true without tag.
bool FitsItsTag(const YamlNode& node);

// What a node is, for messages about one that should be a map or a list:
// "text", "a number", "true or false", "nothing", "a list", "a map". Never what
// it says: a password may stand where the map that holds it belongs.
std::string_view KindOf(const YamlNode& node);

}  // namespace ta
