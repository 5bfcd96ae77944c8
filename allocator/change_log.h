// Logs what changed from one snapshot to the next: readiness, members,
// problems. The core says all of it as values; here it becomes lines, one a
// change.

#pragma once

#include <map>
#include <set>
#include <string>

#include "allocator/snapshot.h"

namespace ta {

// Confined to one thread, the service's.
class ChangeLog {
 public:
  void Saw(const Snapshot& snapshot);

 private:
  void SawReadiness(const Snapshot& snapshot);
  void SawMembers(const Snapshot& snapshot);
  void SawStrangers(const Snapshot& snapshot);

  bool ready_ = false;
  bool served_ = false;
  std::set<std::string> not_synced_;
  std::map<std::string, MemberView::State> members_;
  std::string members_problem_;
  std::set<std::string> strangers_;  // ever logged
};

}  // namespace ta
