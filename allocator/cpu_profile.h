// A CPU profile of this process, for the person on call: where its threads
// spend their time, 100 samples of the stack for each second of CPU time. By
// gperftools' libprofiler, which costs nothing while there is no profile, and
// whose files google-pprof and Go's pprof read (docs/profiling.md).
//
// Whatever goes wrong is a line in the log, and the process goes on.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "allocator/base/clock.h"
#include "allocator/base/result.h"

namespace ta {

// Confined to one thread; one in a process. Stacks are sampled by SIGPROF on
// whichever thread is running: system calls must bear EINTR, as always.
class CpuProfile {
 public:
  // How long a profile lasts that was asked for by Toggle, so that one that is
  // forgotten ends. Thirty seconds of a busy core are 3,000 samples.
  static constexpr Duration kToggled = std::chrono::seconds(30);
  // The name of the file in a folder.
  static constexpr const char* kFileName = "cpu.prof";

  // Writes to `path`; "" if no file was named.
  explicit CpuProfile(std::string path) : path_(std::move(path)) {}
  ~CpuProfile() { End(); }
  CpuProfile(const CpuProfile&) = delete;
  CpuProfile& operator=(const CpuProfile&) = delete;

  // Where to write if no file was named: kFileName in `folder`.
  void UseFolder(const std::string& folder);

  // From now on until End or Toggle. What the file had is lost.
  void Begin();
  // Ends the profile that is under way, or begins one that lasts for kToggled.
  void Toggle(TimePoint now);
  // Ends the one under way, and the file is complete. Idempotent.
  void End();
  void EndIfDue(TimePoint now) {
    if (deadline_ && *deadline_ <= now) End();
  }

  // Call EndIfDue by then.
  std::optional<TimePoint> deadline() const { return deadline_; }
  bool running() const { return running_; }

 private:
  Result<void> TryBegin() const;

  std::string path_;
  bool running_ = false;
  std::optional<TimePoint> deadline_;  // only while running
};

}  // namespace ta
