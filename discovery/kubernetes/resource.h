// The resources that are watched, what one watch of them sees, and how its
// requests are written as paths.

#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ta::kubernetes {

enum class Resource : std::uint8_t {
  kPods,
  kNodes,
  kServices,
  kEndpoints,
  kEndpointSlices,
  kIngresses,
  kNamespaces,
  kReplicaSets,
  kJobs,
};
inline constexpr int kResourceCount = 9;

struct ResourceInfo {
  std::string_view plural;  // "pods": in paths, in RBAC rules, in messages
  std::string_view kind;    // "Pod": an object's; a list's is "PodList"
  std::string_view prefix;  // "/api/v1", "/apis/discovery.k8s.io/v1", …
  bool namespaced;
};
const ResourceInfo& InfoOf(Resource resource);

// What one watch sees. Equal scopes share one watch. Value type.
struct Scope {
  Resource resource = Resource::kPods;
  std::string ns = {};  // "": all; always "" where not namespaced
  std::string label_selector = {};
  std::string field_selector = {};

  auto operator<=>(const Scope&) const = default;
};

// "pods", "pods in default", "pods in default (app=web)": for messages.
std::string Describe(const Scope& scope);

// One page of a list. An empty resource version asks for the latest state,
// whatever it costs the server; "0" for any that it has at hand.
struct ListOptions {
  int limit = 500;                    // objects a page; 0: all at once
  std::string continue_token = {};    // of the page before; "" for the first
  std::string resource_version = {};  // of the first page only

  bool operator==(const ListOptions&) const = default;
};

// A watch from a version on; bookmarks are always asked for. With
// `send_initial_events` it is a streaming list: first every object as an ADDED
// event, then a bookmark that says so, then what changes.
struct WatchOptions {
  std::string resource_version = {};
  // After which the server ends it; 0: when it likes.
  std::chrono::seconds timeout{0};
  bool send_initial_events = false;

  bool operator==(const WatchOptions&) const = default;
};

// The path and query of such a request, escaped, such as
// "/api/v1/namespaces/x/pods?labelSelector=app%3Dweb&limit=500". Parameters
// come sorted by name.
std::string ListPath(const Scope& scope, const ListOptions& options);
std::string WatchPath(const Scope& scope, const WatchOptions& options);

}  // namespace ta::kubernetes
