// What a text (a file, an answer of a server) says of one target group, before
// it becomes one: the meeting point of the JSON and YAML readers.

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

// What is remembered of a group to notice that it changed: 12 bytes, as there
// may be one for each target.
class GroupMark {
 public:
  GroupMark(std::uint64_t hash, std::uint32_t bytes)
      : high_(static_cast<std::uint32_t>(hash >> 32)),
        low_(static_cast<std::uint32_t>(hash)),
        bytes_(bytes) {}
  std::uint64_t hash() const { return std::uint64_t{high_} << 32 | low_; }
  std::uint32_t bytes() const { return bytes_; }  // in the text, JSON only

  bool operator==(const GroupMark&) const = default;

 private:
  std::uint32_t high_, low_, bytes_;
};

// Is given the index in the text of each group that changed, in order.
using ChangedGroup = std::function<void(std::size_t index, const GroupText&)>;

// Where a text is from, and the label that says so to relabel rules.
struct GroupOrigin {
  std::string name;        // a path or a URL
  std::string_view label;  // "__meta_filepath"; a literal
  std::string shown = {};  // instead of the name in the log, if it may not be
};

// A group's source, as Prometheus has it: `<name>:<index>`.
std::string SourceOf(const GroupOrigin& origin, std::size_t index);

// The group `text` with its origin's label. If a label's name is not valid
// (Prometheus 3: not empty, UTF-8, which both readers see to), its targets are
// left out, with that reason.
TargetGroup BuildGroup(const GroupOrigin& origin, std::size_t index,
                       const GroupText& text);

// Logs, in one line, how many targets of `groups` from `first` on are left out,
// and why the first one is.
void LogInvalidTargets(const GroupOrigin& origin,
                       const std::vector<TargetGroup>& groups,
                       std::size_t first);

}  // namespace ta
