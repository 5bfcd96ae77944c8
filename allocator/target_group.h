// A target group: what a discoverer sends. A group replaces the one with its
// source, whole; a group without targets removes it.

#pragma once

#include <string>
#include <vector>

#include "allocator/labels.h"

namespace ta {

// A target that its discoverer could read but not accept, such as one with an
// invalid label name. It is left out, with its reason; the group goes on.
struct InvalidTarget {
  std::string what;    // its address, or how else to find it; no secret
  std::string reason;  // lower case, no full stop

  bool operator==(const InvalidTarget&) const = default;
};

// Exactly as discovered: no seeds, nothing relabeled. Target labels win over
// group labels of the same name. Value type.
struct TargetGroup {
  std::string source;           // unique within its discoverer
  Labels labels;                // common to all targets
  std::vector<Labels> targets;  // each has its own, with __address__
  std::vector<InvalidTarget> invalid;

  bool operator==(const TargetGroup&) const = default;
};

}  // namespace ta
