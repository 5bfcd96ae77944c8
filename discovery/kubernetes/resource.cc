#include "discovery/kubernetes/resource.h"

#include <array>
#include <cstddef>

#include "allocator/base/percent.h"

namespace ta::kubernetes {
namespace {

constexpr std::array<ResourceInfo, kResourceCount> kResources = {{
    {"pods", "Pod", "/api/v1", true},
    {"nodes", "Node", "/api/v1", false},
    {"services", "Service", "/api/v1", true},
    {"endpoints", "Endpoints", "/api/v1", true},
    {"endpointslices", "EndpointSlice", "/apis/discovery.k8s.io/v1", true},
    {"ingresses", "Ingress", "/apis/networking.k8s.io/v1", true},
    {"namespaces", "Namespace", "/api/v1", false},
    {"replicasets", "ReplicaSet", "/apis/apps/v1", true},
    {"jobs", "Job", "/apis/batch/v1", true},
}};

// A path to which parameters are added; empty values are left out.
class PathWriter {
 public:
  explicit PathWriter(const Scope& scope) {
    const ResourceInfo& info = InfoOf(scope.resource);
    path_ = info.prefix;
    if (info.namespaced && !scope.ns.empty())
      path_ += "/namespaces/" + PercentEncode(scope.ns);
    path_ += '/';
    path_ += info.plural;
  }
  void Add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    path_ += path_.find('?') == std::string::npos ? '?' : '&';
    path_ += name;
    path_ += '=';
    path_ += PercentEncode(value);
  }
  std::string path() && { return std::move(path_); }

 private:
  std::string path_;
};

std::string PositiveOrNothing(std::int64_t number) {
  return number > 0 ? std::to_string(number) : std::string();
}

}  // namespace

const ResourceInfo& InfoOf(Resource resource) {
  return kResources[static_cast<std::size_t>(resource)];
}

std::string Describe(const Scope& scope) {
  std::string text(InfoOf(scope.resource).plural);
  if (!scope.ns.empty()) text += " in " + scope.ns;
  std::string selectors = scope.label_selector;
  if (!scope.field_selector.empty()) {
    if (!selectors.empty()) selectors += "; ";
    selectors += scope.field_selector;
  }
  if (!selectors.empty()) text += " (" + selectors + ")";
  return text;
}

std::string ListPath(const Scope& scope, const ListOptions& options) {
  PathWriter path(scope);
  path.Add("continue", options.continue_token);
  path.Add("fieldSelector", scope.field_selector);
  path.Add("labelSelector", scope.label_selector);
  path.Add("limit", PositiveOrNothing(options.limit));
  // A token carries its version; the server refuses one beside it.
  if (options.continue_token.empty())
    path.Add("resourceVersion", options.resource_version);
  return std::move(path).path();
}

std::string WatchPath(const Scope& scope, const WatchOptions& options) {
  PathWriter path(scope);
  path.Add("allowWatchBookmarks", "true");
  path.Add("fieldSelector", scope.field_selector);
  path.Add("labelSelector", scope.label_selector);
  path.Add("resourceVersion", options.resource_version);
  if (options.send_initial_events) {
    path.Add("resourceVersionMatch", "NotOlderThan");
    path.Add("sendInitialEvents", "true");
  }
  path.Add("timeoutSeconds", PositiveOrNothing(options.timeout.count()));
  path.Add("watch", "true");
  return std::move(path).path();
}

}  // namespace ta::kubernetes
