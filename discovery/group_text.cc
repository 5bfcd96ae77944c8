#include "discovery/group_text.h"

#include <algorithm>

namespace ta {

std::string FileSource(const std::string& path, std::size_t index) {
  return path + ":" + std::to_string(index);
}

TargetGroup BuildGroup(const std::string& path, std::size_t index,
                       const GroupText& text) {
  TargetGroup group;
  group.source = FileSource(path, index);
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
  labels.push_back({"__meta_filepath", path});
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

}  // namespace ta
