// An explanation as JSON: the body of /api/v1/explain, and what the command
// line prints when it is asked for JSON.

#pragma once

#include <string>

#include "allocator/explain.h"
#include "api/json.h"

namespace ta {

// `{"name":"value",…}`
void WriteLabels(const Labels& labels, JsonWriter& json);

void WriteExplanation(const Explanation& explanation, JsonWriter& json);

// `{"matches":n,"targets":[…]}` and a newline.
std::string ExplainJson(const ExplainResult& result);

}  // namespace ta
