#include "discovery/yaml_groups.h"

#include <cstdint>
#include <variant>

#include "allocator/config/mistake.h"
#include "allocator/config/yaml_scalar.h"
#include "allocator/config/yaml_tree.h"
#include "hashing/hash.h"

namespace ta {
namespace {

bool IsNull(const YamlNode& node) {
  return node.IsNull() ||
         (node.IsScalar() &&
          std::holds_alternative<std::monostate>(ResolveScalar(node)));
}

std::unexpected<Error> Wrong(std::string_view file, const YamlNode& node,
                             std::string message) {
  Mistake mistake;
  mistake.file = file;
  mistake.line = node.line;
  mistake.column = node.column;
  mistake.message = std::move(message);
  return Reject(mistake.ToString());
}

// A string's text; null is "", as in Go.
Result<std::string_view> TextOf(std::string_view file, const YamlNode& node,
                                const char* what) {
  if (IsNull(node)) return std::string_view();
  if (!node.IsScalar()) {
    return Wrong(file, node, std::string(what) + " is not a string");
  }
  return node.text;
}

Result<void> FillTargets(std::string_view file, const YamlNode& node,
                         GroupText& group) {
  if (IsNull(node)) return {};
  if (!node.IsSequence()) {
    return Wrong(file, node, "targets is not a list of strings");
  }
  for (const YamlNode* target : node.items) {
    const auto text = TextOf(file, *target, "a target");
    if (!text) return std::unexpected(text.error());
    group.targets.push_back(*text);
  }
  return {};
}

Result<void> FillLabels(std::string_view file, const YamlNode& node,
                        GroupText& group) {
  if (IsNull(node)) return {};
  if (!node.IsMap()) {
    return Wrong(file, node, "labels is not a map of strings");
  }
  for (const YamlEntry& label : node.entries) {
    const auto text = TextOf(file, *label.value, "a label's value");
    if (!text) return std::unexpected(text.error());
    group.labels.push_back({label.key, *text});
  }
  return {};
}

Result<void> Fill(std::string_view file, const YamlNode& node,
                  GroupText& group) {
  group.targets.clear();
  group.labels.clear();
  if (IsNull(node)) return Wrong(file, node, "nil target group item found");
  if (!node.IsMap()) return Wrong(file, node, "a target group is not a map");
  for (const YamlEntry& field : node.entries) {
    Result<void> filled;
    if (field.key == "targets") {
      filled = FillTargets(file, *field.value, group);
    } else if (field.key == "labels") {
      filled = FillLabels(file, *field.value, group);
    } else {
      filled = Wrong(file, *field.value, "unknown field " + Quoted(field.key));
    }
    if (!filled) return filled;
  }
  return {};
}

GroupMark MarkOf(const GroupText& group) {
  Hasher hasher;
  hasher.Append(std::uint64_t{group.targets.size()});
  for (const std::string_view target : group.targets) hasher.Append(target);
  for (const LabelPair& label : group.labels) {
    hasher.Append(label.name).Append(label.value);
  }
  return {hasher.Hash64(), 0};
}

}  // namespace

Result<std::vector<GroupMark>> ReadYamlGroups(
    std::string_view file, std::string_view text,
    const std::vector<GroupMark>& before, const ChangedGroup& changed) {
  Mistakes mistakes;
  const YamlTree tree = YamlTree::Parse(file, text, mistakes);
  if (!mistakes.empty()) return Reject(mistakes.front().ToString());
  std::vector<GroupMark> marks;
  if (tree.root() == nullptr || IsNull(*tree.root())) return marks;
  if (!tree.root()->IsSequence()) {
    return Wrong(file, *tree.root(), "not a list of target groups");
  }
  GroupText group;
  for (const YamlNode* node : tree.root()->items) {
    if (auto filled = Fill(file, *node, group); !filled) {
      return std::unexpected(filled.error());
    }
    const GroupMark mark = MarkOf(group);
    if (marks.size() >= before.size() || before[marks.size()] != mark) {
      changed(marks.size(), group);
    }
    marks.push_back(mark);
  }
  return marks;
}

}  // namespace ta
