// Reads a YAML list of target groups, whole: YAML has no cheap way to tell
// which part of a text changed. Large files should be JSON.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "allocator/base/result.h"
#include "discovery/group_text.h"

namespace ta {

// Calls `changed` for each group that differs from the one with the same index
// in `before`, and returns the marks of all groups. `file` is for messages,
// which name line and column. After an error what was called is void.
//
// What is valid, and what it means, is as in Prometheus 3 (targetgroup.Group
// through yaml.UnmarshalStrict): unknown fields and duplicate keys are errors,
// scalars are taken as they are written, an empty text has no groups. Known
// differences: an invalid label name doesn't reject the file (group_text.h), a
// second document is an error, !!binary is not decoded.
Result<std::vector<GroupMark>> ReadYamlGroups(
    std::string_view file, std::string_view text,
    const std::vector<GroupMark>& before, const ChangedGroup& changed);

}  // namespace ta
