// How the allocator is timed though it has no clock: it tells where one stage
// of Apply ends and the next begins, and who wants to know what a stage costs
// takes the time when told. A few calls for each Apply, never one for each
// target.

#pragma once

#include <cstddef>
#include <cstdint>

namespace ta {

// The stages that an Apply goes through. One that had nothing to do did not
// run, and is not told: the counts say what work there was.
enum class Stage : std::uint8_t {
  // Takes in groups and rules: compares, relabels what differs, and finds out
  // which targets came, went or changed. Items: targets relabeled.
  kRelabel,
  // Places targets, opens and ends hand-overs. Items: targets that the strategy
  // gave to somebody, or to nobody.
  kAssign,
  // Makes the lists that changed, and the snapshot. Items: those lists.
  kSnapshot,
};
inline constexpr std::size_t kStages = 3;

// Called by Apply, on its thread.
class StageTimer {
 public:
  virtual ~StageTimer() = default;
  // All since the last call was `stage`, which had so many items. An Apply may
  // tell a stage in parts, whose times and items add up.
  virtual void Ran(Stage stage, std::uint64_t items) = 0;
  // All since the last call was no stage's. Every Apply begins with it.
  virtual void Passed() = 0;
};

}  // namespace ta
