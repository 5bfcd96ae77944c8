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

// A job; never reused.
using JobId = std::uint32_t;

}  // namespace ta
