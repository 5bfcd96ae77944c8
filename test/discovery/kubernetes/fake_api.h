// An API server in memory that holds pods: versions, history, compaction, pages
// of a consistent snapshot, watches with bookmarks, streaming lists. It speaks
// bytes, as a real one does, so that what reads them is tested along.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "discovery/kubernetes/resource.h"
#include "discovery/kubernetes/status.h"

namespace ta::test {

class FakeApi {
 public:
  using Content = std::map<std::string, std::string>;  // pod to node

  bool streams_lists = false;

  void Put(const std::string& pod, const std::string& node);
  void Remove(const std::string& pod);
  // Forgets what was before the present: older versions are 410 from now on.
  void Compact();
  const Content& content() const { return now_; }

  kubernetes::Answer<std::string> List(
      const kubernetes::ListOptions& options) const;

  struct Stream {
    std::uint64_t at = 0;              // it has seen everything up to here
    std::vector<std::string> initial;  // lines still to come, of the list
  };
  kubernetes::Answer<Stream> Watch(
      const kubernetes::WatchOptions& options) const;
  // The next line; a bookmark if there is nothing else.
  std::string Read(Stream& stream) const;
  bool HasNews(const Stream& stream) const {
    return !stream.initial.empty() || stream.at < version_;
  }

 private:
  struct Change {
    std::string type;
    std::string pod;
    std::string node;
  };
  void Note(Change change);

  std::uint64_t version_ = 1;
  std::uint64_t oldest_ = 1;
  Content now_;
  std::map<std::uint64_t, Content> snapshots_{{1, {}}};
  std::map<std::uint64_t, Change> changes_;  // by the version they made
};

}  // namespace ta::test
