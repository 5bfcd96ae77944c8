// The collectors as a file lists them, watched: names, or maps of name and
// node, in YAML or JSON.
//
//   - collector-0
//   - {name: collector-1, node: node-a}

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "allocator/base/clock.h"
#include "allocator/config/config.h"
#include "discovery/discoverer.h"
#include "discovery/file_watch.h"

namespace ta {

// Sends the complete list each time that it is another one. A file that can't
// be read, is empty or holds no such list sends an update that is not complete,
// with the problem, after it was so for half a second; the members stay. To
// have no collectors, write `[]`. Logs nothing: who shows the problem does.
// Runs on the thread of its FileWatch.
class CollectorsFile final : public Discoverer {
 public:
  // `watch` and `sink` outlive this.
  CollectorsFile(const FileMembers& settings, FileWatch* watch,
                 UpdateSink* sink);
  ~CollectorsFile() override;

  void Start() override;
  void Stop() override;

 private:
  TimePoint Work(const FileWatch::Hints& hints);
  TimePoint Failed(std::string problem, TimePoint now);

  const std::string source_;  // MembersKey
  const std::string path_;
  FileWatch* const watch_;
  UpdateSink* const sink_;
  std::mutex id_mutex_;
  FileWatch::Id id_ = 0;  // guarded by id_mutex_; 0 if not running

  // Confined to the watch's thread.
  bool watched_ = false;
  bool first_look_ = true;
  std::optional<std::uint64_t> good_hash_;  // of the text that was sent last
  std::optional<TimePoint> bad_since_;
  std::string problem_;  // as sent, "" if none
};

}  // namespace ta
