#include "allocator/change_log.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "allocator/base/log.h"

namespace ta {
namespace {

std::size_t TargetsOf(const Snapshot& snapshot) {
  std::size_t targets = 0;
  for (const auto& job : snapshot.jobs) {
    targets += job->counts.assigned + job->counts.unassigned;
  }
  return targets;
}

}  // namespace

TimePoint ChangeLog::Saw(const Snapshot& snapshot, TimePoint now) {
  SawMembers(snapshot);
  SawStrangers(snapshot);
  SawReadiness(snapshot);
  return SawJobs(snapshot, now);
}

void ChangeLog::SawReadiness(const Snapshot& snapshot) {
  if (snapshot.ready && !ready_) {
    ready_ = true;
    Log(Level::kInfo, "ready",
        {{"jobs", snapshot.jobs.size()},
         {"targets", TargetsOf(snapshot)},
         {"collectors", snapshot.LiveMembers()}});
  }
  if (snapshot.targets_served != served_) {
    served_ = snapshot.targets_served;
    if (served_) {
      Log(Level::kInfo, "serving targets",
          {{"targets", TargetsOf(snapshot)},
           {"collectors", snapshot.LiveMembers()}});
    } else {
      Log(Level::kWarn, "targets are answered 503",
          {{"reason", snapshot.targets_wait}});
    }
  }
}

TimePoint ChangeLog::SawJobs(const Snapshot& snapshot, TimePoint now) {
  std::map<std::string, NotSynced> not_synced;
  TimePoint again = TimePoint::max();
  // Before it is ready every job is waited for; after it, these were left out.
  if (snapshot.ready) {
    for (const std::string& job : snapshot.jobs_not_synced) {
      const auto before = not_synced_.find(job);
      NotSynced& state = not_synced[job];
      state = before != not_synced_.end() ? before->second : NotSynced{now};
      if (state.logged) continue;
      if (now - state.since < kPatience) {
        again = std::min(again, state.since + kPatience);
        continue;
      }
      Log(Level::kWarn, "job is not synced and answered 503", {{"job", job}});
      state.logged = true;
    }
  }
  for (const auto& [job, state] : not_synced_) {
    if (state.logged && !not_synced.contains(job)) {
      Log(Level::kInfo, "job is synced", {{"job", job}});
    }
  }
  not_synced_ = std::move(not_synced);
  return again;
}

void ChangeLog::SawMembers(const Snapshot& snapshot) {
  if (!SameMembers(members_, snapshot.members)) {
    std::map<std::string_view, MemberView::State> before;
    for (const MemberView& member : members_)
      before.emplace(member.name, member.state);
    for (const MemberView& member : snapshot.members) {
      const auto found = before.find(member.name);
      if (found == before.end()) {
        Log(Level::kInfo, "collector joined",
            {{"collector", member.name}, {"state", ToString(member.state)}});
        continue;
      }
      if (found->second != member.state) {
        Log(Level::kInfo, "collector changed",
            {{"collector", member.name},
             {"state", ToString(member.state)},
             {"reason", member.reason}});
      }
      before.erase(found);
    }
    for (const auto& [name, state] : before)
      Log(Level::kInfo, "collector is gone", {{"collector", name}});
  }
  members_ = snapshot.members;
  if (snapshot.members_problem != members_problem_) {
    members_problem_ = snapshot.members_problem;
    if (!members_problem_.empty()) {
      Log(Level::kWarn, "problem with the list of collectors",
          {{"err", members_problem_}});
    } else {
      Log(Level::kInfo, "problem with the list of collectors is over");
    }
  }
}

void ChangeLog::SawStrangers(const Snapshot& snapshot) {
  if (snapshot.strangers == strangers_) return;
  for (const std::string& name : snapshot.strangers) {
    if (!std::ranges::binary_search(strangers_, name)) {
      Log(Level::kWarn, "asks for targets, but is no member",
          {{"collector", name}});
    }
  }
  strangers_ = snapshot.strangers;
}

bool SameMembers(const SharedBlocks<MemberView>& a,
                 const SharedBlocks<MemberView>& b) {
  return a.EqualTo(b, [](const MemberView& x, const MemberView& y) {
    return x.name == y.name && x.state == y.state;
  });
}

}  // namespace ta
