// Reads a JSON list of target groups, of any length, through a window of
// moderate size, and parses only the groups that changed.

#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "allocator/base/result.h"
#include "discovery/group_text.h"

namespace ta {

// Up to `size` bytes of the text to `to`; 0 at its end.
using ByteSource =
    std::function<Result<std::size_t>(char* to, std::size_t size)>;

// Calls `changed` for each group that differs from the one with the same index
// in `before`, and returns the marks of all groups, for the next time. After an
// error, which names the group and the byte, what was called is void.
//
// Linear in the text; an unchanged group costs a hash of its bytes (about 20
// GB/s), a changed one its parsing. Memory is the largest group's, and the
// marks'. A group's size is limited to 1 GiB.
//
// What is valid, and what it means, is as in Prometheus 3 (targetgroup.Group
// through Go's encoding/json): field names in any case, no others, of equal
// fields the last, null for what is left out, bytes that are no UTF-8 become
// U+FFFD. Known differences: an invalid label name doesn't reject the file
// (group_text.h), half a surrogate pair does.
Result<std::vector<GroupMark>> ReadJsonGroups(
    const ByteSource& source, const std::vector<GroupMark>& before,
    const ChangedGroup& changed);

}  // namespace ta
