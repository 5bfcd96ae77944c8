// Where the collectors come from, other than by who polls.

#pragma once

#include <memory>

#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/file_watch.h"

namespace ta {

// What sends the members of `config`; null where nothing is to be waited for
// (polling) or it is not implemented (pods). A static list is sent, complete,
// by Start. `watch` and `sink` outlive the result.
std::unique_ptr<Discoverer> MakeMembersSource(const MembersConfig& config,
                                              FileWatch* watch,
                                              UpdateSink* sink);

}  // namespace ta
