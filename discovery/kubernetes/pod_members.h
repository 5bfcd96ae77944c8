// Collectors as pods: what the pods of one scope say of themselves, as lists of
// members. Who of them may own targets is the membership's affair.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "allocator/updates.h"
#include "discovery/kubernetes/deferred.h"
#include "discovery/kubernetes/watch_pool.h"

namespace ta::kubernetes {

// Watches one scope of pods and sends the complete list, once the store has
// one, and each time that something of it changed that members are judged by.
// A watch that fails sends its problem and no list. Pods of one name in several
// namespaces can't be told apart by who asks: the one in the first namespace
// counts, and the others are a problem that is said.
//
// Confined to the thread of its pool, which outlives it.
class PodMembersFeed final : private StoreListener,
                             private SharedWatch::Observer {
 public:
  using Send = std::function<void(MembersUpdate)>;
  // The wall clock: pods say by it since when they are not ready.
  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  // `source` is the updates'. REQUIRES: scope.resource == Resource::kPods
  PodMembersFeed(std::string source, const Scope& scope, WatchPool& pool,
                 Send send, Deferred::Defer defer,
                 WallClock now = std::chrono::system_clock::now);
  // Nothing is sent any more.
  ~PodMembersFeed() override;
  PodMembersFeed(const PodMembersFeed&) = delete;
  PodMembersFeed& operator=(const PodMembersFeed&) = delete;

 private:
  void Changed(const Store& store, const Object* before,
               const Object* now) override;
  void Settled(const Store& store) override;
  void Stepped(const SharedWatch& watch) override;
  void Flush();
  // By namespace and name; names that stand twice go to `twice`.
  std::vector<MemberObservation> List(std::string& twice) const;

  const std::string source_;
  const Send send_;
  const WallClock now_;
  const std::shared_ptr<SharedWatch> watch_;
  std::vector<std::string> ended_;  // since the last list that was sent
  bool sent_any_ = false;           // a list
  std::vector<MemberObservation> sent_;
  std::string problem_;  // as it was sent
  Deferred flush_;
};

}  // namespace ta::kubernetes
