// A LabelSelector of Kubernetes as the API takes it in a request.

#pragma once

#include <string>

#include "allocator/config/schema.h"
#include "allocator/config/schema_reader.h"

namespace ta {

// "app=web,tier in (a,b),!canary": the requirements by key, values sorted, as
// labels.Selector prints them. "" if the selector has none or is not set; says
// every mistake. matchLabels and matchlabels are one, as are matchExpressions
// and matchexpressions. Source: metav1.LabelSelectorAsSelector.
// REQUIRES: `selector` is of a field whose record is a label selector
std::string PodSelector(const Value& selector, const Path& path,
                        SchemaReader& reader);

}  // namespace ta
