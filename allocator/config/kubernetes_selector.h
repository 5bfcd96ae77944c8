// Label and field selectors as Kubernetes writes them ("app=web,tier in (a,b)",
// "metadata.name=x"): whether they can be parsed.

#pragma once

#include <string_view>

#include "allocator/base/result.h"

namespace ta {

// A label's name, prefix and all ("app.kubernetes.io/name"), and its value.
// What is one stands in a selector as it is. Source: apimachinery's validation.
bool IsLabelKey(std::string_view key);
bool IsLabelValue(std::string_view value);

// Source: apimachinery's labels.Parse. The error says what is wrong.
Result<void> CheckLabelSelector(std::string_view selector);
// Source: apimachinery's fields.ParseSelector.
Result<void> CheckFieldSelector(std::string_view selector);

}  // namespace ta
