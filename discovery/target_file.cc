#include "discovery/target_file.h"

#include <cstddef>
#include <utility>

#include "allocator/base/ascii.h"
#include "discovery/json_groups.h"
#include "discovery/yaml_groups.h"
#include "hashing/hash.h"

namespace ta {
namespace {

// As Prometheus: by the extension, in any case. The configuration takes no
// other files than .json, .yml and .yaml.
bool IsJson(std::string_view path) {
  if (path.size() < 5) return false;
  return EqualIgnoringAsciiCase(path.substr(path.size() - 5), ".json");
}

}  // namespace

TargetFile::TargetFile(std::string path, const std::atomic<bool>* stopping)
    : origin_{std::move(path), "__meta_filepath"},
      stopping_(stopping),
      is_json_(IsJson(origin_.name)) {}

TargetFile::Outcome TargetFile::Update(Look look, Trust trust,
                                       std::vector<TargetGroup>& groups) {
  was_read_ = false;
  if (look == Look::kIfStampChanged && trusted_) {
    const auto stamp = StampOf(path());
    if (stamp && *stamp == stamp_) return Outcome::kUnchanged;
  }
  was_read_ = true;
  trusted_ = false;
  const std::size_t first = groups.size();
  auto marks = is_json_ ? ReadJson(trust, groups) : ReadYaml(trust, groups);
  if (!marks) {
    groups.resize(first);
    error_ = marks.error().message;
    return Outcome::kFailed;
  }
  for (std::size_t i = marks->size(); i < marks_.size(); ++i) {
    TargetGroup gone;
    gone.source = SourceOf(origin_, i);
    groups.push_back(std::move(gone));
  }
  marks_ = std::move(*marks);
  marks_.shrink_to_fit();
  modified_ns_ = stamp_.modified_ns;
  error_.clear();
  has_content_ = true;
  LogInvalidTargets(origin_, groups, first);
  return groups.size() == first ? Outcome::kUnchanged : Outcome::kChanged;
}

void TargetFile::Remove(std::vector<TargetGroup>& groups) const {
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    TargetGroup gone;
    gone.source = SourceOf(origin_, i);
    groups.push_back(std::move(gone));
  }
}

Result<std::vector<GroupMark>> TargetFile::ReadJson(
    Trust trust, std::vector<TargetGroup>& groups) {
  auto file = InputFile::Open(path());
  if (!file) return std::unexpected(file.error());
  stamp_ = file->stamp();
  trusted_ = stamp_.IsTrusted(FileClockNow());
  const ByteSource source = [&](char* to, std::size_t size) {
    if (*stopping_) return Result<std::size_t>(Reject("stopping"));
    return file->Read(to, size);
  };
  auto marks = ReadJsonGroups(
      source, marks_, [&](std::size_t index, const GroupText& text) {
        groups.push_back(BuildGroup(origin_, index, text));
      });
  if (file->Changed()) {
    trusted_ = false;
    if (trust == Trust::kMayBeHalfWritten) {
      return Reject("changed while it was read");
    }
  }
  return marks;
}

Result<std::vector<GroupMark>> TargetFile::ReadYaml(
    Trust trust, std::vector<TargetGroup>& groups) {
  const auto stamp = StampOf(path());
  if (!stamp) return std::unexpected(stamp.error());
  stamp_ = *stamp;
  trusted_ = stamp_.IsTrusted(FileClockNow());
  const auto text = ReadFile(path());
  if (!text) return std::unexpected(text.error());
  const auto after = StampOf(path());
  if (!after || *after != stamp_) {
    trusted_ = false;
    if (trust == Trust::kMayBeHalfWritten) {
      return Reject("changed while it was read");
    }
  }
  // To Prometheus an empty file is one without groups. It is also what every
  // file is for a moment that is written in place.
  if (text->empty() && !marks_.empty() && trust == Trust::kMayBeHalfWritten) {
    trusted_ = false;  // it may have to be taken as it is, later
    return Reject("is empty");
  }
  const std::uint64_t hash = Hash64(*text);
  if (has_content_ && hash == text_hash_) return marks_;
  auto marks = ReadYamlGroups(
      "", *text, marks_, [&](std::size_t index, const GroupText& group) {
        groups.push_back(BuildGroup(origin_, index, group));
      });
  if (marks) text_hash_ = hash;
  return marks;
}

}  // namespace ta
