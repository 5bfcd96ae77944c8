// What flows into the allocator, as values: from discovery, from the sources of
// members, and back from the API. Whoever makes one hands it to the service's
// queue and forgets it.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "allocator/base/clock.h"
#include "allocator/target_group.h"

namespace ta {

// One step of a discoverer. All of its groups become visible together.
struct DiscoveryUpdate {
  std::string discoverer;           // DiscoveryConfig::key
  std::vector<TargetGroup> groups;  // each replaces the one with its source
  // Which of those that were started, in order, sent it: tells one that was
  // stopped from its successor with the same key. 0 if not said.
  std::uint64_t instance = 0;
  // The first complete answer is in, this update included. Never goes back.
  bool synced = false;
  // Not synced, but all that can be read is in, and there is some: good enough
  // once sync_timeout is over. `problem` says what is missing.
  bool partial = false;
  // What is wrong now, "" if nothing; shown, and the reason while not synced.
  std::string problem;
};

// What a pod says of itself at the moment that it was observed.
struct PodObservation {
  std::string uid;
  std::string phase;     // "Running", "Pending", …; "" if not said
  bool deleted = false;  // it is being deleted: has a deletion timestamp
  bool ready = false;
  // How long it has not been ready by its own account, from the wall clock
  // then; may be anything. 0 if it is ready, or does not say.
  Duration not_ready_for{0};

  bool operator==(const PodObservation&) const = default;
};

// A collector as its source sees it.
struct MemberObservation {
  std::string name;
  std::string node;                        // "" if not known
  std::optional<PodObservation> pod = {};  // if it is one
  bool operator==(const MemberObservation&) const = default;
};

// The complete list of one source of members; replaces the one before. An
// update that is not `complete` only reports a problem, and changes no member.
struct MembersUpdate {
  std::string source;  // MembersKey() of the configuration that it answers
  std::vector<MemberObservation> members;
  bool complete = true;
  std::string problem;  // "" if nothing
  // uids of pods that were being deleted and whose objects are gone now: their
  // processes have ended. One that is merely not listed may run on.
  std::vector<std::string> ended_pods = {};
};

// A scraper's GET of one job's targets under one collector_id. A request is a
// scraper's if it carries X-Prometheus-Refresh-Interval-Seconds, or our
// sidecar's header; a curl is none.
struct Poll {
  std::string collector;
  std::string job;
  // The generation whose targets were sent in full (200) or confirmed (304);
  // nothing when the answer was an error or was cut.
  std::optional<std::uint64_t> sent_generation;
  std::chrono::milliseconds refresh_interval{0};  // 0 if not said
  TimePoint at;
};

// How the last attempt to load the configuration went.
struct ReloadStatus {
  bool successful = true;
  std::int64_t unix_seconds = 0;      // of the last successful one
  std::vector<std::string> mistakes;  // one line each, when it failed
};

}  // namespace ta
