// Pods as a source of members sees them.

#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "allocator/members_key.h"
#include "allocator/membership.h"
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

// Members as a source of pods tells of them, on a clock of seconds.
class PodMembership {
 public:
  using List = std::vector<MemberObservation>;

  PodMembership() { membership_.Configure(config_, At(0)); }

  static TimePoint At(int second) {
    return TimePoint(std::chrono::hours(1)) + std::chrono::seconds(second);
  }

 protected:
  // What was gone by it.
  std::vector<MemberId> Observe(const List& list, int second,
                                std::vector<std::string> ended = {}) {
    MembersUpdate update;
    update.source = MembersKey(config_);
    update.members = list;
    update.ended_pods = std::move(ended);
    membership_.Observe(update, At(second));
    return membership_.Advance(At(second));
  }
  std::vector<MemberId> Poll(const std::string& name, int second) {
    membership_.Polled(
        {name, "job", std::nullopt, std::chrono::seconds(0), At(second)});
    return membership_.Advance(At(second));
  }
  const Membership::Member& Member(const std::string& name) const {
    return membership_.members().at(name);
  }

  MembersConfig config_ = PodMembers{true, "x"};
  Membership membership_;
};

}  // namespace ta::test
