// A discoverer waits on one part of the world and sends what it finds, as whole
// target groups, until it is stopped.

#pragma once

#include "allocator/updates.h"

namespace ta {

// Where updates go: into the service's queue. Thread-safe, never blocks.
class UpdateSink {
 public:
  virtual ~UpdateSink() = default;
  virtual void Discovered(DiscoveryUpdate update) = 0;
  virtual void Members(MembersUpdate update) = 0;
};

// One running discovery mechanism, shared by all jobs with an equal
// configuration. Sends whole values only: a failed read sends no group, so that
// what is served stays as it was. Construction does no I/O.
class Discoverer {
 public:
  virtual ~Discoverer() = default;  // REQUIRES: stopped, or never started
  // Begins to send. Returns at once. REQUIRES: called once.
  virtual void Start() = 0;
  // No update is sent after Stop() has returned. Idempotent, any thread but a
  // callback of its own.
  virtual void Stop() = 0;
};

}  // namespace ta
