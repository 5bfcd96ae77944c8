#include "discovery/kubernetes/role_discovery.h"

#include <algorithm>
#include <utility>

namespace ta::kubernetes {

RoleDiscovery::RoleDiscovery(const RoleConfig& config,
                             const std::vector<std::string>& namespaces,
                             WatchPool& pool, Send send, Deferred::Defer defer,
                             StageStats* building)
    : send_(std::move(send)),
      building_(building),
      flush_(std::move(defer), [this] { Flush(); }) {
  for (const std::string& ns :
       std::set<std::string>(namespaces.begin(), namespaces.end())) {
    parts_.push_back(std::make_unique<Part>());
    Part& part = *parts_.back();
    RoleStores stores;
    for (const Scope& scope : ScopesOf(config, ns)) {
      auto watch = pool.Acquire(scope);
      Store& store = watch->store();
      stores[scope.resource] = &store;
      auto& parts = parts_of_[&store];
      parts.push_back(&part);
      if (parts.size() > 1) continue;  // nodes, seen from each namespace
      store.AddListener(this);
      watch->AddObserver(this);
      watches_.push_back(std::move(watch));
    }
    part.role = std::make_unique<Role>(config.kind, config.attach, stores);
  }
  flush_.Soon();  // others may have filled the stores already
}

RoleDiscovery::~RoleDiscovery() {
  for (const auto& watch : watches_) {
    watch->store().RemoveListener(this);
    watch->RemoveObserver(this);
  }
}

void RoleDiscovery::Changed(const Store& store, const Object* before,
                            const Object* now) {
  if (!synced_) return;  // all will be sent anyway
  for (Part* part : parts_of_.at(&store)) {
    part->role->Touched(before, now, [&](std::string_view key) {
      if (!part->touched.contains(key)) part->touched.emplace(key);
    });
  }
}

void RoleDiscovery::Settled(const Store&) { flush_.Soon(); }

void RoleDiscovery::Stepped(const SharedWatch&) {
  if (Problem() != problem_) flush_.Soon();
}

void RoleDiscovery::Flush() {
  RoleUpdate update;
  StageRun run(building_);
  if (synced_) {
    update.groups = TouchedGroups();
  } else if (std::ranges::all_of(parts_, [](const auto& part) {
               return part->role->synced();
             })) {
    synced_ = true;
    update.groups = AllGroups();
    update.synced = true;
  }
  if (!update.groups.empty()) run.Ended(update.groups.size());
  const bool news = update.synced || !update.groups.empty();
  update.synced = synced_;
  update.problem = Problem();
  if (!news && update.problem == problem_) return;
  problem_ = update.problem;
  send_(std::move(update));
}

std::vector<TargetGroup> RoleDiscovery::AllGroups() const {
  std::vector<TargetGroup> groups;
  for (const auto& part : parts_) {
    const Role& role = *part->role;
    role.main().ForEach([&](const Object& object) {
      groups.push_back(role.Build(object.key));
    });
  }
  std::ranges::sort(groups, {}, &TargetGroup::source);
  return groups;
}

std::vector<TargetGroup> RoleDiscovery::TouchedGroups() {
  std::vector<TargetGroup> groups;
  for (const auto& part : parts_) {
    for (const std::string& key : std::exchange(part->touched, {})) {
      groups.push_back(part->role->Build(key));
    }
  }
  return groups;
}

std::string RoleDiscovery::Problem() const {
  for (const auto& watch : watches_) {
    const std::string& problem = watch->health().problem;
    if (problem.empty()) continue;
    const Role& role = *parts_.front()->role;
    return "role " + std::string(NameOf(role.kind())) + ": " + problem;
  }
  return {};
}

}  // namespace ta::kubernetes
