// How patient one is with files: the same for targets, collectors and the
// configuration.

#pragma once

#include <chrono>

#include "allocator/base/clock.h"

namespace ta {

// How long a file may look half-written before that counts as its content, and
// how often it is looked at meanwhile.
inline constexpr Duration kReportAfter = std::chrono::milliseconds(500);
inline constexpr Duration kRetrySoon = std::chrono::milliseconds(100);
// A bad file may become good without an event (a mount, a directory's mode).
inline constexpr Duration kRetryBad = std::chrono::seconds(5);
// Files without a configured interval, on file systems that tell of no change,
// such as NFS.
inline constexpr Duration kRefresh = std::chrono::seconds(60);

}  // namespace ta
