// One file of target groups: its last good content, as marks, and what is wrong
// with what it holds now.

#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/target_group.h"
#include "discovery/file_read.h"
#include "discovery/group_text.h"

namespace ta {

// Confined to one thread. Memory is 12 bytes a group; the content itself is not
// kept.
class TargetFile {
 public:
  // `stopping` ends a long read early, as an error; it outlives this.
  TargetFile(std::string path, const std::atomic<bool>* stopping);

  // When a file that looks unchanged is read all the same.
  enum class Look { kIfStampChanged, kAlways };
  // How content is taken that its writer may not have finished: empty, or
  // changed while it was read.
  enum class Trust { kMayBeHalfWritten, kAsItIs };
  enum class Outcome { kUnchanged, kChanged, kFailed };

  // Looks at the file and appends to `groups` what differs from its last good
  // content: groups that are new or changed, and empty ones for those that
  // went. kFailed changes nothing: the last good content stays, error() says
  // why. kUnchanged after a failure means that it is still wrong, or good again
  // with the content that it had before: see error().
  Outcome Update(Look look, Trust trust, std::vector<TargetGroup>& groups);

  // Has the last look read the content? Not where the stamp said enough.
  bool was_read() const { return was_read_; }

  // The file is gone: appends an empty group for each of its groups.
  void Remove(std::vector<TargetGroup>& groups) const;

  const std::string& path() const { return origin_.name; }
  // "" if the last look was a success.
  const std::string& error() const { return error_; }
  // Has it ever been read with success?
  bool has_content() const { return has_content_; }
  // When it was last modified, of the last good content; seconds since 1970.
  double modified_seconds() const {
    return static_cast<double>(modified_ns_ / 1'000'000'000);
  }

 private:
  Result<std::vector<GroupMark>> ReadJson(Trust trust,
                                          std::vector<TargetGroup>& groups);
  Result<std::vector<GroupMark>> ReadYaml(Trust trust,
                                          std::vector<TargetGroup>& groups);

  const GroupOrigin origin_;
  const std::atomic<bool>* const stopping_;
  const bool is_json_;
  FileStamp stamp_;       // of the last look
  bool trusted_ = false;  // stamp_ can tell that nothing changed
  std::string error_;
  bool has_content_ = false;
  bool was_read_ = false;
  std::int64_t modified_ns_ = 0;
  std::vector<GroupMark> marks_;  // of the last good content
  std::uint64_t text_hash_ = 0;   // of all of it, YAML only
};

}  // namespace ta
