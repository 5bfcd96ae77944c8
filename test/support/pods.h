// Pods as a source of members sees them.

#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "allocator/updates.h"

namespace ta::test {

// A pod that runs and is ready. The calls change one thing each.
class PodOf {
 public:
  explicit PodOf(std::string name, std::string uid = "")
      : seen_{std::move(name), "", PodObservation{}} {
    seen_.pod->uid = uid.empty() ? "uid-" + seen_.name : std::move(uid);
    seen_.pod->phase = "Running";
    seen_.pod->ready = true;
  }
  PodOf& On(std::string node) {
    seen_.node = std::move(node);
    return *this;
  }
  PodOf& NotReady(std::chrono::seconds for_so_long = {}) {
    seen_.pod->ready = false;
    seen_.pod->not_ready_for = for_so_long;
    return *this;
  }
  PodOf& Phase(std::string phase) {
    if (phase != "Running") seen_.pod->ready = false;
    seen_.pod->phase = std::move(phase);
    return *this;
  }
  PodOf& Deleted() {
    seen_.pod->deleted = true;
    return *this;
  }
  // NOLINTNEXTLINE(google-explicit-constructor): lists are written by it
  operator MemberObservation() const { return seen_; }

 private:
  MemberObservation seen_;
};

}  // namespace ta::test
