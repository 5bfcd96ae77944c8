// Logs what changed from one snapshot to the next: readiness, members,
// problems. The core says all of it as values; here it becomes lines, one a
// change.

#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/snapshot.h"

namespace ta {

// The same names in the same states? Costs the members of blocks that are not
// shared: of those whose loads changed.
bool SameMembers(const SharedBlocks<MemberView>& a,
                 const SharedBlocks<MemberView>& b);

// Confined to one thread, the service's.
class ChangeLog {
 public:
  // A job of a reload has no answer of its discoverers for a moment, always.
  // Only what lasts longer is logged.
  static constexpr Duration kPatience = std::chrono::seconds(1);

  // Returns when it wants to be shown the snapshot of that time, if no newer
  // one has come by then; max() for never.
  TimePoint Saw(const Snapshot& snapshot, TimePoint now);

 private:
  void SawReadiness(const Snapshot& snapshot);
  TimePoint SawJobs(const Snapshot& snapshot, TimePoint now);
  void SawMembers(const Snapshot& snapshot);
  void SawStrangers(const Snapshot& snapshot);

  bool ready_ = false;
  bool served_ = false;
  struct NotSynced {
    TimePoint since;
    bool logged = false;
  };
  std::map<std::string, NotSynced> not_synced_;  // by job
  SharedBlocks<MemberView> members_;             // of the snapshot before
  std::string members_problem_;
  std::vector<std::string> strangers_;  // of the snapshot before
};

}  // namespace ta
