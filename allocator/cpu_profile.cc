#include "allocator/cpu_profile.h"

#include <fcntl.h>
#include <gperftools/profiler.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "allocator/base/log.h"

namespace ta {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::unexpected<Error> Fail(std::string message) {
  return std::unexpected(Error{Error::Code::kGiveUp, std::move(message)});
}

}  // namespace

void CpuProfile::UseFolder(const std::string& folder) {
  if (path_.empty() && !folder.empty()) path_ = folder + "/" + kFileName;
}

// libprofiler doesn't say why it can't write.
Result<void> CpuProfile::TryBegin() const {
  if (kSanitized)
    return Fail("this build has a sanitizer, which can't bear it");
  if (path_.empty()) {
    return Fail("no file to write to: neither --profile nor state_dir is set");
  }
  // Not through a link that somebody has put there, nor into a pipe.
  const int file =
      open(path_.c_str(),
           O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (file < 0) return Fail(path_ + ": " + std::strerror(errno));
  close(file);
  if (ProfilerStart(path_.c_str()) == 0) {
    return Fail(path_ + ": libprofiler refuses; is CPUPROFILE set?");
  }
  return {};
}

void CpuProfile::Begin() {
  if (running_) return;
  if (const auto begun = TryBegin(); !begun) {
    Log(Level::kError, "no CPU profile", {{"err", begun.error().message}});
    return;
  }
  running_ = true;
  Log(Level::kInfo, "CPU profile begun", {{"file", path_}});
}

void CpuProfile::Toggle(TimePoint now) {
  if (running_) return End();
  Begin();
  if (running_) deadline_ = now + kToggled;
}

void CpuProfile::End() {
  if (!running_) return;
  running_ = false;
  deadline_.reset();
  ProfilerState state{};
  ProfilerGetCurrentState(&state);
  ProfilerStop();
  // It doesn't say either that the disk is full.
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path_, error);
  if (error || bytes == 0) {
    Log(Level::kError, "CPU profile could not be written",
        {{"file", path_}, {"err", error ? error.message() : "it is empty"}});
    return;
  }
  Log(Level::kInfo, "CPU profile written",
      {{"file", path_}, {"samples", state.samples_gathered}, {"bytes", bytes}});
}

}  // namespace ta
