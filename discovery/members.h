// Where the collectors come from, other than by who polls.

#pragma once

#include <memory>

#include "allocator/base/result.h"
#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/file_watch.h"

namespace ta {

namespace kubernetes {
class Hub;
}

// What sends the members of `config`; null where nothing is to be waited for
// (polling). A static list is sent, complete, by Start. `watch`, `hub` and
// `sink` outlive the result.
std::unique_ptr<Discoverer> MakeMembersSource(const MembersConfig& config,
                                              FileWatch* watch,
                                              kubernetes::Hub* hub,
                                              UpdateSink* sink);

// Can members of this kind be found where this process runs? For the start,
// which ends otherwise: an error names `collectors` and says what to write.
Result<void> CheckMembersSource(const MembersConfig& config);

}  // namespace ta
