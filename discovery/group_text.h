// What a file says of one target group, before it becomes one: the meeting
// point of the JSON and YAML readers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/labels.h"
#include "allocator/target_group.h"

namespace ta {

// Borrows its text from the reader; gone when the reader goes on.
struct GroupText {
  std::vector<std::string_view> targets;  // addresses
  std::vector<LabelPair> labels;          // as written; of equal names the last
};

// What is remembered of a group to notice that it changed.
struct GroupMark {
  std::uint64_t hash = 0;
  std::uint32_t bytes = 0;  // in the file, JSON only

  bool operator==(const GroupMark&) const = default;
};

// Is given the index in the file of each group that changed, in order.
using ChangedGroup = std::function<void(std::size_t index, const GroupText&)>;

// The source of a file's group, as Prometheus has it: `<path>:<index>`.
std::string FileSource(const std::string& path, std::size_t index);

// The group `text` with `__meta_filepath`. If a label's name is not valid
// (Prometheus 3: not empty, UTF-8, which both readers see to), its targets are
// left out, with that reason.
TargetGroup BuildGroup(const std::string& path, std::size_t index,
                       const GroupText& text);

}  // namespace ta
