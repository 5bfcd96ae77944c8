#include "discovery/group_text.h"

#include <algorithm>

#include "allocator/base/log.h"

namespace ta {

std::string SourceOf(const GroupOrigin& origin, std::size_t index) {
  return origin.name + ":" + std::to_string(index);
}

TargetGroup BuildGroup(const GroupOrigin& origin, std::size_t index,
                       const GroupText& text) {
  TargetGroup group;
  group.source = SourceOf(origin, index);
  std::vector<LabelPair> labels;
  labels.reserve(text.labels.size() + 1);
  bool valid = true;
  for (const LabelPair& label : text.labels) {
    if (label.name.empty()) {
      valid = false;
    } else {
      labels.push_back(label);
    }
  }
  labels.push_back({origin.label, origin.name});
  group.labels = Labels::Of(std::move(labels));
  if (valid) {
    group.targets.reserve(text.targets.size());
    for (const std::string_view address : text.targets) {
      group.targets.push_back(Labels::Of({{"__address__", address}}));
    }
  } else {
    group.invalid.reserve(text.targets.size());
    for (const std::string_view address : text.targets) {
      group.invalid.push_back(
          {std::string(address), "\"\" is not a valid label name"});
    }
  }
  return group;
}

void LogInvalidTargets(const GroupOrigin& origin,
                       const std::vector<TargetGroup>& groups,
                       std::size_t first) {
  std::size_t count = 0;
  const InvalidTarget* example = nullptr;
  for (std::size_t i = first; i < groups.size(); ++i) {
    count += groups[i].invalid.size();
    if (example == nullptr && !groups[i].invalid.empty()) {
      example = &groups[i].invalid.front();
    }
  }
  if (example == nullptr) return;
  Log(Level::kWarn, "targets left out",
      {{"from", origin.shown.empty() ? origin.name : origin.shown},
       {"count", count},
       {"first", example->what},
       {"reason", example->reason}});
}

}  // namespace ta
