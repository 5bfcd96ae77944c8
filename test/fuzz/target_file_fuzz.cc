// Any bytes read as a file of targets, JSON and YAML: no crash, the same groups
// however the bytes are cut, and a text that was read before has no news.
//
// The first byte says how the rest is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "discovery/json_groups.h"
#include "discovery/yaml_groups.h"
#include "test/fuzz/pieces.h"
#include "test/fuzz/require.h"

namespace ta {
namespace {

using Marks = std::vector<GroupMark>;

struct Read {
  Result<Marks> marks;
  std::vector<TargetGroup> groups;  // those that changed
};

ChangedGroup Into(std::vector<TargetGroup>& groups) {
  return [&groups](std::size_t index, const GroupText& text) {
    static const GroupOrigin origin{"file", "__meta_filepath"};
    groups.push_back(BuildGroup(origin, index, text));
  };
}

Read ReadJson(std::string_view text, std::size_t piece, const Marks& before) {
  Read read;
  const ByteSource source = [&text, piece](char* to, std::size_t size) {
    const std::size_t count = std::min({size, piece, text.size()});
    std::memcpy(to, text.data(), count);
    text.remove_prefix(count);
    return Result<std::size_t>(count);
  };
  read.marks = ReadJsonGroups(source, before, Into(read.groups));
  return read;
}

Read ReadYaml(std::string_view text, const Marks& before) {
  Read read;
  read.marks = ReadYamlGroups("file", text, before, Into(read.groups));
  return read;
}

void RequireWhole(const Read& read) {
  if (!read.marks) {
    TA_REQUIRE(!read.marks.error().message.empty());
    TA_REQUIRE(read.marks.error().message.size() < 4096);
    return;
  }
  // Each group once, under a source and with labels of its own.
  TA_REQUIRE(read.groups.size() == read.marks->size());
  for (std::size_t i = 0; i < read.groups.size(); ++i) {
    const TargetGroup& group = read.groups[i];
    TA_REQUIRE(group.source == "file:" + std::to_string(i));
    TA_REQUIRE(group.labels.Get("__meta_filepath") == "file");
    for (const Labels& target : group.targets) {
      TA_REQUIRE(target.Find("__address__").has_value());
    }
  }
}

void RequireSame(const Read& a, const Read& b) {
  TA_REQUIRE(a.marks.has_value() == b.marks.has_value());
  if (!a.marks) {
    TA_REQUIRE(a.marks.error().message == b.marks.error().message);
    return;
  }
  TA_REQUIRE(*a.marks == *b.marks);
  TA_REQUIRE(a.groups.size() == b.groups.size());
  for (std::size_t i = 0; i < a.groups.size(); ++i) {
    TA_REQUIRE(a.groups[i].source == b.groups[i].source);
    TA_REQUIRE(a.groups[i].labels == b.groups[i].labels);
    TA_REQUIRE(a.groups[i].targets == b.groups[i].targets);
  }
}

void RequireNoNews(const Read& read, const Marks& before) {
  TA_REQUIRE(read.marks.has_value() && *read.marks == before);
  TA_REQUIRE(read.groups.empty());
}

void Check(std::size_t piece, std::string_view text) {
  const Read json = ReadJson(text, text.size() + 1, {});
  RequireWhole(json);
  RequireSame(ReadJson(text, piece, {}), json);
  if (json.marks)
    RequireNoNews(ReadJson(text, piece, *json.marks), *json.marks);

  const Read yaml = ReadYaml(text, {});
  RequireWhole(yaml);
  if (yaml.marks) RequireNoNews(ReadYaml(text, *yaml.marks), *yaml.marks);
}

}  // namespace
}  // namespace ta

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  return ta::CheckInPieces(data, size, ta::Check);
}
