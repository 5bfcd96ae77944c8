// The names of polling members, kept in a directory across restarts: with them
// the collectors are known from the start, and nobody has to wait until all of
// them have asked.

#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "allocator/base/result.h"

namespace ta {

// Writes on a thread of its own, so that a slow or full disk holds up nothing;
// logs when writing begins to fail and when it works again. Thread-safe.
class StateDir {
 public:
  // `directory` must exist. Reads nothing yet.
  explicit StateDir(std::string directory);
  ~StateDir();  // writes what is still to be written

  // The names that were saved last; none if nothing was. An error for a file
  // that can't be read or is not ours.
  Result<std::vector<std::string>> Load() const;
  // Returns at once. Of several calls in a row the last is written; what is
  // there already is not written again.
  void Save(std::vector<std::string> names);

 private:
  void Run();
  Result<void> Write(const std::vector<std::string>& names) const;

  std::string directory_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<std::string> names_;
  bool pending_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ta
