#include "discovery/kubernetes/parse_object.h"

#include <memory>
#include <utility>

#include "discovery/kubernetes/meta_labels.h"

namespace ta::kubernetes {
namespace {

void FillNamespace(const JsonValue& root, Namespace& ns) {
  MetaLabels labels;
  labels.AddLabelsAndAnnotations(root["metadata"], "namespace");
  ns.meta = labels.Build();
}

// The name of the controller, if it is of `kind`.
std::optional<std::string> ControllerNamed(const JsonValue& root,
                                           std::string_view kind) {
  const auto owner = ControllerOf(root["metadata"]);
  if (!owner || owner->kind != kind) return std::nullopt;
  return std::string(owner->name);
}

void FillReplicaSet(const JsonValue& root, ReplicaSet& set) {
  set.deployment = ControllerNamed(root, "Deployment");
}

void FillJob(const JsonValue& root, Job& job) {
  job.cron_job = ControllerNamed(root, "CronJob");
}

template <typename T>
ObjectPtr Make(std::string key, const JsonValue& root,
               void (*fill)(const JsonValue&, T&)) {
  auto object = std::make_shared<T>();
  object->key = std::move(key);
  fill(root, *object);
  return object;
}

ObjectPtr MakeObject(Resource resource, std::string key,
                     const JsonValue& root) {
  switch (resource) {
    case Resource::kPods:
      return Make(std::move(key), root, FillPod);
    case Resource::kNodes:
      return Make(std::move(key), root, FillNode);
    case Resource::kServices:
      return Make(std::move(key), root, FillService);
    case Resource::kEndpoints:
      return Make(std::move(key), root, FillEndpoints);
    case Resource::kEndpointSlices:
      return Make(std::move(key), root, FillEndpointSlice);
    case Resource::kIngresses:
      return Make(std::move(key), root, FillIngress);
    case Resource::kNamespaces:
      return Make(std::move(key), root, FillNamespace);
    case Resource::kReplicaSets:
      return Make(std::move(key), root, FillReplicaSet);
    case Resource::kJobs:
      return Make(std::move(key), root, FillJob);
  }
  return nullptr;
}

// The object's key; "" after noting why it has none.
std::string KeyOf(Resource resource, const JsonValue& root) {
  const JsonValue metadata = root["metadata"];
  const JsonValue name = metadata["name"];
  const JsonValue ns = metadata["namespace"];
  // A slash would make another object's key of it.
  const auto usable = [](const JsonValue& part) {
    const std::string_view text = part.text();
    if (text.empty()) part.Reproach("missing");
    if (text.find('/') == std::string_view::npos) return !text.empty();
    part.Reproach("contains a slash");
    return false;
  };
  if (!usable(name)) return {};
  if (!InfoOf(resource).namespaced) return std::string(name.text());
  if (!usable(ns)) return {};
  return std::string(ns.text()) + "/" + std::string(name.text());
}

}  // namespace

std::optional<Owner> ControllerOf(const JsonValue& metadata) {
  std::optional<Owner> owner;
  metadata["ownerReferences"].Each([&](const JsonValue& reference) {
    const bool controls = reference["controller"].flag().value_or(false);
    if (owner || !controls) return;
    owner = {reference["kind"].text(), reference["name"].text()};
  });
  return owner;
}

std::expected<ObjectPtr, BadObject> ParseObject(Resource resource,
                                                simdjson::dom::element json) {
  std::string mistake;
  const JsonValue root(json, mistake);
  std::string key = KeyOf(resource, root);
  ObjectPtr object;
  if (mistake.empty()) object = MakeObject(resource, key, root);
  if (mistake.empty()) return object;
  std::string what(InfoOf(resource).plural);
  if (!key.empty()) what += " " + key;
  return std::unexpected(
      BadObject{std::move(key),
                Error{Error::Code::kReject, what + ": " + std::move(mistake)}});
}

}  // namespace ta::kubernetes
