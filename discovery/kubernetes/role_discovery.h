// One kubernetes_sd_configs entry at work: watches what its role needs in each
// of its namespaces, and sends the role's groups. First all of them together,
// once every list is in; from then on those that a change has touched.

#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator/base/stage_stats.h"
#include "allocator/target_group.h"
#include "discovery/kubernetes/deferred.h"
#include "discovery/kubernetes/role.h"
#include "discovery/kubernetes/watch_pool.h"

namespace ta::kubernetes {

// What is sent, for a DiscoveryUpdate.
struct RoleUpdate {
  std::vector<TargetGroup> groups;
  bool synced = false;  // never goes back
  std::string problem;  // of a watch, as it is now; "" if all do well
};

// Confined to the thread of its pool, which outlives it.
class RoleDiscovery final : private StoreListener,
                            private SharedWatch::Observer {
 public:
  using Send = std::function<void(RoleUpdate)>;
  // `namespaces`: {""} for all; equal ones count once. `building`, if it is
  // there, outlives this and counts what building groups takes.
  RoleDiscovery(const RoleConfig& config,
                const std::vector<std::string>& namespaces, WatchPool& pool,
                Send send, Deferred::Defer defer,
                StageStats* building = nullptr);
  // Nothing is sent any more.
  ~RoleDiscovery() override;
  RoleDiscovery(const RoleDiscovery&) = delete;
  RoleDiscovery& operator=(const RoleDiscovery&) = delete;

  bool synced() const { return synced_; }

 private:
  // The role in one namespace.
  struct Part {
    std::unique_ptr<Role> role;
    std::set<std::string, std::less<>> touched;  // keys; once it is synced
  };

  void Changed(const Store& store, const Object* before,
               const Object* now) override;
  void Settled(const Store& store) override;
  void Stepped(const SharedWatch& watch) override;
  void Flush();
  std::vector<TargetGroup> AllGroups() const;
  std::vector<TargetGroup> TouchedGroups();
  std::string Problem() const;

  const Send send_;
  StageStats* const building_;
  std::vector<std::shared_ptr<SharedWatch>> watches_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::unordered_map<const Store*, std::vector<Part*>> parts_of_;
  bool synced_ = false;  // everything was sent once
  std::string problem_;  // as it was sent
  Deferred flush_;
};

}  // namespace ta::kubernetes
