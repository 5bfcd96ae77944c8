// The name of a source of members: equal configurations have equal keys, so an
// answer can be told from one of a source that was replaced.

#pragma once

#include <string>

#include "allocator/config/config.h"

namespace ta {

// For example "file:/etc/collectors.yaml" or "polling". A static list is its
// own answer, so the list is part of its key; so is a poll timeout of polling.
std::string MembersKey(const MembersConfig& config);

}  // namespace ta
