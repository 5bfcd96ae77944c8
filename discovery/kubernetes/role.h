// A role of kubernetes_sd_configs: which resources it watches, what target
// group stands for each object of its main one, and which groups a change
// touches. Pure but for the stores that it reads.
//
// The labels are those of Prometheus 3 (discovery/kubernetes), one by one. Two
// things are better here, both invisible once everything is at rest:
//  - A group is built again whenever anything that it shows has changed.
//    Prometheus rebuilds endpoints for a changed pod only when its phase did,
//    so that its labels may be old until something else happens.
//  - Nothing else builds it again: a node's heartbeat costs nothing.
// And where its outcome hangs on the order of a map, ours is always the same
// (objects.h).

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/target_group.h"
#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/store.h"

namespace ta::kubernetes {

enum class RoleKind : std::uint8_t {
  kNode,
  kPod,
  kService,
  kEndpoints,
  kEndpointSlice,
  kIngress,
};
// "node", "pod", …, as in the configuration.
std::optional<RoleKind> RoleNamed(std::string_view name);
std::string_view NameOf(RoleKind kind);
// Whose objects have a group each.
Resource MainResource(RoleKind kind);

// What else is shown with a target. `ns` and `node` for the roles where
// Prometheus has them, the others for those that show pods; elsewhere ignored.
struct AttachMetadata {
  bool node = false;
  bool ns = false;
  bool deployment = false;
  bool job = false;
  bool cron_job = false;

  auto operator<=>(const AttachMetadata&) const = default;
};

struct Selector {
  std::string label = {};
  std::string field = {};

  auto operator<=>(const Selector&) const = default;
};

struct RoleConfig {
  RoleKind kind = RoleKind::kPod;
  AttachMetadata attach = {};
  std::map<RoleKind, Selector> selectors = {};

  auto operator<=>(const RoleConfig&) const = default;
};

// What a role watches in one namespace ("": all), its main resource first. With
// several namespaces there is a Role for each, and, as in Prometheus, none sees
// into another's namespace. Nodes and namespaces are watched as a whole.
std::vector<Scope> ScopesOf(const RoleConfig& config, std::string_view ns);

// The stores of ScopesOf, by resource; null where the role has none.
struct RoleStores {
  std::array<Store*, kResourceCount> stores{};

  Store*& operator[](Resource resource) {
    return stores[static_cast<std::size_t>(resource)];
  }
  Store* operator[](Resource resource) const {
    return stores[static_cast<std::size_t>(resource)];
  }
  // The object with `key`, null if there is none or no such store.
  template <typename T>
  const T* Find(std::string_view key) const {
    const Store* store = (*this)[T::kResource];
    return store == nullptr ? nullptr : store->FindAs<T>(key);
  }
};

// Confined to the thread of its stores, which outlive it.
class Role {
 public:
  // Adds the indexes that it needs to the stores.
  // REQUIRES: `stores` are those of ScopesOf
  Role(RoleKind kind, const AttachMetadata& attach, const RoleStores& stores);

  RoleKind kind() const { return kind_; }
  const Store& main() const { return *stores_[MainResource(kind_)]; }
  // All its stores have a whole list.
  bool synced() const;

  // Calls the function with the key of each main object whose group may differ
  // after this change (StoreListener::Changed); some more than once, and some
  // that are gone. Views that live until the next change.
  using OnKey = std::function<void(std::string_view)>;
  void Touched(const Object* before, const Object* now,
               const OnKey& on_key) const;
  // The group of the main object with this key; without targets and labels if
  // it is gone.
  TargetGroup Build(std::string_view key) const;
  // Of that group: "pod/default/web-1", "node/n1", as in Prometheus.
  std::string SourceOf(std::string_view key) const;

 private:
  void TouchedByPod(const Object& pod, const OnKey& on_key) const;

  const RoleKind kind_;
  const AttachMetadata attach_;  // what this kind of role has of it
  const RoleStores stores_;
};

}  // namespace ta::kubernetes
