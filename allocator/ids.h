// Dense numbers that stand for things inside one allocator. They mean nothing
// outside of it: what is served, ordered or hashed uses names and TargetIds.

#pragma once

#include <cstdint>

namespace ta {

// A member, as long as the process runs: a collector that is gone and comes
// back under its name gets a new one.
using MemberId = std::uint32_t;
inline constexpr MemberId kNoMember = 0xffffffff;

// A live target; reused once the target is gone.
using Slot = std::uint32_t;

// A job; never reused, so this many may come and go in one process. Where there
// is one for each target it is packed into 30 bits.
using JobId = std::uint32_t;
inline constexpr JobId kMaxJobs = 1u << 30;

}  // namespace ta
