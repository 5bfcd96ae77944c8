// The JSON of one object to what we keep of it. Pure.

#pragma once

#include <simdjson.h>

#include <expected>

#include "discovery/kubernetes/json_value.h"
#include "discovery/kubernetes/objects.h"
#include "discovery/kubernetes/watch_decoder.h"

namespace ta::kubernetes {

// Reads an object of `resource`. One without a name, without the namespace that
// it must have, or with a field of a wrong type where we read it, is bad.
std::expected<ObjectPtr, BadObject> ParseObject(Resource resource,
                                                simdjson::dom::element json);

// The kinds, each with its labels; ParseObject's own, in parse_<kind>.cc. They
// fill in all but the key, which is set before. Mistakes are noted in `root`.
void FillPod(const JsonValue& root, Pod& pod);
void FillNode(const JsonValue& root, Node& node);
void FillService(const JsonValue& root, Service& service);
void FillEndpoints(const JsonValue& root, Endpoints& endpoints);
void FillEndpointSlice(const JsonValue& root, EndpointSlice& slice);
void FillIngress(const JsonValue& root, Ingress& ingress);

// The owner that controls the object: the first that says so.
// Source: apimachinery's GetControllerOf.
struct Owner {
  std::string_view kind;
  std::string_view name;
};
std::optional<Owner> ControllerOf(const JsonValue& metadata);

}  // namespace ta::kubernetes
