// Which names a collector may have. One rule for those that ask, those that the
// configuration lists and those that were remembered, because each ends up in
// metric labels, log lines and file names of other systems.

#pragma once

#include <cstddef>
#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// A DNS subdomain name, which the name of a pod is, has at most 253 bytes.
inline constexpr std::size_t kLongestCollectorName = 253;

// Whether `name` is UTF-8 without control characters (C0, DEL, C1), not empty
// and not too long. The error is for people; it says what is wrong and does not
// show the name.
Result<void> CheckCollectorName(std::string_view name);

}  // namespace ta
