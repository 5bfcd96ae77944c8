// What OpenTelemetry takes from the environment: references to variables within
// the section `telemetry`, and the attributes of the resource that metrics are
// of. Pure: the environment is a parameter.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

// Names to values.
using Environment = std::map<std::string, std::string>;

// A text with its references replaced.
struct ReplacedText {
  std::string text;
  // Variables without a value and without a default, in order: nothing stands
  // in their place.
  std::vector<std::string> missing;
};

// Replaces `${env:NAME}`, as the Go allocator does, and, as OpenTelemetry's
// declarative configuration has them too, `${NAME}` and `${env:NAME:-default}`,
// where the default stands for a variable that is empty as well. `$${` is the
// text `${`; any other dollar stands for itself, as in the Go allocator. What
// is put in is not looked at again. Linear where references are well formed.
ReplacedText ReplaceEnvReferences(std::string_view text,
                                  const Environment& environment);

// By name, ascending; names are unique.
using ResourceAttributes = std::map<std::string, std::string>;

// OTEL_RESOURCE_ATTRIBUTES (`name=value,…`, values percent-encoded), in which
// the last of equal names counts, and over it OTEL_SERVICE_NAME as
// `service.name`. Source: the SDK's specification, resource and its environment
// variables. An attribute without `=` is an error that names it by its place,
// since its text may be a secret's rest; as the specification says, the whole
// variable then doesn't count.
struct EnvironmentResource {
  ResourceAttributes attributes;
  std::string problem;  // "" if none
};
EnvironmentResource ResourceOf(const Environment& environment);

// `headers_list` of the declarative configuration: `name=value,…`, values
// percent-encoded. The error doesn't show what is in it.
Result<std::vector<std::pair<std::string, std::string>>> ParseHeadersList(
    std::string_view text);

}  // namespace ta
